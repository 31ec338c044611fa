// SPDX-License-Identifier: GPL-3.0-or-later
#include "forwarding.h"

#include <algorithm>
#include <array>

#include "signet/wire/http_writer.h"
#include "field_edits.h"

namespace signet::gateway {

namespace {

using wire::FieldId;

constexpr std::string_view via = "1.1 signet";

/// Does Connection name fields beyond those that every recipient knows?
bool connection_names_fields(const wire::HttpHead& head) {
  bool names = false;
  for (const wire::HttpField& field : head.fields().all()) {
    if (field.id == FieldId::connection) {
      wire::for_each_element(field.value, [&names](std::string_view element) {
        names = names || !(wire::equals_ignoring_case(element, "close") || wire::equals_ignoring_case(element, "keep-alive") ||
                           wire::equals_ignoring_case(element, "upgrade"));
      });
    }
  }
  return names;
}

bool passes_request(FieldId id, PeerTrust trust) {
  switch (id) {
    case FieldId::other:
    case FieldId::trailer:
    case FieldId::via: return true;
    case FieldId::forwarded:
    case FieldId::x_forwarded_host:
    case FieldId::x_forwarded_proto:
    case FieldId::x_forwarded_other: return trust == PeerTrust::trusted;
    case FieldId::x_forwarded_for:  // written anew, with what was there
    case FieldId::connection:
    case FieldId::content_length:
    case FieldId::expect:
    case FieldId::host:
    case FieldId::te:
    case FieldId::transfer_encoding:
    case FieldId::upgrade:
    case FieldId::hop_by_hop:
    case FieldId::client_identity:
    case FieldId::disguised: return false;
  }
  return false;
}

/// A back end may say about the way and about identities what it likes: the caller believes it or not.
bool passes_response(FieldId id) {
  switch (id) {
    case FieldId::connection:
    case FieldId::content_length:
    case FieldId::te:
    case FieldId::transfer_encoding:
    case FieldId::upgrade:
    case FieldId::hop_by_hop: return false;
    default: return true;
  }
}

std::string_view scheme_text(config::Scheme scheme) {
  return scheme == config::Scheme::https ? "https" : "http";
}

void write_x_forwarded_for(const wire::HttpHead& head, const ForwardRequestOptions& options, bool trusted, ByteBuffer& out) {
  out.append("X-Forwarded-For: ");
  if (trusted) {
    for (const wire::HttpField& field : head.fields().all()) {
      if (field.id == FieldId::x_forwarded_for && !field.value.empty()) {
        out.append(field.value);
        out.append(", ");
      }
    }
  }
  out.append(options.caller_text);
  out.append("\r\n");
}

bool is_dropped(const config::NameEdits* edits, std::string_view name) {
  return edits != nullptr && drops_field(*edits, name);
}

void write_x_forwarded(const wire::HttpHead& head, const ForwardRequestOptions& options, ByteBuffer& out) {
  const bool trusted = options.peer_trust == PeerTrust::trusted;
  if (!is_dropped(options.fields, "X-Forwarded-For")) {
    write_x_forwarded_for(head, options, trusted, out);
  }
  if (!head.host().empty() && !is_dropped(options.fields, "X-Forwarded-Host") &&
      !(trusted && head.fields().find(FieldId::x_forwarded_host) != nullptr)) {
    wire::write_field("X-Forwarded-Host", head.host(), out);
  }
  if (!is_dropped(options.fields, "X-Forwarded-Proto") && !(trusted && head.fields().find(FieldId::x_forwarded_proto) != nullptr)) {
    wire::write_field("X-Forwarded-Proto", scheme_text(options.caller_scheme), out);
  }
}

/// RFC 7239 §4: IPv6 addresses and ports need quotes. An earlier Forwarded field of a trusted peer stands before this one: one list.
void write_forwarded(const wire::HttpHead& head, const ForwardRequestOptions& options, ByteBuffer& out) {
  const bool ipv6 = options.caller_family == Endpoint::Family::ipv6;
  out.append(ipv6 ? "Forwarded: for=\"[" : "Forwarded: for=");
  out.append(options.caller_text);
  out.append(ipv6 ? "]\"" : "");
  if (!head.host().empty()) {
    out.append(";host=\"");
    out.append(head.host());
    out.append("\"");
  }
  out.append(";proto=");
  out.append(scheme_text(options.caller_scheme));
  out.append("\r\n");
}

bool has(config::ForwardedHeaders which, config::ForwardedHeaders wanted) {
  return which == wanted || which == config::ForwardedHeaders::both;
}

/// A server expects to be told the length of such requests, be it zero (RFC 9110 §8.6).
bool means_body(std::string_view method) {
  return method == "POST" || method == "PUT" || method == "PATCH";
}

void write_request_framing(const wire::HttpHead& head, const ForwardRequestOptions& options, ByteBuffer& out) {
  if (head.framing() == wire::BodyFraming::chunked) {
    out.append("Transfer-Encoding: chunked\r\n");
  } else if (head.has_content_length()) {
    wire::write_content_length(head.content_length(), out);
  } else if (means_body(options.method)) {
    wire::write_content_length(0, out);
  }
  if (options.expect == Expect::always || expects_continue(head)) {
    out.append("Expect: 100-continue\r\n");
  }
  if (upgrades(head, options.method)) {
    out.append("Connection: Upgrade\r\nUpgrade: websocket\r\n");
  }
}

/// Meaningful in a head only: framing, routing, authentication, or how a body is to be read.
bool passes_trailer(const wire::HttpField& field) {
  static constexpr std::array<std::string_view, 8> refused = {"authorization", "cache-control", "content-encoding", "content-range",
                                                              "content-type",  "cookie",        "set-cookie",       "www-authenticate"};
  return field.id == FieldId::other &&
         std::ranges::none_of(refused, [&field](std::string_view name) { return wire::equals_ignoring_case(field.name, name); });
}

}  // namespace

bool expects_continue(const wire::HttpHead& head) {
  return head.expects_continue() && head.version_minor() > 0;
}

bool upgrades(const wire::HttpHead& head, std::string_view method) {
  return head.is_websocket_upgrade() && (method.empty() || method == head.method());
}

void write_forwarded_request(const wire::HttpHead& head, const ForwardRequestOptions& options, ByteBuffer& out) {
  const std::size_t begin = out.size();
  wire::write_request_line(options.method.empty() ? head.method() : options.method, options.target, out);
  wire::write_field("Host", options.host, out);
  const bool named = connection_names_fields(head);
  const bool keeps_x_forwarded_for =
      options.peer_trust == PeerTrust::trusted && !has(options.forwarded, config::ForwardedHeaders::x_forwarded);
  for (const wire::HttpField& field : head.fields().all()) {
    const bool passes = passes_request(field.id, options.peer_trust) || (field.id == FieldId::x_forwarded_for && keeps_x_forwarded_for);
    if (passes && !(named && head.connection_names(field.name)) && !is_dropped(options.fields, field.name)) {
      wire::write_field(field.name, field.value, out);
    }
  }
  write_request_framing(head, options, out);
  if (!is_dropped(options.fields, "Via")) {
    wire::write_field("Via", via, out);
  }
  if (has(options.forwarded, config::ForwardedHeaders::x_forwarded)) {
    write_x_forwarded(head, options, out);
  }
  if (has(options.forwarded, config::ForwardedHeaders::forwarded) && !is_dropped(options.fields, "Forwarded")) {
    write_forwarded(head, options, out);
  }
  if (options.fields != nullptr) {
    write_added_fields(*options.fields, begin, out);
  }
  wire::end_head(out);
}

AnswerBody answer_body(std::string_view caller_method, std::string_view sent_method) {
  if ((caller_method == "HEAD") == (sent_method == "HEAD")) {
    return AnswerBody::same;
  }
  return caller_method == "HEAD" ? AnswerBody::caller_wants_none : AnswerBody::none_comes;
}

namespace {

/// The fields of a final answer that say where its body ends.
ForwardedFraming write_response_framing(const wire::HttpHead& head, const ForwardResponseOptions& options, ByteBuffer& out) {
  const bool never_has_body = head.status() == 204 || head.status() == 304;
  if (options.body == AnswerBody::none_comes && !never_has_body) {
    wire::write_content_length(0, out);
    return ForwardedFraming::as_is;
  }
  ForwardedFraming framing = ForwardedFraming::as_is;
  const bool length_unknown = head.framing() == wire::BodyFraming::chunked || head.framing() == wire::BodyFraming::until_close;
  if (length_unknown && options.body != AnswerBody::caller_wants_none) {
    framing = options.caller_version_minor > 0 ? ForwardedFraming::chunked : ForwardedFraming::until_close;
  }
  if (framing == ForwardedFraming::chunked) {
    out.append("Transfer-Encoding: chunked\r\n");
  } else if (head.has_content_length() && head.status() != 204) {
    wire::write_content_length(head.content_length(), out);
  }
  return framing;
}

/// What the two sides of a WebSocket tell each other about it is not a policy's.
bool belongs_to_handshake(const wire::HttpHead& head, std::string_view name) {
  static constexpr std::string_view prefix = "sec-websocket-";
  return head.status() == 101 && wire::equals_ignoring_case(name.substr(0, prefix.size()), prefix);
}

}  // namespace

ForwardedFraming write_forwarded_response(const wire::HttpHead& head, const ForwardResponseOptions& options, ByteBuffer& out) {
  const std::size_t begin = out.size();
  const bool interim = head.status() < 200 && head.status() != 101;
  const config::NameEdits* const edits = interim ? nullptr : options.fields;
  wire::write_status_line(head.status(), head.reason(), out);
  const bool named = connection_names_fields(head);
  for (const wire::HttpField& field : head.fields().all()) {
    if (passes_response(field.id) && !(named && head.connection_names(field.name)) &&
        (!is_dropped(edits, field.name) || belongs_to_handshake(head, field.name))) {
      wire::write_field(field.name, field.value, out);
    }
  }
  ForwardedFraming framing = ForwardedFraming::as_is;
  if (head.status() == 101) {
    out.append("Connection: Upgrade\r\nUpgrade: websocket\r\n");
  } else if (!interim) {
    framing = write_response_framing(head, options, out);
    if (options.keep_alive == KeepAlive::no || framing == ForwardedFraming::until_close) {
      out.append("Connection: close\r\n");
    } else if (options.caller_version_minor == 0) {
      out.append("Connection: keep-alive\r\n");
    }
  }
  if (edits != nullptr) {
    write_added_fields(*edits, begin, out);
  }
  wire::end_head(out);
  return framing;
}

void write_forwarded_trailers(const wire::HttpFields& trailers, const config::NameEdits* edits, ByteBuffer& out) {
  wire::write_last_chunk(out);
  for (const wire::HttpField& field : trailers.all()) {
    if (passes_trailer(field) && !is_dropped(edits, field.name)) {
      wire::write_field(field.name, field.value, out);
    }
  }
  wire::end_head(out);
}

}  // namespace signet::gateway
