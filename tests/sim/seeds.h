// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include <catch2/catch_message.hpp>
#include <catch2/catch_test_macros.hpp>
#include <cstdint>
#include <cstdlib>
#include <optional>

namespace signet::sim {

inline std::optional<std::uint64_t> number_from_environment(const char* name) {
  const char* text = std::getenv(name);
  return text == nullptr ? std::nullopt : std::optional<std::uint64_t>(std::strtoull(text, nullptr, 10));
}

/// Calls `test(seed)` with the seeds 1 to SIGNET_SIM_SEEDS (default 1000), or with SIGNET_SIM_SEED alone. What fails, a failed check of the
/// program included, is reported with its seed.
template <typename Test>
void for_each_seed(Test test) {
  const std::optional<std::uint64_t> only = number_from_environment("SIGNET_SIM_SEED");
  const std::uint64_t last = only ? *only : number_from_environment("SIGNET_SIM_SEEDS").value_or(1000);
  for (std::uint64_t seed = only.value_or(1); seed <= last; ++seed) {
    INFO("to replay: SIGNET_SIM_SEED=" << seed);
    test(seed);
  }
}

}  // namespace signet::sim
