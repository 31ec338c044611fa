// SPDX-License-Identifier: GPL-3.0-or-later
#include "signet/control/tokens.h"

#include <catch2/catch_test_macros.hpp>

#include "signet/base/limits.h"
#include "control/failed_attempts.h"

using namespace signet;
using namespace signet::control;

namespace {

Token token(const std::string& name, Role role, const std::string& text) {
  return {.name = name, .role = role, .sha256 = wire::sha256(as_bytes(text))};
}

Endpoint peer(const char* address) {
  return *parse_address(address, 40000);
}

}  // namespace

TEST_CASE("a token is found by its whole text and by nothing else", "[control][tokens]") {
  Tokens tokens;
  CHECK_FALSE(tokens.find("one").has_value());
  tokens.replace({token("first", Role::write, "one"), token("second", Role::read, "two")});
  REQUIRE(tokens.find("one").has_value());
  CHECK(tokens.find("one")->name == "first");
  CHECK(tokens.find("one")->role == Role::write);
  CHECK(tokens.find("two")->name == "second");
  CHECK(tokens.find("two")->role == Role::read);
  for (const char* wrong : {"", "on", "onee", "One", " one", "first"}) {
    CAPTURE(wrong);
    CHECK_FALSE(tokens.find(wrong).has_value());
  }
  tokens.replace({token("second", Role::read, "two")});
  CHECK_FALSE(tokens.find("one").has_value());
}

TEST_CASE("each wrong token in a row from one address makes the next answer slower, up to a bound", "[control][tokens]") {
  FailedAttempts attempts;
  const TimePoint now{};
  Duration last{};
  for (int i = 0; i < 20; ++i) {
    const FailedAttempts::Verdict verdict = attempts.add(peer("192.0.2.1"), now);
    CHECK(verdict.pause >= last);
    CHECK(verdict.pause <= limits::token_pause_max);
    last = verdict.pause;
  }
  CHECK(last == limits::token_pause_max);
  CHECK(attempts.add(peer("192.0.2.2"), now).pause == limits::token_pause_min);
  CHECK(attempts.add(peer("192.0.2.1"), now + limits::token_failure_memory).pause == limits::token_pause_min);
}

TEST_CASE("an IPv6 peer cannot start anew by another address of its network", "[control][tokens]") {
  FailedAttempts attempts;
  CHECK(attempts.add(peer("2001:db8::1"), {}).count == 1);
  CHECK(attempts.add(peer("2001:db8::2"), {}).count == 2);
  CHECK(attempts.add(peer("2001:db8:0:1::2"), {}).count == 1);
}

TEST_CASE("wrong tokens are logged at a bounded rate per address", "[control][tokens]") {
  FailedAttempts attempts;
  const TimePoint now{std::chrono::hours(1)};
  CHECK(attempts.add(peer("192.0.2.1"), now).log);
  CHECK_FALSE(attempts.add(peer("192.0.2.1"), now + std::chrono::seconds(1)).log);
  CHECK(attempts.add(peer("192.0.2.2"), now).log);
  CHECK(attempts.add(peer("192.0.2.1"), now + limits::token_failure_log_interval).log);
}

TEST_CASE("the table of addresses is bounded; the one that was quiet longest is forgotten", "[control][tokens]") {
  FailedAttempts attempts;
  Endpoint address = peer("10.0.0.0");
  for (std::size_t i = 0; i < limits::token_failure_addresses_max + 10; ++i) {
    address.address[2] = static_cast<std::uint8_t>(i >> 8);
    address.address[3] = static_cast<std::uint8_t>(i);
    attempts.add(address, TimePoint{std::chrono::milliseconds(i)});
  }
  CHECK(attempts.size() == limits::token_failure_addresses_max);
  CHECK(attempts.add(address, TimePoint{std::chrono::seconds(2)}).count == 2);
  CHECK(attempts.add(peer("10.0.0.0"), TimePoint{std::chrono::seconds(2)}).count == 1);
}
