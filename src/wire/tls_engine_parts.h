// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include <wolfssl/ssl.h>
#include <wolfssl/wolfcrypt/settings.h>

#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "signet/base/byte_buffer.h"
#include "signet/base/clock.h"
#include "signet/wire/tls_engine.h"
#include "tls_context_parts.h"

namespace signet::wire {

/// What an engine is made of. wolfSSL keeps a pointer to it, so it never moves.
///
///     handshaking ──► open ──► (peer_closed: close_notify received)
///          └────────────┴──► failed
struct TlsEngine::Parts {
  enum class Stage : std::uint8_t { handshaking, open, failed };

  explicit Parts(std::shared_ptr<TlsContext> shared_context);
  Parts(const Parts&) = delete;
  Parts& operator=(const Parts&) = delete;
  ~Parts() { wolfSSL_free(ssl); }

  [[nodiscard]] TlsContext::Parts& shared() const { return context->parts(); }
  [[nodiscard]] bool client() const { return shared().side == Side::client; }

  // ---- tls_engine.cc
  void offer(TlsSession session);
  Event complete_handshake();
  [[nodiscard]] bool speaks_plain_text(ByteView begin) const;
  [[nodiscard]] std::size_t lendable_record(ByteView received, std::size_t max) const;
  /// After every call into wolfSSL that may have read.
  void after_input();
  /// Ends the connection with what wolfSSL's error and the alerts say, unless a check of ours has said why already.
  Event fail(int code);
  Event fail(Error why);

  // ---- tls_engine_callbacks.cc
  int receive(char* destination, int size);
  int send(const char* source, int size);
  /// Counts certificate requests after the handshake. False: one too many, and `verdict` says so.
  [[nodiscard]] bool may_ask_late();
  [[nodiscard]] bool judge(const WOLFSSL_X509_STORE_CTX& store);
  [[nodiscard]] bool judge_leaf(SentChain chain, int code, bool chain_is_checked);
  /// Client: has this chain passed every check before? wolfSSL then calls `judge` for the leaf only.
  [[nodiscard]] bool knows(SentChain chain);
  /// Reads the leaf. False: it cannot be, and `verdict` says so.
  [[nodiscard]] bool meet(SentChain chain);
  void keep_session(WOLFSSL_SESSION* session, TlsVersion session_version);
  /// Server: shows the certificate for the name that the caller asks for. False: it cannot be used.
  [[nodiscard]] bool show_certificate();

  // ---- tls_error.cc
  [[nodiscard]] Error explain(int code) const;
  [[nodiscard]] Error explain_alert(std::uint8_t alert) const;
  [[nodiscard]] Error explain_truncation() const;
  // ---- tls_refusal.cc
  [[nodiscard]] bool is_refusal(std::uint8_t alert) const;
  [[nodiscard]] Error refused(std::uint8_t alert) const;
  [[nodiscard]] std::shared_ptr<IdentityRefusal> refusal(std::uint8_t alert) const;
  /// The peer ended the connection after we had declined what it asked for late.
  [[nodiscard]] Error refused_late(std::uint8_t alert) const;
  [[nodiscard]] Error asked_unoffered() const;
  void note_request(ByteView body);
  void note_alert_sent();
  void note_answer();

  /// A fatal alert that the peer sent.
  [[nodiscard]] std::optional<std::uint8_t> received_alert() const;

  std::shared_ptr<TlsContext> context;
  WOLFSSL* ssl = nullptr;
  LateAuthentication late_authentication = LateAuthentication::off;  ///< as the context has it
  std::size_t shown = 0;                                             ///< server: place of the certificate in the context's list
  bool heard = false;                                                ///< server: the caller has sent something
  ByteView* input = nullptr;                                         ///< during a call that may read
  ByteBuffer* output = nullptr;                                      ///< during every call
  Stage stage = Stage::handshaking;
  bool peer_closed = false;            ///< close_notify received
  bool closed = false;                 ///< close_notify sent
  bool judged = false;                 ///< a certificate of the peer was looked at in this call
  bool refuses_renegotiation = false;  ///< the server has had its share
  std::uint32_t renegotiations = 0;    ///< begun by the server
  bool resumed = false;
  bool requested = false;           ///< a CertificateRequest came on this connection, or on the one that it resumes
  std::uint32_t late_requests = 0;  ///< certificate requests after the handshake
  bool asked = false;               ///< a CertificateRequest came on this very connection
  bool asked_late = false;          ///< after the handshake, and no application data has come since
  bool answered = false;            ///< application data has come
  bool awaiting = false;            ///< application data went out, and none has come since
  bool alert_sent = false;          ///< in this call
  bool declined = false;            ///< a certificate request after the handshake, or a renegotiation, because late authentication is off
  bool declined_late = false;       ///< likewise, and no application data has come since
  bool accepted = false;            ///< the peer's leaf passed every check
  bool offered = false;             ///< a session was
  bool offered_requested = false;   ///< what the offered session remembers
  std::shared_ptr<const NamedAuthorities> authorities;  ///< from a CertificateRequest until application data comes
  std::optional<Error> error;
  std::optional<Error> verdict;  ///< of a callback, which can only say no
  std::shared_ptr<const TlsPeer> peer;
  std::shared_ptr<const TlsPeer> known_peer;  ///< the leaf of the chain that is being looked at, if the chain has passed every check before
  std::shared_ptr<const TlsPeer> offered_peer;
  WallTime authenticated_at{};  ///< the full handshake
  WallTime offered_authenticated_at{};
  std::string alpn;
  std::vector<TlsSession> sessions;
};

/// Server: from now on the caller must show a certificate when it is asked.
void require_certificate(WOLFSSL* ssl);

/// wolfSSL's clock, in which a simulator may put its own time.
[[nodiscard]] WallTime wall_now();

}  // namespace signet::wire
