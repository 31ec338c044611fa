// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "signet/base/result.h"
#include "signet/wire/certificate.h"
#include "signet/wire/identity.h"
#include "signet/wire/ticket_keys.h"
#include "signet/wire/tls_types.h"

namespace signet::wire {

/// Whether a listener asks callers for a certificate.
enum class ClientCertificate : std::uint8_t {
  none,     ///< does not ask
  request,  ///< asks; a caller may have none, but one that is shown must pass the checks
  require,  ///< asks; no certificate, no connection
};

/// How a listener speaks TLS.
struct TlsServerSettings {
  std::shared_ptr<const Certificate> certificate;  ///< shown where no other is
  /// Shown to callers that ask for one of their names (SNI): DNS names among the subject alternative names only, an equal name before a
  /// wildcard (as in server_name.h), an earlier certificate before a later one, `certificate` before all of them. REQUIRES: none, if
  /// callers are asked for certificates.
  std::vector<std::shared_ptr<const Certificate>> further_certificates;
  ClientCertificate client_certificate = ClientCertificate::none;
  /// Trust anchors for callers' certificates.
  std::vector<std::shared_ptr<const CertificateAuthority>> client_authorities;
  /// Off: any certificate is taken and shown to the program as it is (`signet echo`).
  Check validate_client_chain = Check::on;
  TlsVersion min_version = TlsVersion::tls12;
  TlsVersion max_version = TlsVersion::tls13;
  std::vector<TlsGroup> groups = {TlsGroup::x25519, TlsGroup::secp256r1, TlsGroup::secp384r1, TlsGroup::x25519_mlkem768};
  std::vector<std::string> alpn;
  enum class Tickets : std::uint8_t { off, on } tickets = Tickets::on;
  /// Null: tickets are good in this context only. Otherwise in each that shares the keys, shows the same certificates in the same order,
  /// and to callers that ask for the same name (RFC 6066 §3). REQUIRES: null, if callers are asked for certificates.
  std::shared_ptr<TicketKeys> ticket_keys;
  /// Sent as it is, in place of an alert, to a caller whose first byte is a capital letter: it takes us for a server without TLS.
  std::string answer_to_plain_text;
  /// Whether TlsEngine::request_certificate may be used.
  LateAuthentication late_authentication = LateAuthentication::off;
};

/// What many connections of one kind share: settings, trust anchors, key. Stays on one thread, with all engines made from it; hold it by
/// shared_ptr (engines do). Making one parses every trust anchor: a few milliseconds for a system's bundle.
class TlsContext {
 public:
  /// For connections to back ends. Error: config (names the certificate or anchor), origin internal.
  [[nodiscard]] static Result<std::shared_ptr<TlsContext>> client(std::shared_ptr<const Identity> identity);
  /// For connections of callers. Errors as above.
  [[nodiscard]] static Result<std::shared_ptr<TlsContext>> server(TlsServerSettings settings);

  TlsContext(const TlsContext&) = delete;
  TlsContext& operator=(const TlsContext&) = delete;
  ~TlsContext();

  /// Null for a server's context.
  [[nodiscard]] const std::shared_ptr<const Identity>& identity() const;
  /// Our certificate, the first of several; null if there is none.
  [[nodiscard]] const std::shared_ptr<const Certificate>& certificate() const;

  struct Parts;  ///< for the implementation
  explicit TlsContext(std::unique_ptr<Parts> parts);
  [[nodiscard]] Parts& parts() { return *parts_; }

 private:
  std::unique_ptr<Parts> parts_;
};

}  // namespace signet::wire
