// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include <cstdint>
#include <string_view>

#include "signet/base/byte_buffer.h"
#include "signet/base/endpoint.h"
#include "signet/config/config.h"
#include "signet/config/plan.h"
#include "signet/wire/http_head.h"

/// What a head becomes on its way through: which fields end here, which are added. The only place that decides. Heads are written from
/// their parsed form; what the parser did not understand cannot be in them.
namespace signet::gateway {

/// May the caller's own connection partner tell who is behind it?
enum class PeerTrust : std::uint8_t { untrusted, trusted };
enum class KeepAlive : std::uint8_t { no, yes };
/// May the body follow at once, or does the back end say first whether it wants it (Expect: 100-continue)?
enum class Expect : std::uint8_t { as_caller, always };

struct ForwardRequestOptions {
  std::string_view method;       ///< for the back end; empty: the caller's
  std::string_view target;       ///< for the back end
  std::string_view host;         ///< Host field for the back end
  std::string_view caller_text;  ///< the peer's address without port
  Endpoint::Family caller_family = Endpoint::Family::ipv4;
  config::Scheme caller_scheme = config::Scheme::http;  ///< of the caller's connection to us
  PeerTrust peer_trust = PeerTrust::untrusted;
  config::ForwardedHeaders forwarded = config::ForwardedHeaders::x_forwarded;
  Expect expect = Expect::as_caller;
  const config::NameEdits* fields = nullptr;  ///< of a policy; nullptr: none
};

/// May this call become a WebSocket under the method that the back end is sent (RFC 6455 §4.1)? Empty: the caller's.
[[nodiscard]] bool upgrades(const wire::HttpHead& head, std::string_view method);

/// Does the caller wait for 100 Continue? An HTTP/1.0 caller cannot (RFC 9110 §10.1.1).
[[nodiscard]] bool expects_continue(const wire::HttpHead& head);

/// Appends the request's head for the back end.
///
/// Ends here: fields of one connection (RFC 9110 §7.6.1) and those that Connection names; what a caller says about its way or its TLS
/// identity, unless the field is X-Forwarded-… or Forwarded and the peer is trusted; known names in disguise. Added: Host, Via,
/// X-Forwarded-For/-Host/-Proto and Forwarded (RFC 7239) as `forwarded` says. Last come the fields of a policy, so that nothing the caller
/// says takes them away; what it drops is dropped in every spelling, and of what the gateway adds too.
void write_forwarded_request(const wire::HttpHead& head, const ForwardRequestOptions& options, ByteBuffer& out);

/// Do caller and back end mean the same by the answer's length? They do not where a policy sends another method than the caller's, and one
/// of the two is HEAD.
enum class AnswerBody : std::uint8_t {
  same,
  caller_wants_none,  ///< the caller's method was HEAD: what the back end sends of a body goes nowhere
  none_comes,         ///< the back end was sent HEAD: the caller gets an empty body
};
[[nodiscard]] AnswerBody answer_body(std::string_view caller_method, std::string_view sent_method);

struct ForwardResponseOptions {
  std::uint8_t caller_version_minor = 1;
  KeepAlive keep_alive = KeepAlive::yes;
  AnswerBody body = AnswerBody::same;
  const config::NameEdits* fields = nullptr;  ///< of a policy; nullptr: none. Not for interim answers
};

/// How the caller will see the body's end.
enum class ForwardedFraming : std::uint8_t { as_is, chunked, until_close };

/// Appends the head of an answer (interim ones too) for the caller. A policy does not change how a WebSocket is agreed on.
[[nodiscard]] ForwardedFraming write_forwarded_response(const wire::HttpHead& head, const ForwardResponseOptions& options, ByteBuffer& out);

/// Appends the end of a chunked body. Trailer fields that would mean something in a head are left out (RFC 9110 §6.5.1), and those that a
/// policy drops from the head: some recipients put the two together.
void write_forwarded_trailers(const wire::HttpFields& trailers, const config::NameEdits* edits, ByteBuffer& out);

}  // namespace signet::gateway
