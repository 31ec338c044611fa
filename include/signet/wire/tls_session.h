// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include <memory>
#include <string>
#include <vector>

#include "signet/base/bytes.h"
#include "signet/base/clock.h"
#include "signet/wire/identity.h"

struct WOLFSSL_SESSION;

namespace signet::wire {

/// What a peer's certificate said when it was checked. Immutable, shared between a connection, its sessions and the connections resumed
/// from them.
struct TlsPeer {
  CertificateInfo leaf;
  /// As sent, leaf first. Kept on the server side only: a client has one connection per peer many times over.
  std::vector<ByteVector> chain_der;
};

/// What is needed to resume a TLS connection: a TLS 1.3 ticket or a TLS 1.2 session, and the promises that go with it.
///
/// Belongs to the identity under which it was made; an engine of another identity never takes it (SIGNET_CHECK). Move-only. May move to
/// another thread.
class TlsSession {
 public:
  TlsSession(TlsSession&& other) noexcept = default;
  TlsSession& operator=(TlsSession&& other) noexcept = default;
  ~TlsSession() = default;

  [[nodiscard]] const IdentityKey& identity_key() const { return identity_key_; }
  /// The earliest of: end of the ticket's lifetime, seven days after the full handshake (RFC 8446 §4.6.1), notAfter of our certificate,
  /// notAfter of the peer's. Not to be offered at or after it.
  [[nodiscard]] WallTime expires_at() const { return expires_at_; }
  /// A ticket of TLS 1.3 is used once (RFC 8446 §C.4); a session of TLS 1.2 may be used again (`copy`).
  [[nodiscard]] bool single_use() const { return version_ == TlsVersion::tls13; }
  /// A second handle on a session of TLS 1.2. REQUIRES: !single_use().
  [[nodiscard]] TlsSession copy() const;
  /// Did the full handshake ask for our certificate?
  [[nodiscard]] bool certificate_requested() const { return certificate_requested_; }
  [[nodiscard]] bool certificate_sent() const { return certificate_sent_; }
  /// Null if the peer sent no certificate.
  [[nodiscard]] const std::shared_ptr<const TlsPeer>& peer() const { return peer_; }

 private:
  friend class TlsEngine;
  struct Free {
    void operator()(WOLFSSL_SESSION* session) const noexcept;
  };
  TlsSession() = default;

  std::unique_ptr<WOLFSSL_SESSION, Free> session_;
  IdentityKey identity_key_;
  WallTime expires_at_{};
  WallTime authenticated_at_{};  ///< of the full handshake; sessions that follow from resumed connections keep it
  TlsVersion version_ = TlsVersion::tls13;
  bool certificate_requested_ = false;
  bool certificate_sent_ = false;
  std::shared_ptr<const TlsPeer> peer_;
};

}  // namespace signet::wire
