// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include <cstdint>
#include <expected>
#include <memory>
#include <string>
#include <string_view>
#include <utility>

namespace signet {

struct IdentityRefusal;

/// Who caused an error. Decides who is told, whose counters grow and whether a back end's health is touched.
enum class Origin : std::uint8_t {
  caller,    ///< the client that spoke to our listener
  backend,   ///< the server behind us, or the network on the way to it
  identity,  ///< the back end refused our certificate, or we have none to show: never counted against the back end's health
  internal,  ///< our own configuration, limits or system
};

/// What went wrong. One function (gateway/error_response) turns a kind into a status, a code and a Proxy-Status; nothing else decides that.
enum class ErrorKind : std::uint8_t {
  // caller
  bad_request,              ///< not HTTP, or HTTP that RFC 9112 tells us to refuse
  head_too_large,           ///< request head over the limit
  body_too_large,           ///< request body over the limit
  caller_timeout,           ///< the head or body did not arrive in time
  caller_gone,              ///< the caller closed or reset its connection
  method_refused,           ///< CONNECT, TRACE
  version_refused,          ///< HTTP version other than 1.0 and 1.1
  expectation_failed,       ///< Expect with something other than 100-continue
  transfer_coding_refused,  ///< Transfer-Encoding other than chunked
  no_route,                 ///< no API, or no operation, takes this path
  forbidden,                ///< an ip-filter of the API's policy does not let the caller in
  rate_limited,             ///< more calls than a rate-limit of the API's policy allows
  // identity
  no_certificate,             ///< the backend names a certificate and none is usable: no connection is made
  identity_refused,           ///< the back end answered our certificate with an alert
  certificate_not_requested,  ///< requireCertificateRequest is set and the back end did not ask
  identity_suspended,         ///< refused several times in a row: not shown again before `Error::retry_after` is over
  identity_retired,           ///< no longer part of the configuration: the call has to start again in the one in force
  // backend, TLS
  tls_untrusted,      ///< server chain does not lead to a trusted anchor
  tls_expired,        ///< a certificate of the server's chain is not valid now
  tls_name_mismatch,  ///< no subject alternative name matches
  tls_certificate,    ///< any other fault of the server's certificate (usage, constraint, revoked, pin)
  tls_alert,          ///< the back end sent a fatal alert that is not about our certificate
  tls_protocol,       ///< the handshake or a record could not be understood, or no common version, cipher or group
  // backend, connection
  dns_failure,      ///< the name does not resolve, or the resolver gave no answer in time
  connect_refused,  ///< TCP RST to our SYN
  connect_failed,   ///< unreachable, or any other failure of connect(2)
  connect_timeout,  ///< no connection (TCP and TLS) within the time
  connection_lost,  ///< reset or end of stream where an answer was due
  // backend, HTTP
  bad_response,  ///< not HTTP, or HTTP that RFC 9112 tells us to refuse
  response_head_too_large,
  backend_timeout,       ///< no (more) bytes of the answer in time
  backend_error_status,  ///< an answer of 400 or above, where the policy says fail-on-error-status-code
  circuit_open,          ///< the backend's circuit breaker has tripped, or that of every member of its pool
  // internal
  config,      ///< a configuration or certificate file that cannot be used; `detail` is for the operator
  no_backend,  ///< the API names none
  overload,    ///< a limit of ours is reached (connections, buffers, waiting calls)
  shutting_down,
  internal,  ///< a promise of ours is broken
};

/// May the same call be tried again on another connection?
enum class Retry : std::uint8_t { no, yes };

/// An error as a value. Moves freely; made only off the fast path (`detail` may allocate).
struct Error {
  ErrorKind kind = ErrorKind::internal;
  Origin origin = Origin::internal;
  Retry retry = Retry::no;
  /// TLS alert number that was received (RFC 8446 §6) or 0 when none was: close_notify is never an error.
  std::uint8_t tls_alert = 0;
  /// When it may be worth to try again; whole seconds, 0: not known.
  std::uint32_t retry_after_s = 0;
  /// One sentence for the operator: what, where, what was expected. Never secrets, never for the caller.
  std::string detail;
  /// With identity_refused: the whole story (base/identity_refusal.h). Null otherwise.
  std::shared_ptr<const IdentityRefusal> refusal = nullptr;
};

template <typename T>
using Result = std::expected<T, Error>;

/// `return fail(ErrorKind::bad_request, Origin::caller, "…");`
[[nodiscard]] inline std::unexpected<Error> fail(ErrorKind kind, Origin origin, std::string detail) {
  return std::unexpected(Error{.kind = kind,
                               .origin = origin,
                               .retry = Retry::no,
                               .tls_alert = 0,
                               .retry_after_s = 0,
                               .detail = std::move(detail),
                               .refusal = nullptr});
}

/// The kind in snake_case, as it stands in logs and metrics ("tls_untrusted"). Static storage.
[[nodiscard]] std::string_view to_string(ErrorKind kind);
[[nodiscard]] std::string_view to_string(Origin origin);

}  // namespace signet
