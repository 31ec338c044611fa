// SPDX-License-Identifier: GPL-3.0-or-later
#include "signet/gateway/backend_health.h"

#include <algorithm>
#include <limits>
#include <utility>

namespace signet::gateway {

std::optional<std::size_t> PoolRotation::next(const std::vector<config::Destination>& members, const std::vector<bool>& available) {
  std::uint32_t priority = std::numeric_limits<std::uint32_t>::max();
  bool any = false;
  for (std::size_t i = 0; i < members.size(); ++i) {
    if (available[i]) {
      any = true;
      priority = std::min(priority, members[i].priority);
    }
  }
  if (!any) {
    return std::nullopt;
  }
  credit_.resize(members.size());
  const auto takes_part = [&](std::size_t i) { return available[i] && members[i].priority == priority; };
  std::int64_t total = 0;
  for (std::size_t i = 0; i < members.size(); ++i) {
    total += takes_part(i) ? std::int64_t{members[i].weight} : 0;
  }
  const bool weightless = total == 0;
  std::optional<std::size_t> chosen;
  for (std::size_t i = 0; i < members.size(); ++i) {
    if (!takes_part(i) || (!weightless && members[i].weight == 0)) {
      continue;
    }
    credit_[i] += weightless ? 1 : std::int64_t{members[i].weight};
    total += weightless ? 1 : 0;
    if (!chosen || credit_[i] > credit_[*chosen]) {
      chosen = i;
    }
  }
  credit_[*chosen] -= total;
  return chosen;
}

void BackendHealth::retain(const config::Snapshot& snapshot) {
  std::unordered_map<std::string, std::shared_ptr<CircuitBreaker>> before;
  before.swap(breakers_);
  by_upstream_.clear();
  for (const std::unique_ptr<const config::Upstream>& upstream : snapshot.upstreams()) {
    if (upstream->circuit_breaker.empty()) {
      continue;
    }
    std::shared_ptr<CircuitBreaker>& breaker = breakers_[upstream->id];
    if (breaker == nullptr) {
      const auto known = before.find(upstream->id);
      const bool same = known != before.end() && known->second->has_rules(upstream->circuit_breaker);
      breaker = same ? known->second : std::make_shared<CircuitBreaker>(upstream->circuit_breaker);
    }
    by_upstream_.emplace(upstream.get(), breaker);
  }
  pools_.clear();
  std::erase_if(rotations_, [&snapshot](const auto& entry) {
    return std::ranges::none_of(snapshot.config().backends, [&entry](const config::Backend& backend) { return backend.id == entry.first; });
  });
}

std::shared_ptr<CircuitBreaker> BackendHealth::breaker(const config::Upstream& upstream) const {
  if (upstream.circuit_breaker.empty()) {
    return nullptr;
  }
  if (const auto found = by_upstream_.find(&upstream); found != by_upstream_.end()) {
    return found->second;
  }
  const auto named = breakers_.find(upstream.id);
  return named == breakers_.end() ? nullptr : named->second;
}

BackendHealth::Pool& BackendHealth::pool_of(const config::Plan& plan) {
  const auto [found, is_new] = pools_.try_emplace(&plan);
  Pool& pool = found->second;
  if (is_new) {
    std::shared_ptr<PoolRotation>& rotation = rotations_[plan.pool_id];
    if (rotation == nullptr) {
      rotation = std::make_shared<PoolRotation>();
    }
    pool.rotation = rotation;
    for (const config::Destination& destination : plan.destinations) {
      pool.breakers.push_back(breaker(*destination.upstream));
    }
  }
  return pool;
}

BackendHealth::Choice BackendHealth::choose(const config::Plan& plan, std::uint64_t excluded, TimePoint now) {
  Pool& pool = pool_of(plan);
  const std::vector<config::Destination>& members = plan.destinations;
  Duration wait = Duration::max();
  available_.assign(members.size(), false);
  for (std::size_t i = 0; i < members.size(); ++i) {
    const CircuitBreaker* const breaker = pool.breakers[i].get();
    if (breaker != nullptr && breaker->tripped(now)) {
      wait = std::min(wait, breaker->wait(now));
    } else {
      available_[i] = i >= 64 || ((excluded >> i) & 1U) == 0;
    }
  }
  const std::optional<std::size_t> index = pool.rotation->next(members, available_);
  if (!index) {
    return {.wait = wait == Duration::max() ? Duration::zero() : wait};
  }
  return {.destination = &members[*index], .index = *index};
}

}  // namespace signet::gateway
