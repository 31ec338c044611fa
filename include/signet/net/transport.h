// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>

#include "signet/base/byte_buffer.h"
#include "signet/base/clock.h"
#include "signet/base/result.h"
#include "signet/io/io.h"
#include "signet/io/operation.h"
#include "signet/io/timer.h"
#include "signet/wire/tls_engine.h"

namespace signet::net {

/// Whom a Transport tells what happens. Called from the loop only, never from inside a call to the Transport.
class TransportOwner {
 public:
  /// TLS handshake done. Never called on a plain transport.
  virtual void on_transport_open() = 0;
  /// Bytes arrived. The owner takes them from the front of `data`; what it leaves is kept, and reading stops until `resume`. The bytes are
  /// valid during the call.
  virtual void on_transport_data(ByteView& data) = 0;
  /// A TLS session that can be taken out of `tls()`: the server's tickets come behind the handshake, with or without data.
  virtual void on_transport_session() {}
  /// The peer will send no more (FIN; over TLS, close_notify). Everything before it has been delivered and taken. Sending still works.
  virtual void on_transport_end() = 0;
  /// The queue has fallen below the low-water mark after it stood above the high-water mark.
  virtual void on_transport_drained() = 0;
  /// What is sent from now on is dropped: the peer does not take it any more. By default, reading goes on: it may have said why.
  virtual void on_transport_send_failed() {}
  /// The connection is of no more use. `on_transport_closed` follows without a call to `close`.
  virtual void on_transport_failed(Error error) = 0;
  /// No operation is active and the descriptor is closed: the Transport may be destroyed, or started anew. The last event.
  virtual void on_transport_closed() = 0;

 protected:
  ~TransportOwner() = default;
};

/// How a connection ends.
enum class Close : std::uint8_t {
  /// Send what is queued and close_notify, close.
  flush,
  /// As `flush`, then FIN, and what the peer still sends is read and dropped for a moment: closing with unread bytes would make the kernel
  /// answer
  /// with RST, which can destroy our last answer on its way (RFC 9112 §9.6).
  linger,
  /// Drop what is queued, close at once. The peer sees a reset: it must not take what it got for all (RFC 9112 §8).
  abort,
};

/// One connection, plain or TLS, as two queues of bytes: one receive and one send are in flight at most.
///
///     start ──► [handshake] ──► open ──► closing (flush, linger) ──► joining (operations end) ──► on_transport_closed
///
/// Backpressure: the owner stops taking data when the other side is `congested`, and calls `resume` when it has drained. A send that fails
/// does not end the transport: what the peer sent before it went away is still read (a back end may refuse a body with an answer and
/// close); later output is dropped. Lives on one shard. Destroy only before `start` or after `on_transport_closed`.
class Transport {
 public:
  Transport(io::Io& io, TransportOwner& owner);
  Transport(const Transport&) = delete;
  Transport& operator=(const Transport&) = delete;
  ~Transport();

  /// Takes over a connected descriptor and starts to read. With an engine, the handshake runs first.
  void start(io::Descriptor descriptor, std::optional<wire::TlsEngine> tls = std::nullopt);

  /// Append here, then `flush`. Before the handshake is done, and after a failed send, it only grows or is dropped; check `congested`.
  [[nodiscard]] ByteBuffer& output() { return output_; }
  void flush();
  /// Appends `bytes` to `to`, inside `on_transport_data`, of whose data they are a part. Where they are the end of it, many, and `to` is
  /// empty, the block that they lie in changes hands, and nothing is copied.
  void hand_over(ByteView bytes, ByteBuffer& to);
  /// More is queued than a fast peer would leave: stop producing until `on_transport_drained`.
  [[nodiscard]] bool congested();

  /// Go on delivering after `on_transport_data` left bytes. The owner is called later in this turn, never inside.
  void resume();

  /// What is sent from now on is watched: should the peer's end come before any byte of an answer, the owner hears of it when it is known
  /// whether the peer has taken anything, at most limits::transport_doubt_max later. REQUIRES: nothing is queued.
  void watch_delivery() {
    watched_from_ = submitted_bytes_ + encrypted_.size();
    doubt_begun_ = {};
  }
  /// The peer has ended in good order as far as TCP goes: by FIN or close_notify, not by a reset.
  [[nodiscard]] bool peer_ended() const { return ended_ && !reset_; }
  /// It is certain that nothing sent since `watch_delivery` was taken. After the peer's end, before `on_transport_closed`. A system call.
  [[nodiscard]] bool nothing_taken() const;

