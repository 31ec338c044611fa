// SPDX-License-Identifier: GPL-3.0-or-later
#include "signet/gateway/circuit_breaker.h"

#include <catch2/catch_test_macros.hpp>
#include <chrono>

namespace signet::gateway {

namespace {

using namespace std::chrono_literals;

constexpr TimePoint start{1000s};

config::CircuitBreakerRule rule(std::uint32_t failures_max, std::uint32_t percentage = 0) {
  return {.name = "r",
          .failures_max = failures_max,
          .percentage = percentage,
          .interval = 10s,
          .statuses = {{500, 503}, {429, 429}},
          .error_reasons = {},
          .trip_duration = 30s};
}

}  // namespace

TEST_CASE("A breaker trips with the last failure that its rule allows within the interval", "[circuit_breaker]") {
  CircuitBreaker breaker({rule(3)});
  breaker.answered(500, {}, start);
  breaker.answered(504, {}, start);  // none of the rule's
  breaker.answered(429, {}, start + 5s);
  CHECK_FALSE(breaker.tripped(start + 9s));
  breaker.answered(503, {}, start + 8s);
  CHECK(breaker.tripped(start + 8s));
  CHECK(breaker.wait(start + 18s) == 20s);
  CHECK_FALSE(breaker.tripped(start + 38s));
  CHECK(breaker.wait(start + 38s) == 0s);
}

TEST_CASE("Failures older than the interval are forgotten", "[circuit_breaker]") {
  CircuitBreaker breaker({rule(3)});
  for (int i = 0; i < 20; ++i) {
    breaker.answered(500, {}, start + i * 5s);
    breaker.answered(200, {}, start + i * 5s);
    CHECK_FALSE(breaker.tripped(start + i * 5s));
  }
}

TEST_CASE("After a trip nothing is counted that was before, nor what ends while it lasts", "[circuit_breaker]") {
  CircuitBreaker breaker({rule(2)});
  breaker.answered(500, {}, start);
  breaker.answered(500, {}, start);
  breaker.answered(500, {}, start + 29s);
  CHECK(breaker.wait(start + 29s) == 1s);
  breaker.answered(500, {}, start + 30s);
  CHECK_FALSE(breaker.tripped(start + 30s));
  breaker.answered(500, {}, start + 31s);
  CHECK(breaker.tripped(start + 31s));
}

TEST_CASE("A percentage is one of enough calls", "[circuit_breaker]") {
  CircuitBreaker breaker({rule(0, 50)});
  for (std::uint32_t i = 1; i < limits::breaker_percentage_calls_min; ++i) {
    breaker.answered(500, {}, start);
    CHECK_FALSE(breaker.tripped(start));
  }
  breaker.answered(500, {}, start);
  CHECK(breaker.tripped(start));

  CircuitBreaker healthy({rule(0, 50)});
  for (int i = 0; i < 100; ++i) {
    healthy.answered(200, {}, start);
    healthy.answered(200, {}, start);
    healthy.answered(500, {}, start);
    CHECK_FALSE(healthy.tripped(start));
  }
}

TEST_CASE("A call without an answer counts where errors do", "[circuit_breaker]") {
  CircuitBreaker deaf({rule(1)});
  deaf.failed(start);
  CHECK_FALSE(deaf.tripped(start));
  config::CircuitBreakerRule with_errors = rule(1);
  with_errors.error_reasons = {"timeout"};
  CircuitBreaker hearing({with_errors});
  hearing.failed(start);
  CHECK(hearing.tripped(start));
}

TEST_CASE("Retry-After of the answer that trips counts only where the rule says so", "[circuit_breaker]") {
  CircuitBreaker own({rule(1)});
  own.answered(500, 5s, start);
  CHECK(own.wait(start) == 30s);
  config::CircuitBreakerRule accepting = rule(1);
  accepting.accept_retry_after = true;
  CircuitBreaker theirs({accepting});
  theirs.answered(500, 5s, start);
  CHECK(theirs.wait(start) == 5s);
  CircuitBreaker silent({accepting});
  silent.answered(500, {}, start);
  CHECK(silent.wait(start) == 30s);
}

TEST_CASE("A breaker knows its rules", "[circuit_breaker]") {
  const CircuitBreaker breaker({rule(3)});
  CHECK(breaker.has_rules({rule(3)}));
  CHECK_FALSE(breaker.has_rules({rule(4)}));
  CHECK_FALSE(breaker.has_rules({}));
  config::CircuitBreakerRule other = rule(3);
  other.statuses.back().max = 430;
  CHECK_FALSE(breaker.has_rules({other}));
  CHECK(breaker.is_failure(500));
  CHECK_FALSE(breaker.is_failure(504));
}

TEST_CASE("Retry-After is read in seconds and as a date, within bounds", "[circuit_breaker]") {
  constexpr WallTime now{784'111'777s};  // Sun, 06 Nov 1994 08:49:37 GMT
  CHECK(parse_retry_after("120", now) == 120s);
  CHECK(parse_retry_after("Sun, 06 Nov 1994 08:50:37 GMT", now) == 60s);
  CHECK(parse_retry_after("99999999999999999999", now) == limits::breaker_retry_after_max);
  CHECK(parse_retry_after("Sat, 31 Dec 9999 23:59:59 GMT", now) == limits::breaker_retry_after_max);
  for (const char* nothing : {"", "0", "-5", "soon", "1.5", "Sun, 06 Nov 1994 08:49:37 GMT", "Sun, 06 Nov 1993 08:49:37 GMT",
                              "Sun, 31 Feb 1995 08:49:37 GMT", "Sun, 06 Xyz 1995 08:49:37 GMT", "Sun, 06 Nov 1995 24:49:37 GMT"}) {
    INFO(nothing);
    CHECK_FALSE(parse_retry_after(nothing, now));
  }
}

}  // namespace signet::gateway
