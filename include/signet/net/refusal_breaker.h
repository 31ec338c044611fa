// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include <cstdint>

#include "signet/base/clock.h"
#include "signet/base/limits.h"

namespace signet::net {

/// Keeps a refused certificate from being shown over and over: each attempt costs both sides a handshake, and some servers lock out who
/// fails too often. One for each (endpoint, identity); what one identity is refused says nothing about the others.
///
///     closed ──refusals_max in a row──► open ──pause over──► one attempt ──accepted──► closed
///                                        ▲                        │
///                                        └──refused: pause × 2────┘
///
/// A value without a clock; belongs to one shard.
class RefusalBreaker {
 public:
  /// May a connection be opened now? While open, true once after each pause: whoever is told so makes the attempt.
  [[nodiscard]] bool allows(TimePoint now);
  /// The back end refused. True if that opened it.
  bool refused(TimePoint now);
  /// Until the next attempt; zero while closed.
  [[nodiscard]] Duration wait(TimePoint now) const;
  [[nodiscard]] std::uint32_t refusals() const { return refusals_; }
  [[nodiscard]] bool open() const { return refusals_ >= limits::identity_refusals_max; }

 private:
  std::uint32_t refusals_ = 0;  ///< in a row
  bool attempt_due_ = false;    ///< while open: an attempt was allowed and has not been refused yet
  Duration pause_ = limits::identity_pause_min;
  TimePoint next_attempt_{};
};

}  // namespace signet::net
