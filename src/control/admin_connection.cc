// SPDX-License-Identifier: GPL-3.0-or-later
#include "admin_connection.h"

#include <fmt/core.h>

#include <algorithm>
#include <utility>

#include "signet/base/limits.h"
#include "signet/base/log.h"
#include "signet/control/admin_server.h"
#include "signet/wire/http_writer.h"
#include "signet/wire/secret_bytes.h"
#include "admin_answers.h"
#include "failed_attempts.h"

namespace signet::control {

namespace {

constexpr std::size_t body_reserve_min = 4096;

/// JSON by its media type (RFC 8259, RFC 6839 §3.1). Without one, a body is taken for what it has to be.
bool is_json(std::string_view content_type) {
  std::string_view type = content_type.substr(0, content_type.find(';'));
  while (!type.empty() && (type.back() == ' ' || type.back() == '\t')) {
    type.remove_suffix(1);
  }
  constexpr std::string_view suffix = "+json";
  return type.empty() || wire::equals_ignoring_case(type, "application/json") ||
         (type.size() > suffix.size() && wire::equals_ignoring_case(type.substr(type.size() - suffix.size()), suffix));
}

/// The token of "Bearer TOKEN" (RFC 6750 §2.1); empty for anything else.
std::string_view bearer_token(std::string_view value) {
  constexpr std::string_view scheme = "Bearer ";
  if (value.size() <= scheme.size() || !wire::equals_ignoring_case(value.substr(0, scheme.size()), scheme)) {
    return {};
  }
  value.remove_prefix(scheme.size());
  value.remove_prefix(std::min(value.find_first_not_of(' '), value.size()));
  return value;
}

/// Path and query of a target in absolute-form (RFC 9112 §3.2.2); any other as it is.
std::string_view origin_form(std::string_view target) {
  if (target.starts_with('/')) {
    return target;
  }
  const std::size_t scheme_end = target.find("://");
  if (scheme_end == std::string_view::npos) {
    return target;
  }
  const std::size_t path = target.find_first_of("/?", scheme_end + 3);
  return path == std::string_view::npos || target[path] == '?' ? std::string_view("/") : target.substr(path);
}

/// The field's value; several are one list (RFC 9110 §5.3).
std::string field_value(const wire::HttpFields& fields, std::string_view name) {
  std::string value;
  for (const wire::HttpField& field : fields.all()) {
    if (wire::equals_ignoring_case(field.name, name)) {
      value.append(value.empty() ? "" : ", ").append(field.value);
    }
  }
  return value;
}

AdminResponse unauthorized(std::string_view message) {
  AdminResponse response = error_answer(401, "AuthenticationFailed", message);
  response.fields.emplace_back("WWW-Authenticate", "Bearer");
  return response;
}

AdminResponse answer_to_broken(const Error& error) {
  switch (error.kind) {
    case ErrorKind::head_too_large: return error_answer(431, "RequestHeaderFieldsTooLarge", "The request's head is larger than allowed.");
    case ErrorKind::method_refused: return error_answer(405, "MethodNotAllowed", "This method is not allowed.");
    // Not 505 and 501: clients of the model take every 5xx for a fault that passes, and try again.
    case ErrorKind::version_refused: return error_answer(400, "HttpVersionNotSupported", "Expected HTTP/1.1.");
    case ErrorKind::expectation_failed: return error_answer(417, "ExpectationFailed", "The only expectation is 100-continue.");
    case ErrorKind::transfer_coding_refused: return error_answer(400, "TransferCodingNotSupported", "The only transfer coding is chunked.");
    default: return error_answer(400, "BadRequest", "The request is not valid HTTP/1.1.");
  }
}

}  // namespace

AdminConnection::AdminConnection(AdminServer& server, std::uint64_t number, const Endpoint& peer)
    : server_(server), number_(number), peer_(peer), transport_(server.io_, *this) {}

AdminConnection::~AdminConnection() {
  drop_body();
}

void AdminConnection::start(io::Descriptor descriptor) {
  // One time for handshake and first head: who connects and says nothing does not hold a place for long.
  start_timer(limits::admin_head_timeout);
  if (server_.tls_) {
    transport_.start(descriptor, wire::TlsEngine::server(server_.tls_));
  } else {
    stage_ = Stage::waiting;
    transport_.start(descriptor);
  }
}

void AdminConnection::on_transport_open() {
  if (stage_ == Stage::handshake) {
    stage_ = Stage::waiting;
  }
}

// ---- reading
// -------------------------------------------------------------------------------------------------------------------------------

void AdminConnection::on_transport_data(ByteView& data) {
  while (stage_ == Stage::waiting || stage_ == Stage::head || stage_ == Stage::body) {
    if (stage_ == Stage::waiting) {
      // Empty lines before a request mean nothing (RFC 9112 §2.2).
      while (!data.empty() && (data.front() == std::byte{'\r'} || data.front() == std::byte{'\n'})) {
        data = data.subspan(1);
      }
      // Who pipelines without reading the answers waits until it has.
      if (data.empty() || transport_.congested()) {
        return;
      }
      begin_request();
    }
    read(data);
    if (data.empty()) {
      return;
    }
  }
  if (stage_ == Stage::closing) {
    data = {};
  }
}

void AdminConnection::begin_request() {
  stage_ = Stage::head;
  request_ = {};
  refusal_.reset();
  pause_ = {};
  start_timer(limits::admin_head_timeout);
  reader_.start_request({.head_bytes_max = limits::admin_head_bytes_max, .fields_max = limits::admin_fields_max});
}

/// Until the input is used up or the request stops taking any.
void AdminConnection::read(ByteView& data) {
  while (stage_ == Stage::head || stage_ == Stage::body) {
    const wire::HttpReader::Step step = reader_.read(data);
    data = data.subspan(step.consumed);
    switch (step.event) {
      case wire::HttpReader::Event::need_more: return;
      case wire::HttpReader::Event::head_complete: on_head(); break;
      case wire::HttpReader::Event::body: on_body(step.body); break;
      case wire::HttpReader::Event::message_complete: on_request(); break;
      case wire::HttpReader::Event::failed: on_broken_request(); break;
    }
  }
}

void AdminConnection::on_head() {
  const wire::HttpHead& head = reader_.head();
  request_.method = head.method();
  request_.target = origin_form(head.target());
  request_.authority = head.host();
  request_.scheme = server_.tls_ ? "https" : "http";
  request_.if_match = field_value(head.fields(), "If-Match");
  request_.content_type = field_value(head.fields(), "Content-Type");
  request_.peer = peer_;
  keep_alive_ = head.keep_alive();
  head_only_ = head.method() == "HEAD";
  refusal_ = refusal_of_head();
  if (head.framing() == wire::BodyFraming::none) {
    return;  // message_complete follows
  }
  if (!refusal_) {
    refusal_ = refusal_of_body();
  }
  if (refusal_) {
    keep_alive_ = false;  // its body is not read
    refuse();
    return;
  }
  stage_ = Stage::body;
  start_timer(limits::admin_body_timeout);
  if (head.has_content_length()) {
    reserve_body(head.content_length());
  }
  if (stage_ == Stage::body && head.expects_continue()) {
    wire::write_status_line(100, {}, transport_.output());
    wire::end_head(transport_.output());
    transport_.flush();
  }
}

std::optional<AdminResponse> AdminConnection::refusal_of_head() {
  if (std::optional<AdminResponse> answer = health()) {
    return answer;
  }
  if (std::optional<AdminResponse> refusal = authenticate()) {
    return refusal;
  }
  trusted_ = true;
  if (request_.role != Role::write && request_.method != "GET" && request_.method != "HEAD") {
    return error_answer(403, "AuthorizationFailed", "This token may read, not write.");
  }
  return std::nullopt;
}

std::optional<AdminResponse> AdminConnection::health() const {
  const std::string_view path = std::string_view(request_.target).substr(0, request_.target.find('?'));
  if (path != "/healthz" && path != "/readyz") {
    return std::nullopt;
  }
  if (request_.method != "GET" && request_.method != "HEAD") {
    AdminResponse refusal = error_answer(405, "MethodNotAllowed", "Expected GET or HEAD.");
    refusal.fields.emplace_back("Allow", "GET, HEAD");
    return refusal;
  }
  const bool good = path == "/healthz" || server_.options_.ready();
  AdminResponse answer;
  answer.status = good ? 200 : 503;
  answer.body = good ? R"({"status":"ok"})" : R"({"status":"not ready"})";
  return answer;
}

/// Sets role and principal.
std::optional<AdminResponse> AdminConnection::authenticate() {
  const wire::HttpField* only = nullptr;
  std::size_t count = 0;
  for (const wire::HttpField& field : reader_.head().fields().all()) {
    if (wire::equals_ignoring_case(field.name, "Authorization")) {
      only = &field;
      ++count;
    }
  }
  if (count == 0) {
    return unauthorized("Expected a token: Authorization: Bearer.");
  }
  const std::string_view token = count == 1 ? bearer_token(only->value) : std::string_view();
  std::optional<Tokens::Principal> principal;
  if (!token.empty()) {
    principal = server_.options_.tokens->find(token);
  }
  if (principal) {
    request_.principal = std::move(principal->name);
    request_.role = principal->role;
    return std::nullopt;
  }
  const FailedAttempts::Verdict verdict = server_.failed_attempts_->add(peer_, server_.io_.now());
  pause_ = verdict.pause;
  if (verdict.log) {
    log::warning(fmt::format("management: wrong token from {}, {} in a row", peer_.address_text(), verdict.count));
  }
  return unauthorized("The token is not valid.");
}

std::optional<AdminResponse> AdminConnection::refusal_of_body() {
  const wire::HttpHead& head = reader_.head();
  if (head.has_content_length() && head.content_length() > limits::admin_body_bytes_max) {
    return error_answer(413, "RequestEntityTooLarge", "The request's body is larger than 8 MiB.");
  }
  const bool empty = head.has_content_length() && head.content_length() == 0;
  if (!is_json(request_.content_type) && !empty) {
    return error_answer(415, "UnsupportedMediaType", "Expected a body of application/json.");
  }
  return std::nullopt;
}

void AdminConnection::on_body(ByteView piece) {
  const std::uint64_t size = request_.body.size() + piece.size();
  if (size > limits::admin_body_bytes_max) {
    refusal_ = error_answer(413, "RequestEntityTooLarge", "The request's body is larger than 8 MiB.");
  } else if (size > request_.body.capacity()) {
    reserve_body(std::min<std::uint64_t>(std::max<std::uint64_t>(2 * size, body_reserve_min), limits::admin_body_bytes_max));
  }
  if (refusal_) {
    keep_alive_ = false;
    if (stage_ != Stage::closing) {
      refuse();
    }
    return;
  }
  request_.body.append(as_text(piece));
}

/// Room for the body, which may hold keys and passwords: what it is moved from is wiped.
void AdminConnection::reserve_body(std::uint64_t size) {
  if (size <= reserved_bytes_) {
    return;
  }
  if (server_.bodies_bytes_ + size - reserved_bytes_ > limits::admin_bodies_bytes_max) {
    refusal_ = error_answer(503, "ServiceUnavailable", "Too many large requests at once.");
    keep_alive_ = false;
    refuse();
    return;
  }
  server_.bodies_bytes_ += size - reserved_bytes_;
  reserved_bytes_ = size;
  std::string roomier;
  roomier.reserve(size);
  roomier.append(request_.body);
  wire::wipe(request_.body);
  request_.body.swap(roomier);
}

void AdminConnection::drop_body() {
  wire::wipe(request_.body);
  server_.bodies_bytes_ -= std::exchange(reserved_bytes_, 0);
}

// ---- answering
// ------------------------------------------------------------------------------------------------------------------------------

void AdminConnection::on_request() {
  if (refusal_) {
    refuse();
    return;
  }
  timer_.stop();
  stage_ = Stage::handling;
  const std::uint64_t counted_bytes = std::exchange(reserved_bytes_, 0);
  if (!server_.hand_over(number_, std::move(request_), counted_bytes)) {
    AdminResponse busy = error_answer(503, "ServiceUnavailable", "Too many requests wait already.");
    busy.fields.emplace_back("Retry-After", "1");
    answer(busy);
  }
}

void AdminConnection::on_broken_request() {
  head_only_ = false;
  AdminResponse response = answer_to_broken(reader_.error());
  if (response.status == 405) {
    response.fields.emplace_back("Allow", "GET, HEAD, PUT, PATCH, DELETE, POST");
  }
  send(response, After::close);
}

/// Answers a request that goes no further; after a pause, if its token was wrong and not too many wait already.
void AdminConnection::refuse() {
  if (pause_ > Duration::zero()) {
    if (server_.pauses_ < limits::token_pauses_max && !server_.draining_) {
      ++server_.pauses_;
      stage_ = Stage::pausing;
      start_timer(std::exchange(pause_, {}));
      return;
    }
    keep_alive_ = false;
  }
  send(*refusal_, keep_alive_ ? After::keep_alive : After::close);
}

void AdminConnection::answer(const AdminResponse& response) {
  send(response, keep_alive_ ? After::keep_alive : After::close);
  resume();
}

/// REQUIRES: the transport is open.
void AdminConnection::send(const AdminResponse& response, After after) {
  drop_body();
  const bool last = after == After::close || peer_ended_ || server_.draining_;
  write_answer(response, {.now = server_.io_.wall_now(), .head_only = head_only_, .close = last}, transport_.output());
  transport_.flush();
  if (last) {
    close(net::Close::linger);
    return;
  }
  stage_ = Stage::waiting;
  start_timer(limits::admin_idle_timeout);
}

/// After an answer that was not sent from inside on_transport_data: the next request may be here already.
void AdminConnection::resume() {
  if (stage_ == Stage::waiting) {
    transport_.resume();
  }
}

// ---- the end
// -------------------------------------------------------------------------------------------------------------------------------

void AdminConnection::close(net::Close how) {
  if (stage_ == Stage::pausing) {
    --server_.pauses_;
  }
  stage_ = Stage::closing;
  timer_.stop();
  if (transport_.started()) {
    transport_.close(how);
  }
}

void AdminConnection::drain() {
  if (stage_ != Stage::handling && stage_ != Stage::closing) {
    close(stage_ == Stage::handshake ? net::Close::abort : net::Close::flush);
  }
}

void AdminConnection::abort() {
  close(net::Close::abort);
}

void AdminConnection::on_transport_end() {
  peer_ended_ = true;
  if (stage_ != Stage::handling && stage_ != Stage::pausing && stage_ != Stage::closing) {
    close(net::Close::flush);
  }
}

void AdminConnection::on_transport_drained() {
  resume();
}

void AdminConnection::on_transport_send_failed() {
  close(net::Close::abort);
}

void AdminConnection::on_transport_failed(Error error) {
  if (stage_ == Stage::handshake) {
    log::write(log::Level::debug, fmt::format("management: no TLS with {}: {}", peer_.address_text(), error.detail));
  }
  if (stage_ == Stage::pausing) {
    --server_.pauses_;
  }
  stage_ = Stage::closing;
  timer_.stop();
}

void AdminConnection::on_transport_closed() {
  timer_.stop();
  server_.forget(number_);  // destroys this
}

void AdminConnection::start_timer(Duration after) {
  timer_.start(server_.io_.timers(), after);
}

void AdminConnection::on_timer() {
  switch (stage_) {
    case Stage::handshake: close(net::Close::abort); return;
    case Stage::waiting: close(net::Close::flush); return;
    case Stage::head:
      head_only_ = false;
      send(error_answer(408, "RequestTimeout", "The request's head did not arrive in time."), After::close);
      return;
    case Stage::body: send(error_answer(408, "RequestTimeout", "The request's body did not arrive in time."), After::close); return;
    case Stage::pausing:
      --server_.pauses_;
      stage_ = Stage::head;
      send(*refusal_, keep_alive_ ? After::keep_alive : After::close);
      resume();
      return;
    case Stage::handling:
    case Stage::closing: return;
  }
}

}  // namespace signet::control
