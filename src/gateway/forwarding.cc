// SPDX-License-Identifier: GPL-3.0-or-later
#include "forwarding.h"

#include <algorithm>
#include <array>

#include "signet/wire/http_writer.h"

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

void write_x_forwarded(const wire::HttpHead& head, const ForwardRequestOptions& options, ByteBuffer& out) {
  const bool trusted = options.peer_trust == PeerTrust::trusted;
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
  if (!head.host().empty() && !(trusted && head.fields().find(FieldId::x_forwarded_host) != nullptr)) {
    wire::write_field("X-Forwarded-Host", head.host(), out);
  }
  if (!(trusted && head.fields().find(FieldId::x_forwarded_proto) != nullptr)) {
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

void write_request_framing(const wire::HttpHead& head, Expect expect, ByteBuffer& out) {
  if (head.framing() == wire::BodyFraming::chunked) {
    out.append("Transfer-Encoding: chunked\r\n");
  } else if (head.has_content_length()) {
    wire::write_content_length(head.content_length(), out);
  }
  if (expect == Expect::always || expects_continue(head)) {
    out.append("Expect: 100-continue\r\n");
  }
  if (head.is_websocket_upgrade()) {
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

void write_forwarded_request(const wire::HttpHead& head, const ForwardRequestOptions& options, ByteBuffer& out) {
  wire::write_request_line(head.method(), options.target, out);
  wire::write_field("Host", options.host, out);
  const bool named = connection_names_fields(head);
  const bool keeps_x_forwarded_for =
      options.peer_trust == PeerTrust::trusted && !has(options.forwarded, config::ForwardedHeaders::x_forwarded);
  for (const wire::HttpField& field : head.fields().all()) {
    const bool passes = passes_request(field.id, options.peer_trust) || (field.id == FieldId::x_forwarded_for && keeps_x_forwarded_for);
    if (passes && !(named && head.connection_names(field.name))) {
      wire::write_field(field.name, field.value, out);
    }
  }
  write_request_framing(head, options.expect, out);
  wire::write_field("Via", via, out);
  if (has(options.forwarded, config::ForwardedHeaders::x_forwarded)) {
    write_x_forwarded(head, options, out);
  }
  if (has(options.forwarded, config::ForwardedHeaders::forwarded)) {
    write_forwarded(head, options, out);
  }
  wire::end_head(out);
}

ForwardedFraming write_forwarded_response(const wire::HttpHead& head, const ForwardResponseOptions& options, ByteBuffer& out) {
  wire::write_status_line(head.status(), head.reason(), out);
  const bool named = connection_names_fields(head);
  for (const wire::HttpField& field : head.fields().all()) {
    if (passes_response(field.id) && !(named && head.connection_names(field.name))) {
      wire::write_field(field.name, field.value, out);
    }
  }
  if (head.status() == 101) {
    out.append("Connection: Upgrade\r\nUpgrade: websocket\r\n\r\n");
    return ForwardedFraming::as_is;
  }
  if (head.status() < 200) {
    wire::end_head(out);
    return ForwardedFraming::as_is;
  }
  ForwardedFraming framing = ForwardedFraming::as_is;
  if (head.framing() == wire::BodyFraming::chunked || head.framing() == wire::BodyFraming::until_close) {
    framing = options.caller_version_minor > 0 ? ForwardedFraming::chunked : ForwardedFraming::until_close;
  }
  if (framing == ForwardedFraming::chunked) {
    out.append("Transfer-Encoding: chunked\r\n");
  } else if (head.has_content_length() && head.status() != 204) {
    wire::write_content_length(head.content_length(), out);
  }
  if (options.keep_alive == KeepAlive::no || framing == ForwardedFraming::until_close) {
    out.append("Connection: close\r\n");
  } else if (options.caller_version_minor == 0) {
    out.append("Connection: keep-alive\r\n");
  }
  wire::end_head(out);
  return framing;
}

void write_forwarded_trailers(const wire::HttpFields& trailers, ByteBuffer& out) {
  wire::write_last_chunk(out);
  for (const wire::HttpField& field : trailers.all()) {
    if (passes_trailer(field)) {
      wire::write_field(field.name, field.value, out);
    }
  }
  wire::end_head(out);
}

}  // namespace signet::gateway
