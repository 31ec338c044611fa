// SPDX-License-Identifier: GPL-3.0-or-later
#include "signet/gateway/backend_health.h"

#include <catch2/catch_test_macros.hpp>
#include <string>
#include <vector>

namespace signet::gateway {

namespace {

std::vector<config::Destination> members(const std::vector<std::pair<std::uint32_t, std::uint32_t>>& weights_and_priorities) {
  std::vector<config::Destination> made;
  for (const auto& [weight, priority] : weights_and_priorities) {
    made.push_back({.weight = weight, .priority = priority});
  }
  return made;
}

std::string order(PoolRotation& rotation, const std::vector<config::Destination>& of, const std::vector<bool>& available, int calls) {
  std::string text;
  for (int i = 0; i < calls; ++i) {
    const auto next = rotation.next(of, available);
    text += next ? std::to_string(*next) : "-";
  }
  return text;
}

}  // namespace

TEST_CASE("Members have their share of the calls, spread among the others'", "[pool]") {
  PoolRotation rotation;
  CHECK(order(rotation, members({{5, 0}, {1, 0}, {1, 0}}), {true, true, true}, 14) == "00102000010200");
}

TEST_CASE("The next group serves only when nobody of the one before does", "[pool]") {
  PoolRotation rotation;
  const auto of = members({{1, 2}, {1, 1}, {1, 1}});
  CHECK(order(rotation, of, {true, true, true}, 4) == "1212");
  CHECK(order(rotation, of, {true, false, true}, 3) == "222");
  CHECK(order(rotation, of, {true, false, false}, 2) == "00");
  CHECK(order(rotation, of, {false, false, false}, 1) == "-");
}

TEST_CASE("A member without weight serves only if no other of its group can", "[pool]") {
  PoolRotation rotation;
  const auto of = members({{0, 0}, {3, 0}, {9, 1}});
  CHECK(order(rotation, of, {true, true, true}, 4) == "1111");
  CHECK(order(rotation, of, {true, false, true}, 4) == "0000");
}

}  // namespace signet::gateway
