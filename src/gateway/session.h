// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include <cstdint>
#include <memory>
#include <string_view>

#include "signet/base/clock.h"
#include "signet/base/endpoint.h"
#include "signet/io/io.h"
#include "signet/net/connection.h"
#include "signet/net/transport.h"
#include "signet/wire/tls_context.h"

namespace signet::gateway {

class Exchange;
class Gateway;

/// One caller's connection. Between calls it is nothing but this object: reader, head and buffers belong to the Exchange, which it has only
/// while a call is going on. Pipelined calls are answered one after the other; the bytes of the next wait in the transport.
///
///     [TLS handshake] ──► waiting ──first byte──► in a call ──done──► waiting …  ──► closing
///
/// A back-end connection on which the caller has proved who he is (NTLM, Negotiate) is kept here between his calls, and ends with his
/// connection. There is one at most: the latest.
class Session final : public net::TransportOwner, public net::Keeper {
 public:
  Session(Gateway& gateway, const Endpoint& peer, const Endpoint& local);
  Session(const Session&) = delete;
  Session& operator=(const Session&) = delete;

  /// `tls`: of the listener; null for a plain connection. No byte is taken for HTTP before the handshake is done.
  void start(io::Descriptor descriptor, std::shared_ptr<wire::TlsContext> tls);

  [[nodiscard]] net::Transport& transport() { return transport_; }
  [[nodiscard]] const Endpoint& peer() const { return peer_; }
  [[nodiscard]] const Endpoint& local() const { return local_; }
  /// Does the caller speak TLS with us? From `start` to the end.
  [[nodiscard]] bool over_tls() const { return over_tls_; }
  /// The caller has sent FIN: the call that is going on is answered, then the connection closes.
  [[nodiscard]] bool caller_ended() const { return caller_ended_; }

  /// `connection` serves the next calls of this caller to its back end, and nobody else's. REQUIRES: lent to the call that is ending.
  void keep(net::Connection& connection);
  /// The kept connection, lent to `user`; nullptr if there is none to `endpoint` under `identity`. One under another identity, by which the
  /// endpoint is no longer called, ends.
  [[nodiscard]] net::Connection* take_kept(const Endpoint& endpoint, const wire::IdentityKey& identity, net::LeaseUser& user);
  [[nodiscard]] bool keeps_connection_to(const Endpoint& endpoint) const { return kept_ != nullptr && kept_->endpoint() == endpoint; }

  /// The call is over; its Exchange may be in use for another call as soon as the caller's stack is left.
  enum class Next : std::uint8_t { keep_alive, close, abort };
  void exchange_done(Next next);
  /// The head of a call is complete: the timeouts of the call take over.
  void head_complete() { deadline_ = TimePoint::max(); }

  /// No further call: at once if waiting for one, else after the one that is going on.
  void drain();
  void abort();

 private:
  friend class Gateway;

  void on_transport_open() override;
  void on_transport_data(ByteView& data) override;
  void on_transport_end() override;
  void on_transport_drained() override;
  void on_transport_send_failed() override;
  void on_transport_failed(Error error) override;
  void on_transport_closed() override;
  void on_kept_gone() override { kept_ = nullptr; }
  void on_timer();
  void start_timer();
  void handshake_failed(std::string_view why);

  Gateway& gateway_;
  net::Transport transport_;
  Exchange* exchange_ = nullptr;
  net::Connection* kept_ = nullptr;
  Session* previous_ = nullptr;
  Session* next_ = nullptr;
  Endpoint peer_;
  Endpoint local_;
  /// Of the next head, or of the idle wait for it. The timer is started seldom and looks at this when it fires: a call costs a store, not a
  /// restart.
  TimePoint deadline_ = TimePoint::max();
  TimePoint timer_due_ = TimePoint::max();
  io::Timer<Session, &Session::on_timer> timer_{this};
  bool caller_ended_ = false;
  bool over_tls_ = false;
  bool handshaking_ = false;  ///< and has not failed yet
};

}  // namespace signet::gateway
