// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include <wolfssl/ssl.h>
#include <wolfssl/wolfcrypt/settings.h>

#include <array>
#include <cstddef>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "signet/base/bytes.h"
#include "signet/wire/tls_context.h"
#include "signet/wire/tls_session.h"
#include "tls_verify.h"
#include "verified_chains.h"

namespace signet::wire {

struct NamedAuthorities;

/// A certificate of a server, ready to be shown.
struct ServerCertificate {
  std::shared_ptr<const Certificate> certificate;
  ByteVector chain;                    ///< DER, one after the other
  std::vector<std::string> dns_names;  ///< of its subject alternative names
};

/// The place of the certificate for a caller that asks for `name`; 0 where none matches.
[[nodiscard]] std::size_t certificate_for(const std::vector<ServerCertificate>& certificates, std::string_view name);

struct TlsContext::Parts {
  Parts() = default;
  Parts(const Parts&) = delete;
  Parts& operator=(const Parts&) = delete;
  ~Parts() { wolfSSL_CTX_free(context); }

  WOLFSSL_CTX* context = nullptr;
  Side side = Side::client;
  std::shared_ptr<const Identity> identity;  ///< client
  TlsServerSettings server;                  ///< server
  std::shared_ptr<const Certificate> certificate;
  std::vector<ServerCertificate> certificates;  ///< server: all, `certificate` foremost
  std::size_t context_certificate = 0;          ///< place of the one that `context` has
  std::array<std::byte, 32> ticket_scope{};     ///< server: digest of `certificates`
  std::string alpn;                             ///< wolfSSL's form: names with commas between them
  LateAuthentication late_authentication = LateAuthentication::off;

  /// Client: of `identity`, which decides the verdicts.
  VerifiedChains verified_chains;
  /// The last list of authorities in a CertificateRequest: a back end sends the same one every time.
  std::shared_ptr<const NamedAuthorities> last_authorities;
};

/// wolfSSL's callbacks into an engine (tls_engine_callbacks.cc); the last argument of the I/O functions is TlsEngine::Parts.
void install_callbacks(TlsContext::Parts& parts);

}  // namespace signet::wire
