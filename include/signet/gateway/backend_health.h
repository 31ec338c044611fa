// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <unordered_map>
#include <vector>

#include "signet/base/clock.h"
#include "signet/config/snapshot.h"
#include "signet/gateway/circuit_breaker.h"

namespace signet::gateway {

/// Whose turn it is among the members of one pool: smooth weighted round robin, so that a member's calls are spread among the others'.
///
/// A value; belongs to one shard.
class PoolRotation {
 public:
  /// Index in `members` of the one whose turn it is, of the highest priority among those that `available[i]`; nothing if none is. A weight
  /// of 0 is no share, unless no other is left in that group. REQUIRES: both have the same size.
  [[nodiscard]] std::optional<std::size_t> next(const std::vector<config::Destination>& members, const std::vector<bool>& available);

 private:
  std::vector<std::int64_t> credit_;
};

/// Which back ends are well enough to be called, and whose turn it is in pools. Of one shard. What is known goes on through reloads as long
/// as a backend has the same rules, a pool its id.
class BackendHealth {
 public:
  /// Only the back ends and pools of `snapshot` are looked after from now on. It must be kept until the next call.
  void retain(const config::Snapshot& snapshot);

  /// Null if the back end has no rules. Also of a snapshot that is no longer in force, for a call that still has it.
  [[nodiscard]] std::shared_ptr<CircuitBreaker> breaker(const config::Upstream& upstream) const;

  struct Choice {
    const config::Destination* destination = nullptr;  ///< null: none can be called now
    std::size_t index = 0;
    Duration wait{};  ///< if none: until the first can be
  };
  /// A member of a plan's pool. `excluded`: a bit for each that the call has tried (those beyond the bits are never excluded).
  [[nodiscard]] Choice choose(const config::Plan& plan, std::uint64_t excluded, TimePoint now);

 private:
  struct Pool {
    std::shared_ptr<PoolRotation> rotation;
    std::vector<std::shared_ptr<CircuitBreaker>> breakers;  ///< of the plan's destinations; null where there are no rules
  };
  Pool& pool_of(const config::Plan& plan);

  std::unordered_map<std::string, std::shared_ptr<CircuitBreaker>> breakers_;  ///< by id of the backend
  std::unordered_map<const config::Upstream*, std::shared_ptr<CircuitBreaker>>
      by_upstream_;                                                           ///< of the snapshot in force, those with rules
  std::unordered_map<std::string, std::shared_ptr<PoolRotation>> rotations_;  ///< by id of the pool
  std::unordered_map<const config::Plan*, Pool> pools_;                       ///< as they are met, since the last `retain`
  std::vector<bool> available_;                                               ///< kept from call to call
};

}  // namespace signet::gateway
