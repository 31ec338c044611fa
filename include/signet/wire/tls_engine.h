// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <string_view>

#include "signet/base/byte_buffer.h"
#include "signet/base/bytes.h"
#include "signet/base/result.h"
#include "signet/wire/tls_context.h"
#include "signet/wire/tls_session.h"

namespace signet::wire {

/// One TLS connection, client or server, as a machine without I/O: ciphertext in, ciphertext and events out.
///
/// `input` is what the transport received: the engine takes bytes off its front, and the view shrinks. `output` is what the transport must
/// send: the engine appends, in every call, also in one that fails (an alert). Send `output` before waiting for more input.
///
///     handshaking ──handshake()──► open ──read()──► close_notify received ──► done
///          │                        │
///          └──────── failed ◄───────┘      every later call answers `failed` with the same error
///
/// Application data that comes together with the last handshake bytes stays in `input`: call `read`. Certificate alerts of a TLS 1.3 server
/// arrive after our Finished, thus out of `read`; they are classified all the same.
///
/// Between calls the engine holds no buffers, unless it holds part of a record. A call on an open connection allocates nothing from the
/// heap once its thread has been at work for a while (tls_memory.h). Stays on its context's thread. Moving is cheap; a moved-from engine
/// may only be destroyed or assigned to.
class TlsEngine {
 public:
  enum class Event : std::uint8_t {
    want_input,          ///< nothing more without more input; `input` is empty
    handshake_complete,  ///< once, out of `handshake`
    data,                ///< out of `read`: bytes were appended
    close_notify,        ///< the peer ended its direction properly
    failed,              ///< see `error`
  };
  struct Read {
    Event event = Event::want_input;  ///< want_input, data, close_notify or failed
    std::size_t size = 0;             ///< bytes appended to `plaintext`; not zero exactly with `data`
  };

  /// To a back end. `resume`: a session to offer; it is used up. REQUIRES: it was made under the identity of `context`, and has not
  /// expired.
  [[nodiscard]] static TlsEngine client(std::shared_ptr<TlsContext> context, std::optional<TlsSession> resume = std::nullopt);
  /// Of a caller.
  [[nodiscard]] static TlsEngine server(std::shared_ptr<TlsContext> context);

  TlsEngine(TlsEngine&& other) noexcept;
  TlsEngine& operator=(TlsEngine&& other) noexcept;
  ~TlsEngine();

  /// Call until it answers handshake_complete or failed. A client starts with an empty `input`.
  Event handshake(ByteView& input, ByteBuffer& output);

  /// Decrypts at most `max` bytes. Call again while it answers `data`: what is left stands in `input` or in the engine (`pending`). What is
  /// taken off `input` may be overwritten: TLS 1.2 decrypts records where they lie. REQUIRES: the handshake is complete; max != 0.
  Read read(MutableByteView& input, ByteBuffer& plaintext, std::size_t max, ByteBuffer& output);

  /// Encrypts. Answers how many bytes were taken: all, or none while a renegotiation waits for input (`read` on, then offer the same bytes
  /// again). REQUIRES: the handshake is complete; close_notify was not called.
  Result<std::size_t> write(ByteView plaintext, ByteBuffer& output);

  /// Ends our direction. Does nothing after a failure or a second time.
  void close_notify(ByteBuffer& output);

  /// The transport's stream ended. close_notify if the peer had said so, otherwise failed: connection_lost (truncation).
  Event end_of_stream();

  /// Decrypted bytes that wait for `read` although `input` may be empty.
  [[nodiscard]] std::size_t pending() const;

  /// TLS 1.3: changes our sending key and asks the peer to change its own (RFC 8446 §4.6.3). Does nothing in TLS 1.2.
  void update_keys(ByteBuffer& output);

  /// Server: asks for a certificate now: post-handshake authentication (TLS 1.3, only of a client that offered it) or renegotiation
  /// (TLS 1.2). `read` on; `peer` changes when the answer has come. REQUIRES: late_authentication is allow in the settings. Error:
  /// tls_protocol.
  Result<void> request_certificate(ByteBuffer& output);

  /// The failure. REQUIRES: an event `failed` or an error of `write` was seen.
  [[nodiscard]] const Error& error() const;

  // ---- what an operator will ask; after handshake_complete, and as far as it got after a failure
  // --------------------------------------------

  [[nodiscard]] TlsVersion version() const;
  /// "TLS_AES_128_GCM_SHA256" (IANA name). Static storage.
  [[nodiscard]] std::string_view cipher() const;
  /// "X25519", "P-256", …; empty if unknown. Static storage.
  [[nodiscard]] std::string_view group() const;
  /// Empty if none was agreed. Valid as long as the engine.
  [[nodiscard]] std::string_view alpn() const;
  [[nodiscard]] bool resumed() const;
  /// Client: the server asked for a certificate, in this handshake, in the full handshake that this one resumes, or later.
  [[nodiscard]] bool certificate_requested() const;
  /// Client: false once the server has asked so often (limits::late_requests_max) that a further request would be declined. The connection
  /// should serve no call that might bring one.
  [[nodiscard]] bool answers_late_requests() const;
  /// Client: our certificate was the answer.
  [[nodiscard]] bool certificate_sent() const;
  /// Client: after the handshake the server asked for a certificate, or wanted to renegotiate in order to ask, and late authentication is
  /// off. In TLS 1.2 the connection may go on all the same; the answer tends to be 403. A TLS 1.3 server cannot ask, and this stays false.
  [[nodiscard]] bool late_request_declined() const;
  /// The peer's certificate, as last checked; null if there was none. On a resumed client connection: of the full handshake. On a resumed
  /// server connection: null, tickets do not carry it.
  [[nodiscard]] const std::shared_ptr<const TlsPeer>& peer() const;

  /// Client: a session that the server gave us and that has not been taken yet; call again until it answers nothing. TLS 1.2 sessions come
  /// right after the handshake, TLS 1.3 tickets out of `read`.
  [[nodiscard]] std::optional<TlsSession> take_session();
  [[nodiscard]] bool has_session() const;

  struct Parts;  ///< for the implementation

 private:
  explicit TlsEngine(std::unique_ptr<Parts> parts);

  std::unique_ptr<Parts> parts_;
};

}  // namespace signet::wire
