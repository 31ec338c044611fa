// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include <cstddef>
#include <functional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "api_resource.h"

namespace signet::control {

/// Most resources of one page, and how many there are where $top is left out.
inline constexpr std::size_t api_page_max = 1000;

/// A property that $filter may name.
struct ListField {
  std::string_view name;
  enum class Type : std::uint8_t { text, time } type = Type::text;
};

/// A list of resources: $filter first, then $skip and $top. `shown` makes the resource of a name; only those that are looked at are made.
[[nodiscard]] Answer list_answer(const Call& call, std::vector<std::string> names, const std::function<Resource(const std::string&)>& shown,
                                 std::span<const ListField> fields);

}  // namespace signet::control
