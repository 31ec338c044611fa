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

/// A list of resources: $filter first, then $skip and $top. `shown` makes the resource of a name; only those that are looked at are made.
/// `fields`: properties that $filter may name.
[[nodiscard]] Answer list_answer(const Call& call, std::vector<std::string> names, const std::function<Resource(const std::string&)>& shown,
                                 std::span<const std::string_view> fields);

}  // namespace signet::control
