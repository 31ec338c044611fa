// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>

#include "signet/base/endpoint.h"
#include "signet/base/result.h"
#include "signet/io/io.h"
#include "signet/net/connection_counters.h"
#include "signet/net/transport.h"
#include "signet/wire/identity.h"

namespace signet::net {

class Bucket;
class Connection;

/// A call that waits for, and then holds, a connection to a back end. Called from the loop only, never from inside a call to the pool or
/// the connection.
class LeaseUser {
 public:
  virtual void on_lease_ready(Connection& connection) = 0;
  virtual void on_lease_failed(Error error) = 0;

  /// As TransportOwner. After on_backend_failed the connection is gone: do not release it.
  virtual void on_backend_data(ByteView& data) = 0;
  virtual void on_backend_end() = 0;
  virtual void on_backend_drained() = 0;
  virtual void on_backend_failed(Error error) = 0;

 protected:
  virtual ~LeaseUser();

  /// Of the back end that it calls: grows with the connections that are opened for it and lent to it, which hold it too. Set it before the
  /// lease; nullptr: only the pool's own counters grow.
  std::shared_ptr<ConnectionCounters> counters_;

 private:
  friend class Bucket;
  friend class Connection;
  friend class ConnectionPool;
  Bucket* waiting_in_ = nullptr;
  LeaseUser* waiting_next_ = nullptr;
  bool waiting_for_fresh_ = false;
};

/// May the connection serve another call?
enum class Reuse : std::uint8_t {
  no,              ///< it is cut off
  no_flush_first,  ///< what is queued towards the back end is still sent
  yes,
};

/// For whom a connection is kept between two calls (see Connection::keep_for).
class Keeper {
 public:
  /// The connection has ended, or is about to: forget it. From the loop, and out of `Connection::keep_for` when it cannot be kept.
  virtual void on_kept_gone() = 0;

 protected:
  ~Keeper() = default;
};

/// One connection to a back end, owned by the pool, lent to one call at a time.
///
///     connecting ──► handshake ──► idle ⇄ leased (returned) ──► closing
///        │              │                   ⇅                    ▲
///        │              │                  kept                  │
///        └──────────────┴────────────────────────────────────────┘
///
/// A connection that was kept once, for one caller, never becomes idle: no other caller may get it.
///
class Connection final : public TransportOwner {
 public:
  Connection(const Connection&) = delete;
  Connection& operator=(const Connection&) = delete;
  ~Connection();

  /// The queue towards the back end; see Transport. REQUIRES: leased.
  [[nodiscard]] ByteBuffer& output() { return transport_.output(); }
  void flush() { transport_.flush(); }
  void hand_over(ByteView bytes, ByteBuffer& to) { transport_.hand_over(bytes, to); }
  [[nodiscard]] bool congested() { return transport_.congested(); }
  void resume() { transport_.resume(); }

  /// See Transport. What `watch_delivery` asks for holds for this lease.
  void watch_delivery() { transport_.watch_delivery(); }
  [[nodiscard]] bool peer_ended() const { return transport_.peer_ended(); }
  [[nodiscard]] bool nothing_taken() const { return transport_.nothing_taken(); }
  /// The back end says that it keeps the connection this long after its last answer. It is given up a moment earlier.
  void announce_idle_timeout(Duration timeout);

  /// Gives the connection back. With Reuse::yes it becomes idle if it is quiet, else it is closed.
  void release(Reuse reuse);

  /// Gives it back for the next call of `keeper` only. It ends, and `keeper` is told, when the back end ends it or says something that
  /// nobody asked for, after the pool's idle timeout, and when its identity is retired or the pool drained. REQUIRES: leased; `keeper`
  /// outlives it, or calls `let_go`.
  void keep_for(Keeper& keeper);
  /// Lends it again. REQUIRES: kept.
  void take(LeaseUser& user);
  /// Nobody will take it. REQUIRES: kept.
  void let_go();

