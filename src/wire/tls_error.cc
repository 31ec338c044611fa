// SPDX-License-Identifier: GPL-3.0-or-later
// Why a connection failed, in the project's words.
#include <fmt/core.h>
#include <wolfssl/ssl.h>
#include <wolfssl/wolfcrypt/error-crypt.h>
#include <wolfssl/wolfcrypt/settings.h>

#include "tls_engine_parts.h"
#include "wolfssl_error.h"

namespace signet::wire {

namespace {

/// wolfSSL's errors about a certificate that come without a call of our callback.
bool is_certificate_fault(int code) {
  return code == ASN_PARSE_E || code == ASN_ALT_NAME_E || code == VERIFY_CERT_ERROR || code == BAD_CERTIFICATE_STATUS_ERROR ||
         code == NO_PEER_KEY || code == PEER_KEY_ERROR;
}

}  // namespace

std::optional<std::uint8_t> TlsEngine::Parts::received_alert() const {
  WOLFSSL_ALERT_HISTORY history{};
  if (wolfSSL_get_alert_history(ssl, &history) != WOLFSSL_SUCCESS || history.last_rx.code <= 0 || history.last_rx.code > 255) {
    return std::nullopt;
  }
  constexpr int user_canceled = 90;
  const bool fatal = history.last_rx.level == alert_fatal ||
                     (wolfSSL_version(ssl) == TLS1_3_VERSION && history.last_rx.code != user_canceled);  // RFC 8446 §6.2
  return fatal ? std::optional(static_cast<std::uint8_t>(history.last_rx.code)) : std::nullopt;
}

Error TlsEngine::Parts::explain_alert(std::uint8_t alert) const {
  if (is_refusal(alert)) {
    return refused(alert);
  }
  const std::string name = fmt::format("alert {} ({})", alert_name(alert), alert);
  Error why{.kind = ErrorKind::tls_alert, .origin = client() ? Origin::backend : Origin::caller, .tls_alert = alert};
  if (!client()) {
    why.detail = fmt::format("the caller ended TLS with {}", name);
    return why;
  }
  why.detail = fmt::format("the server {} with {}", stage == Stage::handshaking ? "refused the handshake" : "ended the connection", name);
  return why;
}

Error TlsEngine::Parts::explain(int code) const {
  if (verdict) {
    return *verdict;
  }
  if (code == FATAL_ERROR) {
    if (const std::optional<std::uint8_t> alert = received_alert()) {
      return explain_alert(*alert);
    }
  }
  if (code == OUT_OF_ORDER_E && declined && wolfSSL_version(ssl) == TLS1_3_VERSION) {
    return asked_unoffered();
  }
  Error why{.kind = ErrorKind::tls_protocol, .origin = client() ? Origin::backend : Origin::caller};
  const char* const peer_name = client() ? "server" : "caller";
  if (code == MEMORY_E || code == SOCKET_ERROR_E) {
    why.kind = ErrorKind::internal;
    why.origin = Origin::internal;
  } else if (code == NO_PEER_CERT) {
    why.kind = ErrorKind::tls_certificate;
    why.detail = fmt::format("the {} shows no certificate", peer_name);
    return why;
  } else if (is_certificate_fault(code)) {
    why.kind = ErrorKind::tls_certificate;
    why.detail = fmt::format("the {}'s certificate cannot be used: {}", peer_name, wolfssl_reason(code));
    return why;
  } else if (code == VERSION_ERROR) {
    why.detail = fmt::format("no TLS version in common with the {}", peer_name);
    return why;
  } else if (code == MATCH_SUITE_ERROR) {
    why.detail = fmt::format("no cipher suite, group or signature algorithm in common with the {}", peer_name);
    return why;
  }
  why.detail = fmt::format("TLS {} with the {} failed: {}", stage == Stage::handshaking ? "handshake" : "connection", peer_name,
                           wolfssl_reason(code));
  return why;
}

Error TlsEngine::Parts::explain_truncation() const {
  if (declined_late) {
    return refused_late(0);
  }
  Error why{.kind = ErrorKind::connection_lost, .origin = client() ? Origin::backend : Origin::caller};
  const char* const peer_name = client() ? "server" : "caller";
  if (stage != Stage::handshaking) {
    why.detail = fmt::format("the {} ended the connection without close_notify{}", peer_name,
                             asked_late ? ", after it had asked for our certificate late" : "");
  } else if (client() && requested) {
    why.detail = fmt::format("the server ended the connection in the TLS handshake, after it had asked for our certificate ({})",
                             shared().certificate ? shared().certificate->subject() : "none");
  } else {
    why.detail = fmt::format("the {} ended the connection in the TLS handshake", peer_name);
  }
  return why;
}

}  // namespace signet::wire
