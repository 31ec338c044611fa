// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <vector>

#include "signet/net/connection_pool.h"

namespace signet::net {

/// The connections of one pool key, and the calls that wait for one.
class Bucket {
 public:
  Bucket(ConnectionPool& pool, const PoolKey& key, std::shared_ptr<const wire::Identity> identity);
  Bucket(const Bucket&) = delete;
  Bucket& operator=(const Bucket&) = delete;
  ~Bucket();

  Result<Connection*> lease(LeaseUser& user, const PoolLimits& limits, Lease from);
  void cancel(LeaseUser& user);

  /// A connection became usable, or comes back: to whoever waits, or to rest.
  void put_idle(Connection& connection);
  void remove_idle(Connection& connection);
  /// Hands idle connections to waiting calls, or tells them that there will be none. From the loop only.
  void serve();
  /// An attempt ended without a usable connection: tells the call that has waited longest.
  void attempt_ended(Error error);
  void attempt_succeeded() { --connecting_; }
  /// Destroys `connection`, and this bucket if it was the last.
  void forget(Connection& connection);
  /// Those kept for a caller too. Returns how many.
  std::size_t close_idle();
  /// Those that are lent out do not come to rest. Returns how many.
  std::size_t close_after_call();

  /// Whether the identity is out of use: what comes back is not kept, nor are sessions.
  void set_retired(bool retired);
  [[nodiscard]] bool retired() const { return retired_; }
  /// The back end refused our certificate, or answered a call under it.
  void identity_refused();
  void identity_accepted() { pool_.note_accepted(key_); }
  /// A connection is kept for a caller from now on, or no longer.
  void count_kept() {
    ++kept_;
    if (waiting_ != 0) {
      pool_.io_.defer(deferred_);  // a call that waits comes first
    }
  }
  void uncount_kept() { --kept_; }
  /// Ends attempts to connect that nobody waits for.
  void abandon_attempts();
  /// Cuts off what is being opened or closed.
  void abort();
  /// Of no more use; it would keep its identity alive.
  [[nodiscard]] bool empty() const { return connections_.empty() && waiting_ == 0; }
  [[nodiscard]] bool is_waited_for() const { return waiting_ != 0; }
  /// False once its identity is retired or the pool is being drained: no connection rests here any more.
  [[nodiscard]] bool is_in_use() const { return !retired_ && !pool_.draining_; }
  [[nodiscard]] bool keeps_idle() const { return is_in_use() && idle_.size() < limits_.idle_max; }
  [[nodiscard]] bool has_idle() const { return !idle_.empty(); }
  [[nodiscard]] const std::vector<std::unique_ptr<Connection>>& connections() const { return connections_; }
  /// Of a call that waits. REQUIRES: is_waited_for().
  [[nodiscard]] const std::shared_ptr<ConnectionCounters>& waiting_counters() const { return waiting_last_->counters_; }
  /// Whose calls were lent connections from here.
  void note_user(const ConnectionCounters* user);
  [[nodiscard]] bool has_user(const ConnectionCounters* user) const { return std::ranges::find(users_, user) != users_.end(); }
  /// Connections that serve a call.
  [[nodiscard]] std::size_t leased() const;
  [[nodiscard]] const PoolKey& key() const { return key_; }
  [[nodiscard]] const wire::Identity* identity() const { return identity_.get(); }
  [[nodiscard]] const PoolLimits& limits() const { return limits_; }
  [[nodiscard]] ConnectionPool& pool() { return pool_; }
  [[nodiscard]] io::Io& io() { return pool_.io_; }

  /// The TLS context of this identity on this shard.
  [[nodiscard]] Result<std::shared_ptr<wire::TlsContext>> context() { return pool_.context(identity_); }
  [[nodiscard]] wire::SessionCache& sessions() { return pool_.sessions_; }
  [[nodiscard]] ConnectionPool::Counters& counters() { return pool_.counters_; }

 private:
  void on_deferred();
  void open_more();
  void make_room();
  void add_waiting(LeaseUser& user, Lease from);
  LeaseUser* take_waiting(LeaseUser* before);
  LeaseUser* take_waiting_for(const Connection& connection);
  void fail_waiting();

  // What every call needs stands first.
  ConnectionPool& pool_;
  PoolKey key_;
  bool retired_ = false;
  bool suspended_ = false;         ///< calls that wait have to be told that the identity is not shown for a while
  std::vector<Connection*> idle_;  ///< last used last: the warmest is taken first, the others run into their idle timeout
  std::uint32_t waiting_ = 0;
  std::uint32_t waiting_for_fresh_ = 0;  ///< of these; they stand first
  PoolLimits limits_;
  std::uint32_t connecting_ = 0;
  std::uint32_t kept_ = 0;  ///< connections that wait for their caller's next call
  std::shared_ptr<const wire::Identity> identity_;
  std::vector<std::unique_ptr<Connection>> connections_;
  std::vector<const ConnectionCounters*> users_;  ///< only compared: they may be gone
  LeaseUser* waiting_first_ = nullptr;
  LeaseUser* waiting_last_ = nullptr;
  io::Deferred<Bucket, &Bucket::on_deferred> deferred_{this};
};

}  // namespace signet::net
