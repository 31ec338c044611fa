// SPDX-License-Identifier: GPL-3.0-or-later
// Any text as a $filter: it is refused in one line of plain text, or it is a condition that each object meets or does not.
#include <algorithm>
#include <array>
#include <cstddef>
#include <cstdint>
#include <nlohmann/json.hpp>
#include <string>
#include <string_view>

#include "signet/base/check.h"
#include "control/odata.h"

namespace {

using namespace signet::control;

constexpr std::array<std::string_view, 4> fields{"name", "expirationDate", "count", "flag"};

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  static const std::array<nlohmann::json, 4> objects{
      nlohmann::json::object(),
      {{"name", "orders"}, {"expirationDate", "2030-01-01T00:00:00Z"}, {"count", 3}, {"flag", true}},
      {{"name", "'"}, {"expirationDate", nullptr}, {"count", -0.5}, {"flag", false}},
      {{"name", {"orders"}}, {"expirationDate", 7}, {"count", "3"}, {"flag", "true"}},
  };
  const std::string text(reinterpret_cast<const char*>(data), size);
  const auto filter = parse_filter(text, fields);
  if (!filter) {
    SIGNET_CHECK(filter.error().starts_with("$filter"));
    SIGNET_CHECK(std::ranges::none_of(filter.error(), [](char c) { return static_cast<unsigned char>(c) < 0x20 || c == 0x7f; }));
    return 0;
  }
  const auto opposite = parse_filter("not (" + text + ")", fields);
  for (const nlohmann::json& object : objects) {
    SIGNET_CHECK(!opposite || opposite->matches(object) != filter->matches(object));
  }
  return 0;
}
