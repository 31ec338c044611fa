// SPDX-License-Identifier: GPL-3.0-or-later
#include "signet/gateway/backend_counters.h"

#include <algorithm>
#include <unordered_map>
#include <utility>

namespace signet::gateway {

namespace {

std::string name_of(const config::Upstream& upstream) {
  if (!upstream.id.empty()) {
    return upstream.id;
  }
  return (upstream.scheme == config::Scheme::https ? "https://" : "http://") + upstream.authority;
}

}  // namespace

const std::shared_ptr<net::ConnectionCounters>* BackendCounters::find(const std::string& name) const {
  const auto found = std::ranges::find(named_, name, &Named::name);
  return found == named_.end() ? nullptr : &found->counters;
}

void BackendCounters::retain(const config::Snapshot& snapshot) {
  std::unordered_map<std::string, std::shared_ptr<net::ConnectionCounters>> before;
  for (Named& named : named_) {
    before.emplace(std::move(named.name), std::move(named.counters));
  }
  named_.clear();
  by_index_.clear();
  std::unordered_map<std::string, std::shared_ptr<net::ConnectionCounters>> now;
  for (const std::unique_ptr<const config::Upstream>& upstream : snapshot.upstreams()) {
    const std::string name = name_of(*upstream);
    std::shared_ptr<net::ConnectionCounters>& counters = now[name];
    if (counters == nullptr) {
      const auto known = before.find(name);
      counters = known != before.end() ? known->second : std::make_shared<net::ConnectionCounters>();
      named_.push_back({.name = name, .counters = counters});
    }
    by_index_.push_back({.upstream = upstream.get(), .counters = counters});
  }
}

const std::shared_ptr<net::ConnectionCounters>& BackendCounters::of(const config::Upstream& upstream) const {
  if (upstream.index < by_index_.size() && by_index_[upstream.index].upstream == &upstream) {
    return by_index_[upstream.index].counters;
  }
  const std::shared_ptr<net::ConnectionCounters>* const named = find(name_of(upstream));
  return named == nullptr ? gone_ : *named;
}

std::vector<BackendStatus> BackendCounters::status(const net::ConnectionPool& pool) const {
  std::vector<BackendStatus> backends;
  std::unordered_map<const net::ConnectionCounters*, std::size_t> index;
  for (const Named& named : named_) {
    index.emplace(named.counters.get(), backends.size());
    backends.push_back({.name = named.name, .counters = *named.counters});
  }
  pool.for_each_connection([&](const net::Connection& connection) {
    if (const auto found = index.find(connection.counters()); found != index.end()) {
      ++backends[found->second].connections;
      backends[found->second].idle += std::size_t{connection.idle()};
    }
  });
  return backends;
}

}  // namespace signet::gateway
