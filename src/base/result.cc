// SPDX-License-Identifier: GPL-3.0-or-later
#include "signet/base/result.h"

#include "signet/base/identity_refusal.h"

namespace signet {

std::string_view to_string(ErrorKind kind) {
  switch (kind) {
    case ErrorKind::bad_request: return "bad_request";
    case ErrorKind::head_too_large: return "head_too_large";
    case ErrorKind::body_too_large: return "body_too_large";
    case ErrorKind::caller_timeout: return "caller_timeout";
    case ErrorKind::caller_gone: return "caller_gone";
    case ErrorKind::method_refused: return "method_refused";
    case ErrorKind::version_refused: return "version_refused";
    case ErrorKind::expectation_failed: return "expectation_failed";
    case ErrorKind::transfer_coding_refused: return "transfer_coding_refused";
    case ErrorKind::no_route: return "no_route";
    case ErrorKind::forbidden: return "forbidden";
    case ErrorKind::rate_limited: return "rate_limited";
    case ErrorKind::no_certificate: return "no_certificate";
    case ErrorKind::identity_refused: return "identity_refused";
    case ErrorKind::certificate_not_requested: return "certificate_not_requested";
    case ErrorKind::identity_suspended: return "identity_suspended";
    case ErrorKind::identity_retired: return "identity_retired";
    case ErrorKind::tls_untrusted: return "tls_untrusted";
    case ErrorKind::tls_expired: return "tls_expired";
    case ErrorKind::tls_name_mismatch: return "tls_name_mismatch";
    case ErrorKind::tls_certificate: return "tls_certificate";
    case ErrorKind::tls_alert: return "tls_alert";
    case ErrorKind::tls_protocol: return "tls_protocol";
    case ErrorKind::dns_failure: return "dns_failure";
    case ErrorKind::connect_refused: return "connect_refused";
    case ErrorKind::connect_failed: return "connect_failed";
    case ErrorKind::connect_timeout: return "connect_timeout";
    case ErrorKind::connection_lost: return "connection_lost";
    case ErrorKind::bad_response: return "bad_response";
    case ErrorKind::response_head_too_large: return "response_head_too_large";
    case ErrorKind::backend_timeout: return "backend_timeout";
    case ErrorKind::backend_error_status: return "backend_error_status";
    case ErrorKind::circuit_open: return "circuit_open";
    case ErrorKind::no_backend: return "no_backend";
    case ErrorKind::config: return "config";
    case ErrorKind::overload: return "overload";
    case ErrorKind::shutting_down: return "shutting_down";
    case ErrorKind::internal: return "internal";
  }
  return "unknown";
}

std::string_view to_string(Origin origin) {
  switch (origin) {
    case Origin::caller: return "caller";
    case Origin::backend: return "backend";
    case Origin::identity: return "identity";
    case Origin::internal: return "internal";
  }
  return "unknown";
}

const char* to_string(RefusalPhase phase) {
  switch (phase) {
    case RefusalPhase::handshake: return "handshake";
    case RefusalPhase::after_handshake: return "after handshake";
    case RefusalPhase::late: return "late";
  }
  return "";
}

}  // namespace signet
