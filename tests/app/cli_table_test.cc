// SPDX-License-Identifier: GPL-3.0-or-later
#include "app/cli/table.h"

#include <catch2/catch_test_macros.hpp>
#include <chrono>
#include <nlohmann/json.hpp>

namespace signet::app::cli {

TEST_CASE("Table: columns line up by characters, lines end without blanks", "[cli]") {
  Table table({"ID", "NAME", ""});
  table.add({"a", "Grüße", "x"});
  table.add({"long-id", "b", ""});
  CHECK(table.text() == "ID       NAME\na        Grüße  x\nlong-id  b\n");
}

TEST_CASE("Table: control characters and broken UTF-8 are written out", "[cli]") {
  CHECK(clean("a\x1b[31m\n\x7fé€😀") == "a\\x1b[31m\\x0a\\x7fé€😀");
  CHECK(clean("\xc2\x85|\xc3|\xff|\xe2\x82") == "\\xc2\\x85|\\xc3|\\xff|\\xe2\\x82");
  CHECK(clean("\xc0\xaf") == "\\xc0\\xaf");
}

TEST_CASE("Table: time left is told in the largest unit that says something", "[cli]") {
  using namespace std::chrono;
  const WallTime now = sys_days(year{2026} / 11 / 25) + hours(12);
  CHECK(time_left("2026-12-25T12:00:00Z", now) == "30 days");
  CHECK(time_left("2026-11-26T11:59:59Z", now) == "23 hours");
  CHECK(time_left("2026-11-25T12:01:30Z", now) == "1 minute");
  CHECK(time_left("2026-11-25T12:00:00Z", now) == "0 minutes");
  CHECK(time_left("2026-11-25T11:59:59Z", now) == "EXPIRED");
  CHECK(time_left("2020-02-01T00:00:00Z", now) == "EXPIRED");
  CHECK(time_left("soon", now).empty());
  CHECK(time_left("2026-13-25T12:00:00Z", now).empty());
}

TEST_CASE("Table: an object becomes a line per value, its lists of objects become tables", "[cli]") {
  const auto value =
      nlohmann::json::parse(R"({"b": {"x": true, "y": ["p", "q"]}, "a": 1, "list": [{"id": "one"}, {"id": "two", "n": 2}]})");
  CHECK(describe(value) == "a    1\nb.x  true\nb.y  p, q\n\nlist:\nid   n\none\ntwo  2\n");
  CHECK(describe(nlohmann::json::parse(R"([{"calls": 3, "name": "orders"}])")) == "name    calls\norders  3\n");
}

}  // namespace signet::app::cli