  /// True when an earlier call was served on it: the back end may have closed it while the new call was on its way.
  [[nodiscard]] bool reused() const { return leases_ > 1; }
  [[nodiscard]] const Endpoint& endpoint() const;
  /// All zero on a plain connection.
  [[nodiscard]] const wire::IdentityKey& identity_key() const;
  /// It was kept for a caller before.
  [[nodiscard]] bool was_kept() const { return was_kept_; }
  /// nullptr on a plain connection.
  [[nodiscard]] const wire::TlsEngine* tls() const { return transport_.tls(); }
  [[nodiscard]] bool idle() const { return stage_ == Stage::idle; }
  /// Of the call that it was opened for, or last lent to; may be nullptr. See LeaseUser.
  [[nodiscard]] const ConnectionCounters* counters() const { return counters_.get(); }
  /// Has it, or another one to this endpoint under this identity, been lent to a call with these counters? Any of them may be the next to
  /// serve such a call, whoever had it last.
  [[nodiscard]] bool may_serve(const ConnectionCounters* counters) const;
  /// Number of the connection on its shard, for logs.
  [[nodiscard]] std::uint64_t number() const { return number_; }

 private:
  friend class Bucket;
  enum class Stage : std::uint8_t { connecting, handshake, idle, leased, returned, kept, closing };

  Connection(Bucket& bucket, std::uint64_t number);
  [[nodiscard]] bool leased() const { return stage_ == Stage::leased; }
  void connect();
  void connected(io::Descriptor descriptor);
  void usable();
  void abandon();
  void abort();
  void lend(LeaseUser& user);
  void close(Close how);
  void attempt_failed(Error error);
  [[nodiscard]] std::optional<wire::TlsSession> take_session();
  void keep_sessions();
  void keep_session(wire::TlsSession session);
  void forget_sessions();
  [[nodiscard]] bool session_may_be_to_blame(const Error& error) const;
  void count(std::uint64_t ConnectionCounters::* what);
  void count_failure(const Error& error);
  void settle(bool data_left);
  void end_rest(Close how);
  void stop_resting();
  bool end_if_resting();
  [[nodiscard]] bool is_kept() const { return stage_ == Stage::kept; }
  void forget_keeper();
  [[nodiscard]] Result<wire::TlsEngine> make_engine();

  void on_connected(io::Completion& completion);
  void on_timeout();
  void on_transport_open() override;
  void on_transport_data(ByteView& data) override;
  void on_transport_session() override { keep_sessions(); }
  void on_transport_end() override;
  void on_transport_drained() override;
  void on_transport_failed(Error error) override;
  void on_transport_closed() override;

  Bucket& bucket_;
  LeaseUser* user_ = nullptr;
  std::shared_ptr<ConnectionCounters> counters_;
  Keeper* keeper_ = nullptr;  ///< while kept
  Transport transport_;
  io::Op<Connection, &Connection::on_connected> connect_{this};
  io::Timer<Connection, &Connection::on_timeout> timeout_{this};  ///< of the attempt, then of idleness
  Duration idle_announced_ = Duration::max();                     ///< that the back end allows
  std::uint64_t number_;
  std::uint32_t leases_ = 0;
  std::uint32_t idle_index_ = 0;
  std::uint32_t index_ = 0;  ///< in Bucket::connections_
  Stage stage_ = Stage::connecting;
  bool fresh_ = false;  ///< has become usable in this moment
  bool session_offered_ = false;
  bool sessions_refused_ = false;  ///< the offered session did not work: try again without
  bool attempt_again_ = false;
  bool timed_out_ = false;
  bool accepted_ = false;  ///< the back end has answered: it takes our identity
  bool was_kept_ = false;
  bool last_call_ = false;   ///< given up: does not come to rest any more
  bool delivering_ = false;  ///< inside on_backend_data: a return is settled afterwards
};

}  // namespace signet::net
