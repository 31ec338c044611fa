// SPDX-License-Identifier: GPL-3.0-or-later
#include "signet/net/refusal_breaker.h"

#include <catch2/catch_test_macros.hpp>

namespace signet::net {

namespace {

constexpr TimePoint start = TimePoint(std::chrono::hours(1));

RefusalBreaker opened() {
  RefusalBreaker breaker;
  for (std::uint32_t i = 1; i < limits::identity_refusals_max; ++i) {
    CHECK_FALSE(breaker.refused(start));
  }
  CHECK(breaker.refused(start));
  return breaker;
}

}  // namespace

TEST_CASE("An identity is shown until it was refused several times in a row", "[refusal_breaker]") {
  RefusalBreaker breaker;
  CHECK(breaker.allows(start));
  for (std::uint32_t i = 1; i < limits::identity_refusals_max; ++i) {
    CHECK_FALSE(breaker.refused(start));
    CHECK_FALSE(breaker.open());
    CHECK(breaker.allows(start));
    CHECK(breaker.wait(start) == Duration::zero());
  }
  CHECK(breaker.refused(start));
  CHECK(breaker.open());
  CHECK_FALSE(breaker.allows(start));
  CHECK(breaker.wait(start) == limits::identity_pause_min);
}

TEST_CASE("After the pause one attempt is made, and each refusal doubles the pause up to its limit", "[refusal_breaker]") {
  RefusalBreaker breaker = opened();
  TimePoint now = start;
  Duration pause = limits::identity_pause_min;
  for (int round = 0; round < 10; ++round) {
    CHECK_FALSE(breaker.allows(now + pause - Duration(1)));
    now += pause;
    CHECK(breaker.allows(now));
    CHECK_FALSE(breaker.allows(now));  // one
    CHECK_FALSE(breaker.refused(now));
    pause = std::min(pause * 2, limits::identity_pause_max);
    CHECK(breaker.wait(now) == pause);
  }
  CHECK(pause == limits::identity_pause_max);
}

TEST_CASE("Attempts that were under way when it opened change nothing", "[refusal_breaker]") {
  RefusalBreaker breaker = opened();
  CHECK_FALSE(breaker.refused(start));
  CHECK_FALSE(breaker.refused(start));
  CHECK(breaker.wait(start) == limits::identity_pause_min);
}

TEST_CASE("An attempt that comes to no end is followed by another one", "[refusal_breaker]") {
  RefusalBreaker breaker = opened();
  CHECK(breaker.allows(start + limits::identity_pause_min));
  CHECK_FALSE(breaker.allows(start + limits::identity_pause_min));
  CHECK(breaker.allows(start + 2 * limits::identity_pause_min));
}

}  // namespace signet::net
