// SPDX-License-Identifier: GPL-3.0-or-later
// Is it about our certificate, and what is known of it?
#include <fmt/core.h>
#include <wolfssl/ssl.h>
#include <wolfssl/wolfcrypt/settings.h>

#include <algorithm>
#include <memory>
#include <utility>

#include "signet/base/identity_refusal.h"
#include "signet/base/limits.h"
#include "certificate_request.h"
#include "tls_engine_parts.h"

namespace signet::wire {

namespace {

constexpr std::uint8_t handshake_failure = 40;
constexpr std::uint8_t decrypt_error = 51;
constexpr std::uint8_t no_renegotiation = 100;
constexpr std::uint8_t certificate_required = 116;
constexpr const char* switch_text = "tls.lateAuthentication: \"allow\"";

/// Alerts that speak of a certificate and of nothing else (RFC 8446 §6.2): bad_certificate, unsupported_certificate, certificate_revoked,
/// certificate_expired, certificate_unknown, unknown_ca, access_denied.
bool names_certificate(std::uint8_t alert) {
  return (alert >= 42 && alert <= 46) || alert == 48 || alert == 49;
}

/// "; it named 12 authorities ("CN=a", "CN=b", …), and our issuer is not among them"
std::string authorities_text(const IdentityRefusal& refusal) {
  if (!refusal.requested) {
    return "; it had not asked for one";
  }
  if (refusal.authorities_total == 0) {
    return "; it had asked for one and named no authorities";
  }
  std::string text = fmt::format("; it had asked for one of {} {} (", refusal.authorities_total,
                                 refusal.authorities_total == 1 ? "authority" : "authorities");
  std::size_t shown = 0;
  std::size_t bytes = 0;
  for (const std::string& name : refusal.authorities) {
    bytes += name.size();
    if (shown != 0 && bytes > limits::log_value_bytes_max) {
      break;
    }
    text += fmt::format("{}\"{}\"", shown == 0 ? "" : ", ", name);
    ++shown;
  }
  text += shown < refusal.authorities_total ? ", …)" : ")";
  if (refusal.issuer_listed != IssuerListed::not_told) {
    text += fmt::format(", and our issuer \"{}\" is {}", refusal.issuer, refusal.issuer_listed == IssuerListed::yes ? "among them" : "not");
  }
  return text;
}

const char* phase_text(RefusalPhase phase) {
  switch (phase) {
    case RefusalPhase::handshake: return "in the handshake";
    case RefusalPhase::after_handshake: return "right after the handshake";
    case RefusalPhase::late: return "when it asked for it late";
  }
  return "";
}

}  // namespace

/// Which alerts of a back end are about our certificate (the others are its own):
///
///   - None once it has sent application data: it has taken our certificate then. A certificate request that comes later opens the
///     question anew, until the next application data.
///   - 116 always: it has no other meaning.
///   - After a CertificateRequest on this connection: 42-46, 48 and 49; 51, which is what a signature gets that does not verify; and 40,
///     which is what TLS 1.2 has for "no acceptable certificate". But a TLS 1.2 server has checked certificate and signature before its
///     Finished, so after it 40 and 51 are about something else, unless it asks again.
///   - Where the session that we offered, or that was resumed, comes from a handshake that had asked: 42-46, 48 and 49, for the server
///     judges the certificate of that handshake. Not 40 and 51: they answer the resumption itself, with which no signature of ours goes.
///   - After we declined a renegotiation in the middle of a call: 42-46, 48, 49, 40 and 100. It is how TLS 1.2 servers ask late.
///   - Otherwise the server never had a certificate of ours to speak of: none.
bool TlsEngine::Parts::is_refusal(std::uint8_t alert) const {
  if (!client() || (answered && !asked_late && !declined_late)) {
    return false;
  }
  if (declined_late && (names_certificate(alert) || alert == handshake_failure || alert == no_renegotiation)) {
    return true;
  }
  if (alert == certificate_required) {
    return true;
  }
  if (alert == handshake_failure || alert == decrypt_error) {
    return asked && (asked_late || stage == Stage::handshaking || wolfSSL_version(ssl) == TLS1_3_VERSION);
  }
  const bool inherited = stage == Stage::handshaking ? offered_requested && !accepted : requested;
  return names_certificate(alert) && (asked || inherited);
}

std::shared_ptr<IdentityRefusal> TlsEngine::Parts::refusal(std::uint8_t alert) const {
  auto told = std::make_shared<IdentityRefusal>();
  told->alert = alert;
  told->phase = asked_late || declined_late   ? RefusalPhase::late
                : stage == Stage::handshaking ? RefusalPhase::handshake
                                              : RefusalPhase::after_handshake;
  told->requested = asked;
  told->resumed = stage == Stage::handshaking ? offered && !asked && !accepted : resumed;
  if (wolfSSL_get_current_cipher_suite(ssl) != 0) {
    told->tls_version = to_string(wolfSSL_version(ssl) == TLS1_3_VERSION ? TlsVersion::tls13 : TlsVersion::tls12);
  }
  if (const std::shared_ptr<const Certificate>& ours = shared().certificate) {
    told->subject = ours->subject();
    told->issuer = ours->issuer();
    told->serial = ours->serial();
    told->thumbprint_sha1 = ours->thumbprint_sha1();
    told->not_before = ours->not_before();
    told->not_after = ours->not_after();
    told->chain_sent = asked ? static_cast<std::uint32_t>(ours->chain_der().size()) : 0;
  }
  if (authorities) {
    told->authorities = authorities->names;
    told->authorities_total = authorities->total;
    told->issuer_listed = authorities->issuer_listed;
  }
  return told;
}

Error TlsEngine::Parts::refused(std::uint8_t alert) const {
  if (declined_late && alert != certificate_required) {
    return refused_late(alert);
  }
  std::shared_ptr<IdentityRefusal> told = refusal(alert);
  const std::string answer = fmt::format("alert {} ({}) {}", alert_name(alert), alert, phase_text(told->phase));
  std::string detail;
  if (told->subject.empty() && shared().certificate == nullptr) {
    detail = fmt::format("the server wants a certificate, we have none for it, and it answered with {}", answer);
  } else {
    detail = fmt::format("the server refused our certificate \"{}\" (SHA-1 {}, serial {}, valid to {}) with {}", told->subject,
                         told->thumbprint_sha1, told->serial, wall_time_text(told->not_after), answer);
  }
  detail += told->resumed ? "; the connection was to resume an earlier one" : authorities_text(*told);
  return Error{.kind = ErrorKind::identity_refused,
               .origin = Origin::identity,
               .tls_alert = alert,
               .detail = std::move(detail),
               .refusal = std::move(told)};
}

Error TlsEngine::Parts::refused_late(std::uint8_t alert) const {
  std::shared_ptr<IdentityRefusal> told = refusal(alert);
  const std::string answer = alert == 0 ? "ended the connection" : fmt::format("answered with alert {} ({})", alert_name(alert), alert);
  const std::string ours = shared().certificate == nullptr
                               ? "there is no certificate for it, though"
                               : fmt::format("it is our certificate \"{}\" (SHA-1 {}, serial {}, valid to {}) that it would get",
                                             told->subject, told->thumbprint_sha1, told->serial, wall_time_text(told->not_after));
  return Error{.kind = ErrorKind::identity_refused,
               .origin = Origin::identity,
               .tls_alert = alert,
               .detail = fmt::format("after the handshake the server wanted to renegotiate, as it does to ask for a certificate late; we "
                                     "declined, and it {}. {} lets it ask; {}",
                                     answer, switch_text, ours),
               .refusal = std::move(told)};
}

/// TLS 1.3: wolfSSL takes a request that we did not offer to answer for a breach of protocol, as it is (RFC 8446 §4.6.2).
Error TlsEngine::Parts::asked_unoffered() const {
  return Error{
      .kind = ErrorKind::tls_protocol,
      .origin = Origin::identity,
      .detail = fmt::format("the server asked for a certificate after the handshake, which we had not offered. {} offers it", switch_text)};
}

/// An alert of ours went out. TLS 1.2: was it the answer to a renegotiation?
void TlsEngine::Parts::note_alert_sent() {
  WOLFSSL_ALERT_HISTORY history{};
  if (!client() || shared().late_authentication == LateAuthentication::allow ||
      wolfSSL_get_alert_history(ssl, &history) != WOLFSSL_SUCCESS || history.last_tx.code != no_renegotiation ||
      history.last_tx.level != alert_warning) {
    return;
  }
  declined = true;
  declined_late = awaiting;
}

/// A CertificateRequest, before wolfSSL has looked at it.
void TlsEngine::Parts::note_request(ByteView body) {
  TlsContext::Parts& common = shared();
  const ByteView list = authorities_list(body, wolfSSL_version(ssl) == TLS1_3_VERSION ? TlsVersion::tls13 : TlsVersion::tls12);
  authorities = nullptr;
  declined = declined || (stage == Stage::open && common.late_authentication == LateAuthentication::off);
  if (list.empty()) {
    return;
  }
  if (!common.last_authorities || !std::ranges::equal(common.last_authorities->list, list)) {
    common.last_authorities = std::make_shared<const NamedAuthorities>(read_authorities(list, common.certificate.get()));
  }
  authorities = common.last_authorities;
}

/// Application data came.
void TlsEngine::Parts::note_answer() {
  if (wolfSSL_version(ssl) == TLS1_2_VERSION && wolfSSL_SSL_renegotiate_pending(ssl) != 0) {
    return;  // from before the question
  }
  answered = true;
  awaiting = asked_late = declined_late = false;
  authorities = nullptr;
}

}  // namespace signet::wire
