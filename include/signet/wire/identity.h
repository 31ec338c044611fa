// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include <array>
#include <chrono>
#include <compare>
#include <cstddef>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "signet/base/bytes.h"
#include "signet/base/result.h"
#include "signet/wire/certificate.h"
#include "signet/wire/server_name.h"
#include "signet/wire/tls_types.h"

namespace signet::wire {

/// A server certificate is accepted under this pin if its subject's common name is `common_name` and, where `issuer_thumbprint` is not
/// empty, it was signed by the certificate of that thumbprint (SHA-1, SHA-256 or SHA-512, hexadecimal). The issuer's certificate must be in
/// the server's chain or among the authorities; its signature over the leaf is checked whatever `validate_chain` says.
struct ServerX509Name {
  std::string common_name;
  std::string issuer_thumbprint;
  friend bool operator==(const ServerX509Name&, const ServerX509Name&) = default;
};

/// Everything that decides who we are to a back end and whom we accept there.
///
/// A setting that is added here must enter `identity_key` (identity.cc takes the struct apart, so that it does not compile otherwise).
struct IdentitySettings {
  /// Shown when the server asks; none: an empty answer is given.
  std::shared_ptr<const Certificate> certificate;
  /// Trust anchors. Never the system's by itself: wire reads no files. Empty with `validate_chain` on: nothing is trusted.
  std::vector<std::shared_ptr<const CertificateAuthority>> authorities;
  /// Certificate revocation lists, DER (RFC 5280 §5). With at least one, every certificate of the server's chain must be covered by a valid
  /// list (part of `validate_chain`).
  std::vector<ByteVector> revocation_lists;
  /// Path to a trust anchor, validity dates, usages, constraints, revocation of the server's certificate.
  Check validate_chain = Check::on;
  /// The server's subject alternative names against `server_name`. Independent of `validate_chain`.
  Check validate_name = Check::on;
  /// Pins, in addition to the other checks. If either list has an entry, the leaf must match one entry of one of them.
  /// Thumbprints are SHA-1 (40 digits), SHA-256 (64) or SHA-512 (128), hexadecimal, in any case, with or without colons or spaces.
  std::vector<std::string> server_certificate_thumbprints;
  std::vector<ServerX509Name> server_x509_names;
  /// DNS name or IP address: server name indication (DNS names only, RFC 6066 §3) and the reference of the name check. May be empty only if
  /// `validate_name` is off.
  std::string server_name;
  TlsVersion min_version = TlsVersion::tls12;
  TlsVersion max_version = TlsVersion::tls13;
  /// In order of preference; the key share of the first is sent.
  std::vector<TlsGroup> groups = {TlsGroup::x25519, TlsGroup::secp256r1, TlsGroup::secp384r1, TlsGroup::x25519_mlkem768};
  /// In order of preference; empty: the extension is not sent.
  std::vector<std::string> alpn;
  LateAuthentication late_authentication = LateAuthentication::off;
  /// Fail the handshake (certificate_not_requested) if the server does not ask for our certificate.
  Check require_certificate_request = Check::off;
  /// How long after its full handshake a TLS session may be resumed, also through the sessions that resumed connections give; 0: no session
  /// is kept. At most `session_lifetime_max`.
  std::chrono::seconds session_lifetime = session_lifetime_default;

  /// Certificates and authorities are compared as objects, not by what is in them.
  friend bool operator==(const IdentitySettings&, const IdentitySettings&) = default;
};

/// Names an identity: equal exactly if every setting that affects connecting or trust is equal. Pools and session caches are keyed by it.
/// Private keys are no part of it: a certificate's public key stands for them.
struct IdentityKey {
  std::array<std::byte, 32> bytes{};

  /// 64 lower-case hexadecimal digits.
  [[nodiscard]] std::string text() const;

  friend bool operator==(const IdentityKey&, const IdentityKey&) = default;
  friend auto operator<=>(const IdentityKey&, const IdentityKey&) = default;
};

struct IdentityKeyHash {
  [[nodiscard]] std::size_t operator()(const IdentityKey& key) const noexcept;
};

/// SHA-256 over a versioned encoding in which every field has its length in front (format: identity.cc).
[[nodiscard]] IdentityKey identity_key(const IdentitySettings& settings);

/// Settings that have been checked, and their key. Immutable, safe to share between threads.
class Identity {
 public:
  /// Thumbprints and the server name are brought to one form first. Error: config, origin internal, naming the setting.
  [[nodiscard]] static Result<std::shared_ptr<const Identity>> make(IdentitySettings settings);

  [[nodiscard]] const IdentitySettings& settings() const { return settings_; }
  [[nodiscard]] const IdentityKey& key() const { return key_; }
  /// Null if there is no server name.
  [[nodiscard]] const ServerName* server_name() const { return server_name_ ? &*server_name_ : nullptr; }

 private:
  explicit Identity(IdentitySettings settings, std::optional<ServerName> server_name);

  IdentitySettings settings_;
  std::optional<ServerName> server_name_;
  IdentityKey key_;
};

}  // namespace signet::wire
