// SPDX-License-Identifier: GPL-3.0-or-later
#include "signet/base/version.h"

#include <algorithm>
#include <catch2/catch_test_macros.hpp>

TEST_CASE("the version is three numbers, as release tooling expects", "[base]") {
  const auto version = signet::version();
  CHECK(std::ranges::count(version, '.') == 2);
  CHECK(std::ranges::all_of(version, [](char c) { return c == '.' || (c >= '0' && c <= '9'); }));
}
