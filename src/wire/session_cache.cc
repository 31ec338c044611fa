// SPDX-License-Identifier: GPL-3.0-or-later
#include "signet/wire/session_cache.h"

#include <utility>

namespace signet::wire {

std::optional<TlsSession> SessionCache::take(const Endpoint& endpoint, const IdentityKey& key, WallTime now) {
  const auto found = index_.find(Key{endpoint, key});
  if (found == index_.end()) {
    return std::nullopt;
  }
  const auto entry = found->second;
  std::erase_if(entry->sessions, [now](const TlsSession& session) { return session.expires_at() <= now; });
  if (entry->sessions.empty()) {
    drop(entry);
    return std::nullopt;
  }
  entries_.splice(entries_.begin(), entries_, entry);
  TlsSession& newest = entry->sessions.back();
  if (!newest.single_use()) {
    return newest.copy();
  }
  std::optional<TlsSession> session = std::move(newest);
  entry->sessions.pop_back();
  if (entry->sessions.empty()) {
    drop(entry);
  }
  return session;
}

void SessionCache::put(const Endpoint& endpoint, TlsSession session) {
  if (limits_.entries_max == 0 || limits_.sessions_per_entry_max == 0) {
    return;
  }
  Key key{endpoint, session.identity_key()};
  auto found = index_.find(key);
  if (found == index_.end()) {
    if (entries_.size() >= limits_.entries_max) {
      drop(std::prev(entries_.end()));
    }
    entries_.push_front(Entry{.key = key, .sessions = {}});
    found = index_.emplace(std::move(key), entries_.begin()).first;
  } else {
    entries_.splice(entries_.begin(), entries_, found->second);
  }
  std::vector<TlsSession>& sessions = found->second->sessions;
  if (!session.single_use()) {
    sessions.clear();
  } else if (sessions.size() >= limits_.sessions_per_entry_max) {
    sessions.erase(sessions.begin());
  }
  sessions.push_back(std::move(session));
}

void SessionCache::forget(const Endpoint& endpoint, const IdentityKey& key) {
  if (const auto found = index_.find(Key{endpoint, key}); found != index_.end()) {
    drop(found->second);
  }
}

std::size_t SessionCache::purge_if(const std::function<bool(const IdentityKey&)>& retired) {
  std::size_t count = 0;
  for (auto entry = entries_.begin(); entry != entries_.end();) {
    const auto next = std::next(entry);
    if (retired(entry->key.identity)) {
      count += entry->sessions.size();
      drop(entry);
    }
    entry = next;
  }
  return count;
}

std::size_t SessionCache::size() const {
  std::size_t count = 0;
  for (const Entry& entry : entries_) {
    count += entry.sessions.size();
  }
  return count;
}

std::size_t SessionCache::size(const Endpoint& endpoint, const IdentityKey& key) const {
  const auto found = index_.find(Key{endpoint, key});
  return found == index_.end() ? 0 : found->second->sessions.size();
}

void SessionCache::drop(Entries::iterator entry) {
  index_.erase(entry->key);
  entries_.erase(entry);
}

}  // namespace signet::wire
