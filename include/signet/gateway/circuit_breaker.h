// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <string_view>
#include <vector>

#include "signet/base/clock.h"
#include "signet/base/limits.h"
#include "signet/config/config.h"

namespace signet::gateway {

/// Leaves a back end alone that fails too often (config::CircuitBreakerRule). One for each backend id on each shard, whatever identities it
/// is called under; refusals of our own certificates are none of its business (net::RefusalBreaker).
///
///     closed ──rule met──► tripped ──trip duration over──► closed, nothing counted
///
/// Calls are counted in slices of the rule's interval, so that memory does not grow with them: a failure counts for at most the interval,
/// at least for all of it but one slice. What ends while it is tripped, of calls that were under way, is not counted.
///
/// A value without a clock; belongs to one shard.
class CircuitBreaker {
 public:
  explicit CircuitBreaker(const std::vector<config::CircuitBreakerRule>& rules);

  [[nodiscard]] bool tripped(TimePoint now) const { return now < tripped_until_; }
  /// Until the next call may be made; zero if at once.
  [[nodiscard]] Duration wait(TimePoint now) const;

  /// Does any rule count an answer of this status as a failure?
  [[nodiscard]] bool is_failure(std::uint16_t status) const;
  /// The back end answered. `retry_after`: what the answer says of the time to wait, for rules that go by it.
  void answered(std::uint16_t status, std::optional<Duration> retry_after, TimePoint now);
  /// The back end did not answer.
  void failed(TimePoint now);

  [[nodiscard]] bool has_rules(const std::vector<config::CircuitBreakerRule>& rules) const;

 private:
  struct Slice {
    std::int64_t number = -1;  ///< since the clock's epoch
    std::uint32_t calls = 0;
    std::uint32_t failures = 0;
  };
  struct Counted {
    config::CircuitBreakerRule rule;
    std::array<Slice, limits::breaker_slices> slices;
  };

  void count(Counted& counted, bool failure, std::optional<Duration> retry_after, TimePoint now);
  [[nodiscard]] static bool met(const Counted& counted, std::int64_t slice);

  std::vector<Counted> counted_;
  TimePoint tripped_until_ = TimePoint::min();
};

/// What a Retry-After field says (RFC 9110 §10.2.3): seconds, or a date, counted from `now`. Nothing if it says neither, or a time that is
/// over. At most limits::breaker_retry_after_max.
[[nodiscard]] std::optional<Duration> parse_retry_after(std::string_view value, WallTime now);

}  // namespace signet::gateway
