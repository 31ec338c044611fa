// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include <cstddef>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "api_error.h"

namespace signet::control {

/// The only version of the specification that is spoken.
inline constexpr std::string_view api_version = "2024-05-01";
/// Longest request target that is read.
inline constexpr std::size_t api_target_size_max = 16 * 1024;
/// Most segments of a path and most parameters of a query.
inline constexpr std::size_t api_target_parts_max = 64;

/// Where a request goes, taken apart.
struct Target {
  /// "/subscriptions/…/service/name": what ids of answers begin with. As it was sent, but decoded and with the fixed words in their own
  /// spelling; of the short form, what the options say.
  std::string prefix;
  std::string path;                                        ///< as it was sent, for links
  std::vector<std::string> parts;                          ///< behind the prefix, decoded; never empty strings
  std::vector<std::pair<std::string, std::string>> query;  ///< decoded, in order

  /// The first one of that name, in any case.
  [[nodiscard]] std::optional<std::string> parameter(std::string_view name) const;
};

/// Splits first, then decodes: an id may hold an encoded slash. Errors: 400 for an encoding that is none, a control character, text that is
/// not UTF-8, a missing or unknown api-version; 404 for an empty segment.
[[nodiscard]] ApiResult<Target> parse_target(std::string_view target, const std::string& prefix_of_alias);

/// Nothing for an encoding that is none, a control character, or what is not UTF-8.
[[nodiscard]] std::optional<std::string> percent_decoded(std::string_view text);

}  // namespace signet::control
