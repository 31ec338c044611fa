// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include <filesystem>
#include <memory>
#include <string>
#include <string_view>

#include "signet/wire/certificate.h"

namespace signet::bench {

/// Certificates for measurements, made once per program with the openssl command, in a folder of their own that goes with the program.
///
///     root (P-256) ── issuing (P-256) ─┬─ server (P-256, DNS:orders.internal)
///                                      └─ client-p256, client-rsa (RSA 2048)
///
/// As NAME.pem and NAME.key; the clients also as NAME-pbes2.pfx (AES-256-CBC, 2,048 iterations, HMAC-SHA-256), and client-p256-3des.pfx
/// (3DES, HMAC-SHA-1, as older programs write it). The password is "bench".
class Certificates {
 public:
  static const Certificates& instance();

  Certificates(const Certificates&) = delete;
  Certificates& operator=(const Certificates&) = delete;
  ~Certificates();

  [[nodiscard]] std::string file(std::string_view name) const;
  /// The leaf with its key, "issuing" behind it.
  [[nodiscard]] std::shared_ptr<const wire::Certificate> certificate(std::string_view name) const;
  [[nodiscard]] std::shared_ptr<const wire::CertificateAuthority> root() const;

 private:
  Certificates();

  std::filesystem::path directory_;
};

}  // namespace signet::bench
