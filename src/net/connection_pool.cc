// SPDX-License-Identifier: GPL-3.0-or-later
#include "signet/net/connection_pool.h"

#include <algorithm>
#include <cstring>
#include <utility>

#include "signet/base/check.h"
#include "signet/wire/tls_context.h"
#include "bucket.h"

namespace signet::net {

std::size_t PoolKeyHash::operator()(const PoolKey& key) const noexcept {
  std::size_t identity = 0;  // its first bytes are as good a hash as any: it is a SHA-256
  std::memcpy(&identity, key.identity.bytes.data(), sizeof(identity));
  return EndpointHash{}(key.endpoint) ^ identity;
}

ConnectionPool::ConnectionPool(io::Io& io) : io_(io), sessions_({.entries_max = limits::sessions_max}) {}

ConnectionPool::~ConnectionPool() {
  SIGNET_CHECK(connections_ == 0);
}

Result<Connection*> ConnectionPool::lease(const Endpoint& endpoint, const std::shared_ptr<const wire::Identity>& identity,
                                          const PoolLimits& limits, LeaseUser& user, Lease from) {
  const PoolKey key{.endpoint = endpoint, .identity = identity ? identity->key() : wire::IdentityKey{}};
  auto found = buckets_.find(key);
  if (found == buckets_.end()) {
    found = buckets_.emplace(key, std::make_unique<Bucket>(*this, key, identity)).first;
  }
  return found->second->lease(user, limits, from);
}

void ConnectionPool::cancel(LeaseUser& user) {
  if (user.waiting_in_ != nullptr) {
    user.waiting_in_->cancel(user);
  }
}

bool ConnectionPool::has_idle(const Endpoint& endpoint, const wire::IdentityKey& identity) const {
  const auto found = buckets_.find(PoolKey{.endpoint = endpoint, .identity = identity});
  return found != buckets_.end() && found->second->has_idle();
}

Result<std::shared_ptr<wire::TlsContext>> ConnectionPool::context(const std::shared_ptr<const wire::Identity>& identity) {
  const auto found = std::find_if(contexts_.begin(), contexts_.end(), [&](const auto& entry) { return entry.first == identity->key(); });
  if (found != contexts_.end()) {
    return found->second;
  }
  Result<std::shared_ptr<wire::TlsContext>> made = wire::TlsContext::client(identity);
  if (!made) {
    return std::unexpected(std::move(made.error()));
  }
  return contexts_.emplace_back(identity->key(), std::move(*made)).second;
}

std::size_t ConnectionPool::retain(const std::vector<wire::IdentityKey>& keys) {
  const auto retained = [&keys](const wire::IdentityKey& key) {
    return key == wire::IdentityKey{} || std::find(keys.begin(), keys.end(), key) != keys.end();
  };
  std::size_t closed = 0;
  for (auto& [key, bucket] : buckets_) {
    bucket->set_retired(!retained(key.identity));
    if (bucket->retired()) {
      closed += bucket->close_idle();
      sessions_.purge(key.identity);
    }
  }
  std::erase_if(contexts_, [&](const auto& entry) { return !retained(entry.first); });
  return closed;
}

void ConnectionPool::drain(std::function<void()> drained) {
  draining_ = true;
  drained_ = std::move(drained);
  for (auto& [key, bucket] : buckets_) {
    bucket->close_idle();
    bucket->abandon_attempts();
  }
  check_drained();
}

void ConnectionPool::abort() {
  for (auto& [key, bucket] : buckets_) {
    bucket->abort();
  }
}

void ConnectionPool::check_drained() {
  if (drained_ && connections_ == 0) {
    io_.defer(drained_deferred_);
  }
}

void ConnectionPool::on_drained() {
  if (drained_ && connections_ == 0) {
    std::exchange(drained_, nullptr)();
  }
}

}  // namespace signet::net
