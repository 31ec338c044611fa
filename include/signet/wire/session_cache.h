// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include <cstddef>
#include <functional>
#include <list>
#include <optional>
#include <unordered_map>
#include <vector>

#include "signet/base/clock.h"
#include "signet/base/endpoint.h"
#include "signet/wire/identity.h"
#include "signet/wire/tls_session.h"

namespace signet::wire {

struct SessionCacheLimits {
  /// Pairs of endpoint and identity key that are remembered; the least recently used goes first.
  std::size_t entries_max = 1024;
  /// Sessions per pair: a burst of connections to one back end may resume as many times.
  std::size_t sessions_per_entry_max = 8;
};

/// The TLS sessions that a shard may resume, by endpoint and identity key. The only cache there is: wolfSSL's own is off. Stays on one
/// thread.
class SessionCache {
 public:
  explicit SessionCache(SessionCacheLimits limits = {}) : limits_(limits) {}

  /// The newest session that has not expired. A TLS 1.3 ticket leaves the cache with it; of a TLS 1.2 session a copy is given.
  [[nodiscard]] std::optional<TlsSession> take(const Endpoint& endpoint, const IdentityKey& key, WallTime now);

  /// Filed under the session's own identity key. A TLS 1.2 session replaces what is there: it is as good as any number of them.
  void put(const Endpoint& endpoint, TlsSession session);

  /// After a resumption failed: forgets every session of the pair.
  void forget(const Endpoint& endpoint, const IdentityKey& key);

  /// Identities are retired, those for which `retired` answers true: none of their sessions will be offered again. Answers how many there
  /// were.
  std::size_t purge_if(const std::function<bool(const IdentityKey&)>& retired);

  [[nodiscard]] std::size_t size() const;
  /// Sessions of one pair, expired ones among them.
  [[nodiscard]] std::size_t size(const Endpoint& endpoint, const IdentityKey& key) const;

 private:
  struct Key {
    Endpoint endpoint;
    IdentityKey identity;
    friend bool operator==(const Key&, const Key&) = default;
  };
  struct KeyHash {
    [[nodiscard]] std::size_t operator()(const Key& key) const noexcept {
      return EndpointHash{}(key.endpoint) ^ IdentityKeyHash {}(key.identity);
    }
  };
  struct Entry {
    Key key;
    std::vector<TlsSession> sessions;  ///< oldest first
  };
  using Entries = std::list<Entry>;

  void drop(Entries::iterator entry);

  SessionCacheLimits limits_;
  Entries entries_;  ///< most recently used first
  std::unordered_map<Key, Entries::iterator, KeyHash> index_;
};

}  // namespace signet::wire
