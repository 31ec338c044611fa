// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include <filesystem>
#include <memory>
#include <string>
#include <string_view>

#include "signet/base/bytes.h"
#include "signet/wire/certificate.h"

namespace signet::test {

/// Runs a script of `openssl` commands in `directory`. Throws, with what it said, if it fails.
void make_certificates(const std::filesystem::path& directory, std::string_view commands);

/// Certificates for tests, made once per test program with the openssl command. All keys are EC P-256 unless their name says otherwise.
///
///     root ── issuing ─┬─ server (DNS:orders.internal, DNS:*.wild.internal, IP:127.0.0.1, IP:::1), server-rsa
///                      ├─ server-cn (common name orders.internal, no alternative name), server-expired, server-for-clients (usage)
///                      ├─ server-revoked
///                      └─ client, client-expired
///     root ── issuing-expired ── server-of-expired;  server ── server-of-server (whose issuer is no certificate authority;
///     its chain is in server-chain.pem)
///     other-root ── other-server, other-client (same names as above)
///     root ── twin (name of issuing, other key);  issuing ── server-keyed (names issuing's key); both chains of them in twin-issuing.pem
///     and issuing-twin.pem
///     self-signed (DNS:orders.internal)
///
/// Revocation lists, DER: root.crl, issuing.crl (server-revoked is on it), issuing-old.crl (no longer current),
/// root-without-issuing.crl (issuing is on it). server.sha512: its
/// fingerprint, as openssl prints it.
class TestPki {
 public:
  static const TestPki& instance();

  TestPki(const TestPki&) = delete;
  TestPki& operator=(const TestPki&) = delete;
  ~TestPki();

  /// The text or bytes of a file: "server.pem", "server.key", "issuing.crl".
  [[nodiscard]] std::string file(std::string_view name) const;
  [[nodiscard]] ByteVector bytes(std::string_view name) const;
  [[nodiscard]] std::filesystem::path path(std::string_view name) const { return directory_ / name; }

  /// The leaf with its key and, if given, the issuing certificate behind it.
  [[nodiscard]] std::shared_ptr<const wire::Certificate> certificate(std::string_view name,
                                                                     std::string_view intermediate = "issuing") const;
  [[nodiscard]] std::shared_ptr<const wire::CertificateAuthority> authority(std::string_view name = "root") const;

 private:
  TestPki();

  std::filesystem::path directory_;
};

}  // namespace signet::test
