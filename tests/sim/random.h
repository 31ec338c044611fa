// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include <cstdint>

namespace signet::sim {

/// Numbers that follow from a seed, the same with every compiler and library (SplitMix64; Steele, Lea and Flood, 2014). One draw per
/// statement, since the order in which arguments are evaluated is the compiler's choice.
class Random {
 public:
  explicit Random(std::uint64_t seed) : state_(seed) {}

  std::uint64_t next() {
    state_ += 0x9e3779b97f4a7c15;
    std::uint64_t mixed = state_;
    mixed = (mixed ^ (mixed >> 30)) * 0xbf58476d1ce4e5b9;
    mixed = (mixed ^ (mixed >> 27)) * 0x94d049bb133111eb;
    return mixed ^ (mixed >> 31);
  }
  /// From 0 to `end` - 1. REQUIRES: end > 0.
  std::uint64_t below(std::uint64_t end) { return next() % end; }
  /// From `first` to `last`, both included.
  std::uint64_t between(std::uint64_t first, std::uint64_t last) { return first + below(last - first + 1); }
  /// True in `permille` of 1000 cases.
  bool chance(std::uint64_t permille) { return below(1000) < permille; }

 private:
  std::uint64_t state_;
};

}  // namespace signet::sim
