// SPDX-License-Identifier: GPL-3.0-or-later
#include "signet/gateway/refusal_log.h"

#include <catch2/catch_test_macros.hpp>
#include <string>

#include "signet/base/limits.h"

namespace signet::gateway {

TEST_CASE("The last refusals are kept in their order, the oldest give way", "[refusal_log]") {
  RefusalLog log;
  CHECK(log.all().empty());
  constexpr std::size_t added = limits::refusals_kept + 10;
  for (std::size_t i = 0; i < added; ++i) {
    log.add(Refusal{.api = std::to_string(i), .refusal = std::make_shared<IdentityRefusal>()});
    REQUIRE(log.all().back().api == std::to_string(i));
  }
  const std::vector<Refusal> kept = log.all();
  REQUIRE(kept.size() == limits::refusals_kept);
  for (std::size_t i = 0; i < kept.size(); ++i) {
    CHECK(kept[i].api == std::to_string(added - limits::refusals_kept + i));
  }
}

}  // namespace signet::gateway
