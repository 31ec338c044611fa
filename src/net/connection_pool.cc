// SPDX-License-Identifier: GPL-3.0-or-later
#include "signet/net/connection_pool.h"

#include <fmt/core.h>

#include <algorithm>
#include <chrono>
#include <cstring>
#include <utility>

#include "signet/base/check.h"
#include "signet/wire/tls_context.h"
#include "bucket.h"
#include "bucket_table.h"

namespace signet::net {

std::size_t PoolKeyHash::operator()(const PoolKey& key) const noexcept {
  std::size_t identity = 0;  // its first bytes are as good a hash as any: it is a SHA-256
  std::memcpy(&identity, key.identity.bytes.data(), sizeof(identity));
  return EndpointHash{}(key.endpoint) ^ identity;
}

ConnectionPool::ConnectionPool(io::Io& io, SessionDepot* depot)
    : io_(io), depot_(depot), buckets_(std::make_unique<BucketTable>()), sessions_({.entries_max = limits::sessions_max}) {}

ConnectionPool::~ConnectionPool() {
  SIGNET_CHECK(connections_ == 0);
}

Result<Connection*> ConnectionPool::lease(const Endpoint& endpoint, const std::shared_ptr<const wire::Identity>& identity,
                                          const PoolLimits& limits, LeaseUser& user, Lease from) {
  const PoolKey key{.endpoint = endpoint, .identity = identity ? identity->key() : wire::IdentityKey{}};
  Bucket* bucket = buckets_->find(key);
  if (bucket == nullptr ? !retained(key.identity) : bucket->retired()) {
    return std::unexpected(retired_error());
  }
  if (bucket == nullptr) {
    bucket = &buckets_->insert(std::make_unique<Bucket>(*this, key, identity));
  }
  Result<Connection*> leased = bucket->lease(user, limits, from);
  if (bucket->empty()) {
    buckets_->erase(*bucket);  // made for a call that was refused
  }
  return leased;
}

void ConnectionPool::cancel(LeaseUser& user) {
  if (user.waiting_in_ != nullptr) {
    user.waiting_in_->cancel(user);
  }
}

bool ConnectionPool::has_idle(const Endpoint& endpoint, const wire::IdentityKey& identity) const {
  const Bucket* const bucket = buckets_->find(PoolKey{.endpoint = endpoint, .identity = identity});
  return bucket != nullptr && bucket->has_idle();
}

Result<std::shared_ptr<wire::TlsContext>> ConnectionPool::context(const std::shared_ptr<const wire::Identity>& identity) {
  if (!retained(identity->key())) {
    return std::unexpected(retired_error());
  }
  if (const auto found = contexts_.find(identity->key()); found != contexts_.end()) {
    return found->second;
  }
  Result<std::shared_ptr<wire::TlsContext>> made = wire::TlsContext::client(identity);
  if (!made) {
    return std::unexpected(std::move(made.error()));
  }
  ++contexts_made_;
  return contexts_.emplace(identity->key(), std::move(*made)).first->second;
}

// ---- identities out of use
// -----------------------------------------------------------------------------------------------------------------

bool ConnectionPool::retained(const wire::IdentityKey& key) const {
  return !retained_ || key == wire::IdentityKey{} || retained_->contains(key);
}

Error ConnectionPool::retired_error() {
  return Error{.kind = ErrorKind::identity_retired,
               .origin = Origin::internal,
               .detail = "the identity that the call was to use is no longer part of the configuration"};
}

ConnectionPool::Retired ConnectionPool::retain(const std::vector<wire::IdentityKey>& keys) {
  retained_.emplace(keys.begin(), keys.end());
  Retired retired;
  buckets_->for_each([&](Bucket& bucket) {
    bucket.set_retired(!retained(bucket.key().identity));
    if (bucket.retired()) {
      retired.leased += bucket.leased();
      retired.idle += bucket.close_idle();
    }
  });
  const auto is_retired = [this](const wire::IdentityKey& key) { return !retained(key); };
  sessions_.purge_if(is_retired);
  std::erase_if(contexts_, [&](const auto& entry) { return is_retired(entry.first); });
  std::erase_if(breakers_, [&](const auto& entry) { return is_retired(entry.first.identity); });
  return retired;
}

ConnectionPool::Retired ConnectionPool::recycle(const std::function<bool(const Connection&)>& concerned) {
  Retired given_up;
  buckets_->for_each([&](Bucket& bucket) {
    if (std::ranges::any_of(bucket.connections(), [&concerned](const auto& connection) { return concerned(*connection); })) {
      given_up.leased += bucket.close_after_call();
      given_up.idle += bucket.close_idle();
    }
  });
  return given_up;
}

// ---- refused identities
// --------------------------------------------------------------------------------------------------------------------

bool ConnectionPool::may_connect(const PoolKey& key) {
  const auto breaker = breakers_.find(key);
  return breaker == breakers_.end() || breaker->second.allows(io_.now());
}

bool ConnectionPool::is_suspended(const PoolKey& key) const {
  const auto breaker = breakers_.find(key);
  return breaker != breakers_.end() && breaker->second.open();
}

bool ConnectionPool::note_refused(const PoolKey& key) {
  if (!retained(key.identity)) {
    return false;
  }
  if (breakers_.size() >= limits::refusal_breakers_max && !breakers_.contains(key)) {
    breakers_.erase(breakers_.begin());
  }
  return breakers_[key].refused(io_.now());
}

void ConnectionPool::note_accepted(const PoolKey& key) {
  breakers_.erase(key);
}

Error ConnectionPool::suspended_error(const PoolKey& key) const {
  const RefusalBreaker& breaker = breakers_.at(key);
  const auto wait_s = std::chrono::ceil<std::chrono::seconds>(breaker.wait(io_.now())).count();
  return Error{.kind = ErrorKind::identity_suspended,
               .origin = Origin::identity,
               .retry_after_s = static_cast<std::uint32_t>(wait_s),
               .detail = fmt::format("{} refused this identity {} times in a row; it is shown there again in {} s", key.endpoint.text(),
                                     breaker.refusals(), wait_s)};
}

void ConnectionPool::for_each_connection(const std::function<void(const Connection&)>& visit) const {
  buckets_->for_each([&visit](const Bucket& bucket) {
    for (const std::unique_ptr<Connection>& connection : bucket.connections()) {
      visit(*connection);
    }
  });
}

void ConnectionPool::drain(std::function<void()> drained) {
  draining_ = true;
  drained_ = std::move(drained);
  buckets_->for_each([](Bucket& bucket) {
    bucket.close_idle();
    bucket.abandon_attempts();
  });
  check_drained();
}

void ConnectionPool::abort() {
  buckets_->for_each([](Bucket& bucket) { bucket.abort(); });
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
