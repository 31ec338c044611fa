// SPDX-License-Identifier: GPL-3.0-or-later
#include "failed_attempts.h"

#include <algorithm>

#include "signet/base/limits.h"

namespace signet::control {

namespace {

Endpoint origin_of(const Endpoint& peer) {
  Endpoint origin = peer;
  origin.port = 0;
  origin.scope = 0;
  if (peer.family == Endpoint::Family::ipv6) {
    std::fill(origin.address.begin() + 8, origin.address.end(), std::uint8_t{0});
  }
  return origin;
}

}  // namespace

FailedAttempts::Verdict FailedAttempts::add(const Endpoint& peer, TimePoint now) {
  const Endpoint origin = origin_of(peer);
  if (!seen_.contains(origin) && seen_.size() >= limits::token_failure_addresses_max) {
    make_room();
  }
  Seen& seen = seen_[origin];
  if (seen.count != 0 && now - seen.last >= limits::token_failure_memory) {
    seen = {};
  }
  Verdict verdict{.pause = limits::token_pause_min, .count = ++seen.count};
  for (std::uint64_t i = 1; i < seen.count && verdict.pause < limits::token_pause_max; ++i) {
    verdict.pause *= 2;
  }
  verdict.pause = std::min(verdict.pause, limits::token_pause_max);
  verdict.log = seen.count == 1 || now - seen.logged >= limits::token_failure_log_interval;
  if (verdict.log) {
    seen.logged = now;
  }
  seen.last = now;
  return verdict;
}

void FailedAttempts::make_room() {
  seen_.erase(std::ranges::min_element(seen_, {}, [](const auto& entry) { return entry.second.last; }));
}

}  // namespace signet::control
