// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include <cstddef>
#include <mutex>
#include <optional>
#include <unordered_set>
#include <vector>

#include "signet/base/clock.h"
#include "signet/base/endpoint.h"
#include "signet/base/limits.h"
#include "signet/wire/identity.h"
#include "signet/wire/session_cache.h"
#include "signet/wire/tls_session.h"

namespace signet::net {

/// TLS sessions that a shard has to spare, for the shards that have none: so N shards do not pay N full handshakes. One per process, keyed
/// like the shards' own caches (wire/session_cache.h) by endpoint and identity key. Thread-safe, by one lock that only connections touch
/// that are being opened or have brought new sessions; calls on open connections never do.
///
/// A TLS 1.3 ticket is in one place at any time, and so is offered once by all shards together.
class SessionDepot {
 public:
  explicit SessionDepot(wire::SessionCacheLimits limits = {.entries_max = limits::depot_entries_max,
                                                           .sessions_per_entry_max = limits::depot_sessions_max});
  SessionDepot(const SessionDepot&) = delete;
  SessionDepot& operator=(const SessionDepot&) = delete;
  ~SessionDepot() = default;

  /// As SessionCache.
  [[nodiscard]] std::optional<wire::TlsSession> take(const Endpoint& endpoint, const wire::IdentityKey& key, WallTime now);
  void put(const Endpoint& endpoint, wire::TlsSession session);
  void forget(const Endpoint& endpoint, const wire::IdentityKey& key);

  /// Only these identities are in use from now on, until the next call: the others' sessions are forgotten, and none are taken in, also
  /// from a shard that has yet to hear of it. Call it before the shards do. Before the first call all are. Answers how many sessions were
  /// forgotten.
  std::size_t retain(const std::vector<wire::IdentityKey>& keys);

  [[nodiscard]] std::size_t size() const;

 private:
  mutable std::mutex mutex_;
  wire::SessionCache sessions_;
  std::optional<std::unordered_set<wire::IdentityKey, wire::IdentityKeyHash>> retained_;  ///< nothing: all
};

}  // namespace signet::net
