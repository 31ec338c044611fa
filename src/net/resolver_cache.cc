// SPDX-License-Identifier: GPL-3.0-or-later
#include <fmt/core.h>

#include <algorithm>
#include <mutex>
#include <optional>
#include <utility>

#include "signet/base/check.h"
#include "signet/net/resolver.h"

namespace signet::net {

/// How an answer finds its way from the resolver's thread to a cache that may be gone by then, and its shard with it.
struct ResolverCache::Link {
  std::mutex mutex;
  io::Io* io;            ///< guarded by mutex; null when the cache is gone
  ResolverCache* cache;  ///< touched on the shard only; null when the cache is gone
};

std::size_t ResolverCache::KeyHash::operator()(const KeyView& key) const noexcept {
  return std::hash<std::string_view>{}(key.host) ^ (std::size_t{key.port} * 0x9e3779b97f4a7c15);
}

ResolverCache::ResolverCache(io::Io& io, Resolver* resolver, std::size_t entries_max)
    : io_(io), resolver_(resolver), entries_max_(entries_max), link_(std::make_shared<Link>()) {
  link_->io = &io;
  link_->cache = this;
}

ResolverCache::~ResolverCache() {
  SIGNET_CHECK(failing_.empty());
  for (const auto& [key, entry] : entries_) {
    SIGNET_CHECK(entry.waiting.empty());
  }
  link_->cache = nullptr;
  const std::scoped_lock lock(link_->mutex);
  link_->io = nullptr;
}

// ---- asking
// ------------------------------------------------------------------------------------------------------------------------------------

std::shared_ptr<const Resolution> ResolverCache::find(std::string_view host, std::uint16_t port, Waiter& waiter) {
  SIGNET_CHECK(!waiter.linked());
  if (const std::optional<Endpoint> literal = parse_address(host, port)) {
    return std::make_shared<const Resolution>(Resolution{.endpoints = {*literal}});
  }
  const auto refuse = [&](ErrorKind kind, std::string reason) {
    fail_later(waiter, std::make_shared<const Error>(Error{.kind = kind, .origin = Origin::internal, .detail = std::move(reason)}));
    return nullptr;
  };
  if (resolver_ == nullptr) {
    return refuse(ErrorKind::dns_failure, fmt::format("resolve {}: names are not resolved here", host));
  }
  const KeyView view{.host = host, .port = port};
  auto found = entries_.find(view);
  if (found == entries_.end()) {
    if (entries_.size() >= entries_max_ && !make_room()) {
      return refuse(ErrorKind::overload, fmt::format("resolve {}: {} names are being resolved already", host, entries_.size()));
    }
    found = entries_.try_emplace(Key{.host = std::string(host), .port = port}).first;
  }
  auto& [key, entry] = *found;
  const TimePoint now = io_.now();
  entry.used = now;
  const bool fresh = now < entry.fresh_until;
  if (!fresh && !entry.asking) {
    ask(key, entry);
  }
  if (entry.resolution != nullptr && now < entry.stale_until) {
    return entry.resolution;
  }
  if (fresh) {
    fail_later(waiter, entry.failure);
  } else {
    entry.waiting.push_back(waiter);
  }
  return nullptr;
}

void ResolverCache::cancel(Waiter& waiter) {
  waiter.failure_ = nullptr;
  if (waiter.linked()) {
    waiter.unlink();
  }
}

/// Drops the name that was not used for longest. False when all are being asked for.
bool ResolverCache::make_room() {
  auto oldest = entries_.end();
  for (auto at = entries_.begin(); at != entries_.end(); ++at) {
    if (!at->second.asking && (oldest == entries_.end() || at->second.used < oldest->second.used)) {
      oldest = at;
    }
  }
  if (oldest == entries_.end()) {
    return false;
  }
  entries_.erase(oldest);
  return true;
}

void ResolverCache::ask(const Key& key, Entry& entry) {
  entry.asking = true;
  resolver_->resolve(key.host, [link = link_, key](Resolver::Lookup lookup) {
    const std::scoped_lock lock(link->mutex);
    if (link->io == nullptr) {
      return;
    }
    link->io->post([link, key, lookup = std::move(lookup)]() mutable {
      if (link->cache != nullptr) {
        link->cache->on_answer(key, std::move(lookup));
      }
    });
  });
}

// ---- answering
// ---------------------------------------------------------------------------------------------------------------------------------

void ResolverCache::on_answer(const Key& key, Resolver::Lookup lookup) {
  const auto found = entries_.find(key);
  SIGNET_CHECK(found != entries_.end() && found->second.asking);  // such an entry is not dropped
  Entry& entry = found->second;
  const TimePoint now = io_.now();
  entry.asking = false;
  switch (lookup.outcome) {
    case Resolver::Outcome::found: {
      for (Endpoint& endpoint : lookup.endpoints) {
        endpoint.port = key.port;
      }
      entry.fresh_until = now + std::clamp(lookup.ttl, limits::resolve_ttl_min, limits::resolve_ttl_max);
      entry.stale_until = entry.fresh_until + limits::resolve_stale_max;
      entry.failure = nullptr;
      if (entry.resolution == nullptr || entry.resolution->endpoints != lookup.endpoints) {
        entry.resolution = std::make_shared<const Resolution>(Resolution{.endpoints = std::move(lookup.endpoints)});
      }
      break;
    }
    case Resolver::Outcome::not_found:
      entry.resolution = nullptr;
      entry.fresh_until = now + limits::resolve_not_found_ttl;
      entry.failure = std::make_shared<const Error>(std::move(lookup.error));
      break;
    case Resolver::Outcome::failed:
      entry.fresh_until = now + limits::resolve_failure_ttl;
      entry.failure = std::make_shared<const Error>(std::move(lookup.error));
      break;
  }
  io::NodeList waiting;
  waiting.take_all(entry.waiting);
  tell(waiting, now < entry.stale_until ? entry.resolution : nullptr, entry.failure);
}

/// The entry that they waited for may be dropped meanwhile, and each of them may take others from the list.
void ResolverCache::tell(io::NodeList& waiting, std::shared_ptr<const Resolution> resolution, std::shared_ptr<const Error> failure) {
  while (!waiting.empty()) {
    auto& waiter = static_cast<Waiter&>(waiting.pop_front());
    if (resolution != nullptr) {
      waiter.on_resolved(resolution);
    } else {
      waiter.on_resolve_failed(*failure);
    }
  }
}

void ResolverCache::fail_later(Waiter& waiter, std::shared_ptr<const Error> failure) {
  waiter.failure_ = std::move(failure);
  failing_.push_back(waiter);
  io_.defer(failing_deferred_);
}

void ResolverCache::fail_waiting() {
  io::NodeList waiting;
  waiting.take_all(failing_);
  while (!waiting.empty()) {
    auto& waiter = static_cast<Waiter&>(waiting.pop_front());
    waiter.on_resolve_failed(*std::exchange(waiter.failure_, nullptr));
  }
}

}  // namespace signet::net
