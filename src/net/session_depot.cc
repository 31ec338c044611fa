// SPDX-License-Identifier: GPL-3.0-or-later
#include "signet/net/session_depot.h"

#include <utility>

namespace signet::net {

SessionDepot::SessionDepot(wire::SessionCacheLimits limits) : sessions_(limits) {}

std::optional<wire::TlsSession> SessionDepot::take(const Endpoint& endpoint, const wire::IdentityKey& key, WallTime now) {
  const std::scoped_lock lock(mutex_);
  return sessions_.take(endpoint, key, now);
}

void SessionDepot::put(const Endpoint& endpoint, wire::TlsSession session) {
  const std::scoped_lock lock(mutex_);
  if (!retained_ || retained_->contains(session.identity_key())) {
    sessions_.put(endpoint, std::move(session));
  }
}

void SessionDepot::forget(const Endpoint& endpoint, const wire::IdentityKey& key) {
  const std::scoped_lock lock(mutex_);
  sessions_.forget(endpoint, key);
}

std::size_t SessionDepot::retain(const std::vector<wire::IdentityKey>& keys) {
  const std::scoped_lock lock(mutex_);
  retained_.emplace(keys.begin(), keys.end());
  return sessions_.purge_if([this](const wire::IdentityKey& key) { return !retained_->contains(key); });
}

std::size_t SessionDepot::size() const {
  const std::scoped_lock lock(mutex_);
  return sessions_.size();
}

}  // namespace signet::net
