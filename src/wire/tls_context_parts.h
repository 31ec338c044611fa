// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include <wolfssl/ssl.h>
#include <wolfssl/wolfcrypt/settings.h>

#include <memory>
#include <string>

#include "signet/base/bytes.h"
#include "signet/wire/tls_context.h"
#include "signet/wire/tls_session.h"
#include "tls_verify.h"

namespace signet::wire {

struct NamedAuthorities;

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
  std::string alpn;  ///< wolfSSL's form: names with commas between them
  LateAuthentication late_authentication = LateAuthentication::off;

  /// The last leaf that was seen, taken apart: a back end shows the same one every time.
  std::shared_ptr<const TlsPeer> last_peer;
  ByteVector last_leaf;
  /// The last list of authorities in a CertificateRequest, likewise.
  std::shared_ptr<const NamedAuthorities> last_authorities;
};

/// wolfSSL's callbacks into an engine (tls_engine_callbacks.cc); the last argument of the I/O functions is TlsEngine::Parts.
void install_callbacks(TlsContext::Parts& parts);

}  // namespace signet::wire
