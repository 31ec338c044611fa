// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include <cstddef>
#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <unordered_map>
#include <unordered_set>
#include <vector>

#include "signet/base/clock.h"
#include "signet/base/endpoint.h"
#include "signet/base/limits.h"
#include "signet/base/result.h"
#include "signet/io/io.h"
#include "signet/io/timer.h"
#include "signet/net/connection.h"
#include "signet/net/refusal_breaker.h"
#include "signet/wire/identity.h"
#include "signet/wire/session_cache.h"

namespace signet::wire {
class TlsContext;
}

namespace signet::net {

/// Limits towards one (endpoint, identity), per shard.
struct PoolLimits {
  std::uint32_t connections_max = limits::pool_connections_max;
  std::uint32_t waiting_max = limits::pool_waiting_max;
  std::uint32_t idle_max = limits::pool_idle_max;
  Duration idle_timeout = limits::pool_idle_timeout;
  Duration connect_timeout = limits::connect_timeout;  ///< TCP and TLS together
};

/// What may serve a call.
enum class Lease : std::uint8_t {
  any,
  fresh,  ///< a connection that becomes usable while the call waits, and no idle one: that might be dead, too
};

/// Where a call goes, and as whom.
struct PoolKey {
  Endpoint endpoint;
  wire::IdentityKey identity;  ///< all zero: plain TCP, nobody

  friend bool operator==(const PoolKey&, const PoolKey&) = default;
};

struct PoolKeyHash {
  [[nodiscard]] std::size_t operator()(const PoolKey& key) const noexcept;
};

class Bucket;
class BucketTable;
class SessionDepot;

/// The connections to back ends of one shard.
///
/// The promise of the whole program rests on one rule here: a connection is filed under the endpoint and the identity key that it was
/// opened with, and is handed only to a call that asks for exactly these. TLS sessions follow the same rule (wire/session_cache.h). Nothing
/// looks a connection up by anything less.
///
/// Identities go out of use (`retain`) while calls are on their way. From then on nothing is leased under them, whatever snapshot a call
/// started with: calls that ask or wait hear identity_retired and start again in the configuration in force; a connection that is lent out
/// is closed when it comes back.
///
/// A caller that finds no idle connection waits; the first connection that becomes free or opens serves the first that waits, so a call
/// never pays for a handshake while an older connection returns.
class ConnectionPool {
 public:
  using Counters = ConnectionCounters;

  /// `depot` gives and takes TLS sessions that this shard lacks or does not need; it must outlive the pool. nullptr: there is none.
  explicit ConnectionPool(io::Io& io, SessionDepot* depot = nullptr);
  ConnectionPool(const ConnectionPool&) = delete;
  ConnectionPool& operator=(const ConnectionPool&) = delete;
  /// REQUIRES: `connections() == 0`, nobody waits.
  ~ConnectionPool();

  /// An idle connection at once; otherwise nullptr, and `user` hears on_lease_ready or on_lease_failed later, from the loop. `identity` is
  /// nullptr for a plain back end. What `user` was given it must `release`. Errors: overload (too many wait), identity_retired,
  /// identity_suspended (refused too often, see RefusalBreaker).
  [[nodiscard]] Result<Connection*> lease(const Endpoint& endpoint, const std::shared_ptr<const wire::Identity>& identity,
                                          const PoolLimits& limits, LeaseUser& user, Lease from = Lease::any);

  /// `user` no longer waits. A connection that was being opened for it goes on and becomes idle.
  void cancel(LeaseUser& user);

  /// True if a call to `endpoint` under `identity` would not have to open a connection.
  [[nodiscard]] bool has_idle(const Endpoint& endpoint, const wire::IdentityKey& identity) const;

  /// What an identity that went out of use left behind.
  struct Retired {
    std::size_t idle = 0;    ///< connections that were closed at once
    std::size_t leased = 0;  ///< connections that still serve a call and end with it
  };

  /// Only these identities (and plain TCP) are in use from now on, until the next call: the others' idle connections are closed, their
  /// sessions forgotten, and calls that wait for one of their connections hear identity_retired. Before the first call all are.
  Retired retain(const std::vector<wire::IdentityKey>& keys);

  /// Gives up the connections of every (endpoint, identity) of which `concerned` is true of one connection: those at rest at once, those
  /// that are lent out when they come back. What is being opened is new, and stays.
  Retired recycle(const std::function<bool(const Connection&)>& concerned);

  /// Closes what is idle and, from now on, what is returned. `drained` is called once, from the loop, when no connection is left.
  void drain(std::function<void()> drained);

  /// After `drain`: cuts off what is still being opened or closed. REQUIRES: nothing is lent out, nobody waits.
  void abort();

  [[nodiscard]] std::size_t connections() const { return connections_; }
  [[nodiscard]] const Counters& counters() const { return counters_; }
  /// TLS contexts that were ever made: one for each identity that is used, for as long as that is retained.
  [[nodiscard]] std::uint64_t contexts_made() const { return contexts_made_; }
  /// TLS sessions that this shard keeps for itself.
  [[nodiscard]] std::size_t sessions() const { return sessions_.size(); }
  /// Those that are being opened or closed among them.
  void for_each_connection(const std::function<void(const Connection&)>& visit) const;

 private:
  friend class Connection;
  friend class Bucket;

  Result<std::shared_ptr<wire::TlsContext>> context(const std::shared_ptr<const wire::Identity>& identity);
  [[nodiscard]] bool retained(const wire::IdentityKey& key) const;
  [[nodiscard]] static Error retired_error();
  [[nodiscard]] bool may_connect(const PoolKey& key);
  [[nodiscard]] bool is_suspended(const PoolKey& key) const;
  [[nodiscard]] Error suspended_error(const PoolKey& key) const;
  /// True if no further attempt is made for now.
  bool note_refused(const PoolKey& key);
  void note_accepted(const PoolKey& key);

  io::Io& io_;
  SessionDepot* depot_;
  const std::unique_ptr<BucketTable> buckets_;
  std::unordered_map<wire::IdentityKey, std::shared_ptr<wire::TlsContext>, wire::IdentityKeyHash> contexts_;
  std::optional<std::unordered_set<wire::IdentityKey, wire::IdentityKeyHash>> retained_;  ///< nothing: all
  std::unordered_map<PoolKey, RefusalBreaker, PoolKeyHash> breakers_;                     ///< of those with refusals since the last success
  wire::SessionCache sessions_;
  Counters counters_;
  std::uint64_t contexts_made_ = 0;
  std::size_t connections_ = 0;
  std::uint64_t connection_number_ = 0;
  void check_drained();
  void on_drained();

  std::function<void()> drained_;
  io::Deferred<ConnectionPool, &ConnectionPool::on_drained> drained_deferred_{this};
  bool draining_ = false;
};

}  // namespace signet::net