  /// REQUIRES: started. Later calls may only be harsher (flush → linger → abort). No event but `on_transport_closed` follows.
  void close(Close how);

  [[nodiscard]] bool started() const { return stage_ != Stage::unstarted; }
  [[nodiscard]] bool open() const { return stage_ == Stage::open; }
  [[nodiscard]] io::Descriptor descriptor() const { return descriptor_; }
  /// nullptr on a plain transport.
  [[nodiscard]] const wire::TlsEngine* tls() const { return tls_ ? &*tls_ : nullptr; }
  [[nodiscard]] wire::TlsEngine* tls() { return tls_ ? &*tls_ : nullptr; }
  /// Nothing is queued and both directions are open: the connection may rest in a pool.
  [[nodiscard]] bool quiet() const;

 private:
  static constexpr std::uint64_t unwatched = UINT64_MAX;
  enum class Stage : std::uint8_t { unstarted, handshake, open, closing, lingering, joining };

  void on_received(io::Completion& completion);
  void on_sent(io::Completion& completion);
  void on_deferred();
  void on_close_timeout();

  void deliver();
  bool deliver_plain();
  bool deliver_tls();
  bool handshake(MutableByteView& rest);
  bool read_records(MutableByteView& rest);
  bool deliver_decrypted();
  void end_of_stream();
  void deliver_end();
  [[nodiscard]] bool in_doubt();
  [[nodiscard]] MutableByteView received() { return held_.empty() ? input_.bytes() : held_.mutable_view(); }
  void take_received(std::size_t size);
  void arm_receive();
  bool seal();
  void start_send();
  void drop_output();
  void fail(Error error);
  void all_sent();
  void join();
  void finish();
  [[nodiscard]] std::size_t queued_bytes() const;
  void discard_received(const io::Completion& completion);
  [[nodiscard]] bool active() const { return stage_ == Stage::handshake || stage_ == Stage::open; }

  io::Io& io_;
  TransportOwner& owner_;
  std::optional<wire::TlsEngine> tls_;
  ByteBuffer output_;     ///< plaintext from the owner
  ByteBuffer encrypted_;  ///< records to send; unused on a plain transport
  ByteBuffer sending_;    ///< what the send in flight points into
  ByteBuffer decrypted_;  ///< plaintext that the owner has not taken
  io::Buffer input_;      ///< received bytes that are not yet decrypted or taken …
  ByteBuffer held_;       ///< … or these: a transport that is paused leaves the Io's buffers to others
  io::Op<Transport, &Transport::on_received> receive_{this};
  io::Op<Transport, &Transport::on_sent> send_{this};
  io::Deferred<Transport, &Transport::on_deferred> deferred_{this};
  io::Timer<Transport, &Transport::on_close_timeout> close_timer_{this};  ///< and of the doubt about what the peer has taken
  std::uint64_t submitted_bytes_ = 0;                                     ///< given to the Io since `start`
  std::uint64_t watched_from_ = unwatched;                                ///< these of them, and more
  TimePoint doubt_begun_{};
  io::Descriptor descriptor_ = -1;
  std::uint32_t discarded_bytes_ = 0;
  std::size_t unsent_answers_bytes_ = 0;  ///< TLS: what reading made us answer since `sending_` was filled
  Stage stage_ = Stage::unstarted;
  Close close_ = Close::flush;
  bool paused_ = false;  ///< the owner left bytes
  bool ended_ = false;   ///< the peer's end of stream was seen
  bool end_told_ = false;
  bool reset_ = false;  ///< a send was, or may have been, told of a reset: a receive that comes later sees an end and no reset
  bool send_broken_ = false;
  bool tls_broken_ = false;
  bool cancelled_ = false;
  bool cut_short_ = false;  ///< not all was sent: the peer must not see an orderly end
  bool congested_ = false;  ///< the owner was told so and waits for on_transport_drained
};

}  // namespace signet::net
