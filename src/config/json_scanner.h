// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include <cstddef>
#include <expected>
#include <string_view>
#include <vector>

#include "json.h"

namespace signet::config::json {

/// The offset of every key and every value of the text, in the order of their first bytes; or the first fault. Checks all of RFC 8259's
/// grammar but the encoding (UTF-8) and the range of numbers, which are simdjson's to judge.
[[nodiscard]] std::expected<std::vector<std::size_t>, SyntaxError> scan(std::string_view text, std::size_t depth_max);

}  // namespace signet::config::json
