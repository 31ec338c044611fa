// SPDX-License-Identifier: GPL-3.0-or-later
#include "echo_connection.h"

#include <fmt/core.h>

#include <algorithm>
#include <array>
#include <charconv>
#include <utility>

#include "signet/base/log.h"
#include "signet/wire/http_writer.h"

namespace signet::app {

namespace {

constexpr std::size_t piece_bytes = 16 * 1024;

/// Bytes that differ from their neighbours, so that a shifted or repeated piece shows.
const std::array<char, piece_bytes>& pattern() {
  static const std::array<char, piece_bytes> made = [] {
    std::array<char, piece_bytes> bytes{};
    for (std::size_t i = 0; i < bytes.size(); ++i) {
      bytes[i] = static_cast<char>('!' + i % 93);
    }
    return bytes;
  }();
  return made;
}

void append_string(std::string& out, std::string_view text) {
  out += '"';
  for (const char c : text) {
    const auto byte = static_cast<unsigned char>(c);
    if (c == '"' || c == '\\') {
      out += '\\';
      out += c;
    } else if (byte < 0x20 || byte >= 0x7f) {
      fmt::format_to(std::back_inserter(out), "\\u{:04x}", byte);
    } else {
      out += c;
    }
  }
  out += '"';
}

/// N of "/bytes/N".
std::optional<std::uint64_t> size_in(std::string_view target, std::string_view prefix) {
  if (!target.starts_with(prefix)) {
    return std::nullopt;
  }
  target.remove_prefix(prefix.size());
  target = target.substr(0, target.find('?'));
  std::uint64_t size = 0;
  const auto [end, error] = std::from_chars(target.data(), target.data() + target.size(), size);
  if (error != std::errc{} || end != target.data() + target.size()) {
    return std::nullopt;
  }
  return size;
}

}  // namespace

// ---- server
// --------------------------------------------------------------------------------------------------------------------------------

EchoServer::EchoServer(io::Io& io, std::optional<wire::TlsServerSettings> tls)
    : io_(io), tls_settings_(std::move(tls)), listener_(io, *this) {}

EchoServer::~EchoServer() = default;

Result<void> EchoServer::open(const Endpoint& address) {
  if (tls_settings_) {
    Result<std::shared_ptr<wire::TlsContext>> made = wire::TlsContext::server(*tls_settings_);
    if (!made) {
      return std::unexpected(std::move(made.error()));
    }
    tls_ = std::move(*made);
  }
  Result<void> opened = listener_.open(address);
  listening_ = opened.has_value();
  return opened;
}

void EchoServer::on_connection(io::Descriptor descriptor, const Endpoint& /*local*/) {
  auto connection = std::make_unique<EchoConnection>(*this, ++connection_number_);
  connection->index_ = connections_.size();
  connections_.push_back(std::move(connection));
  connections_.back()->start(descriptor);
}

void EchoServer::forget(EchoConnection& connection) {
  const std::size_t index = connection.index_;
  std::swap(connections_[index], connections_.back());
  connections_[index]->index_ = index;
  connections_.pop_back();  // destroys `connection`
  check_done();
}

void EchoServer::stop(std::function<void()> done) {
  done_ = std::move(done);
  if (listening_) {
    listener_.close();
  }
  for (const std::unique_ptr<EchoConnection>& connection : connections_) {
    connection->abort();
  }
  check_done();
}

void EchoServer::on_listener_closed() {
  listening_ = false;
  check_done();
}

void EchoServer::check_done() {
  if (done_ && !listening_ && connections_.empty()) {
    io_.defer(done_deferred_);
  }
}

void EchoServer::on_done() {
  if (done_) {
    std::exchange(done_, nullptr)();  // may destroy this
  }
}

// ---- connection
// ----------------------------------------------------------------------------------------------------------------------------

void EchoConnection::start(io::Descriptor descriptor) {
  begin();
  if (server_.tls_) {
    transport_.start(descriptor, wire::TlsEngine::server(server_.tls_));
  } else {
    transport_.start(descriptor);
  }
}

void EchoConnection::begin() {
  reader_.start_request({});
  body_bytes_ = 0;
  body_hash_ = 0xcbf29ce484222325U;  // FNV-1a
  reading_ = false;
}

void EchoConnection::on_transport_data(ByteView& data) {
  while (transport_.open() && left_ == 0 && !data.empty()) {
    reading_ = true;
    const wire::HttpReader::Step step = reader_.read(data);
    data = data.subspan(step.consumed);
    switch (step.event) {
      case wire::HttpReader::Event::need_more: break;
      case wire::HttpReader::Event::head_complete:
        if (reader_.head().expects_continue()) {
          transport_.output().append("HTTP/1.1 100 Continue\r\n\r\n");
          transport_.flush();
        }
        if (reader_.head().framing() == wire::BodyFraming::none) {
          static_cast<void>(reader_.read({}));
          answer();
        }
        break;
      case wire::HttpReader::Event::body:
        body_bytes_ += step.body.size();
        for (const std::byte byte : step.body) {
          body_hash_ = (body_hash_ ^ static_cast<std::uint64_t>(byte)) * 0x100000001b3U;
        }
        // The end of a body with a length is told without a further byte.
        if (data.empty() && reader_.head().framing() == wire::BodyFraming::length && body_bytes_ == reader_.head().content_length()) {
          static_cast<void>(reader_.read({}));
          answer();
        }
        break;
      case wire::HttpReader::Event::message_complete: answer(); break;
      case wire::HttpReader::Event::failed:
        data = {};
        transport_.output().append("HTTP/1.1 400 Bad Request\r\nContent-Length: 0\r\nConnection: close\r\n\r\n");
        transport_.close(net::Close::linger);
        return;
    }
  }
}

void EchoConnection::answer() {
  ++requests_;
  const wire::HttpHead& head = reader_.head();
  if (const std::optional<std::uint64_t> bytes = size_in(head.target(), "/bytes/")) {
    answer_bytes(*bytes, false);
    return;
  }
  if (const std::optional<std::uint64_t> bytes = size_in(head.target(), "/chunks/")) {
    answer_bytes(*bytes, true);
    return;
  }
  story_.clear();
  append_story(story_);
  ByteBuffer& out = transport_.output();
  wire::write_status_line(200, {}, out);
  wire::write_field("Content-Type", "application/json", out);
  wire::write_content_length(story_.size(), out);
  if (!head.keep_alive()) {
    wire::write_field("Connection", "close", out);
  }
  wire::end_head(out);
  if (head.method() != "HEAD") {
    out.append(story_);
  }
  transport_.flush();
  if (!head.keep_alive()) {
    transport_.close(net::Close::linger);
    return;
  }
  begin();
}

void EchoConnection::answer_bytes(std::uint64_t size, bool chunked) {
  ByteBuffer& out = transport_.output();
  wire::write_status_line(200, {}, out);
  wire::write_field("Content-Type", "application/octet-stream", out);
  if (chunked) {
    wire::write_field("Transfer-Encoding", "chunked", out);
  } else {
    wire::write_content_length(size, out);
  }
  wire::end_head(out);
  chunked_ = chunked;
  left_ = reader_.head().method() == "HEAD" ? 0 : size;
  if (left_ == 0 && chunked && reader_.head().method() != "HEAD") {
    out.append("0\r\n\r\n");
  }
  send_more();
}

void EchoConnection::send_more() {
  ByteBuffer& out = transport_.output();
  while (left_ != 0 && !transport_.congested()) {
    const std::size_t size = static_cast<std::size_t>(std::min<std::uint64_t>(left_, piece_bytes));
    const ByteView piece = as_bytes(std::string_view(pattern().data(), size));
    left_ -= size;
    if (chunked_) {
      wire::write_chunk(piece, out);
      if (left_ == 0) {
        out.append("0\r\n\r\n");
      }
    } else {
      out.append(piece);
    }
  }
  transport_.flush();
  if (left_ != 0) {
    return;
  }
  if (!reader_.head().keep_alive()) {
    transport_.close(net::Close::linger);
    return;
  }
  begin();
}

void EchoConnection::append_story(std::string& out) {
  const wire::HttpHead& head = reader_.head();
  out += "{\"subject\":";
  const wire::TlsEngine* const tls = transport_.tls();
  const std::shared_ptr<const wire::TlsPeer> peer = tls != nullptr ? tls->peer() : nullptr;
  append_string(out, peer ? std::string_view(peer->leaf.subject) : std::string_view());
  out += ",\"thumbprint\":";
  append_string(out, peer ? std::string_view(peer->leaf.thumbprint_sha1) : std::string_view());
  fmt::format_to(std::back_inserter(out), ",\"chainLength\":{},\"tls\":", peer ? peer->chain_der.size() : 0);
  append_string(out, tls != nullptr ? to_string(tls->version()) : "none");
  fmt::format_to(std::back_inserter(out), ",\"resumed\":{},\"connection\":{},\"request\":{},\"method\":", tls != nullptr && tls->resumed(),
                 number_, requests_);
  append_string(out, head.method());
  out += ",\"path\":";
  append_string(out, head.target());
  out += ",\"headers\":[";
  bool first = true;
  for (const wire::HttpField& field : head.fields().all()) {
    out += std::exchange(first, false) ? "[" : ",[";
    append_string(out, field.name);
    out += ',';
    append_string(out, field.value);
    out += ']';
  }
  fmt::format_to(std::back_inserter(out), "],\"bodyLength\":{},\"bodyHash\":\"{:016x}\"}}\n", body_bytes_, body_hash_);
}

void EchoConnection::on_transport_drained() {
  if (left_ != 0) {
    send_more();
  }
  if (left_ == 0) {
    transport_.resume();
  }
}

void EchoConnection::on_transport_end() {
  transport_.close(left_ == 0 ? net::Close::flush : net::Close::abort);
}

void EchoConnection::on_transport_failed(Error error) {
  log::info(fmt::format("connection {}: {}: {}", number_, to_string(error.kind), error.detail));
}

void EchoConnection::on_transport_closed() {
  server_.forget(*this);  // destroys this
}

}  // namespace signet::app
