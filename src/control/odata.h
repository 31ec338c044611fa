// SPDX-License-Identifier: GPL-3.0-or-later
// $filter of the management API: what lists are narrowed by.
//
//   filter     = conjunction *( "or" conjunction )
//   conjunction = term *( "and" term )
//   term       = "not" term / "(" filter ")" / comparison / call [ ( "eq" / "ne" ) ( "true" / "false" ) ]
//   comparison = field operator literal / literal operator field
//   operator   = "eq" / "ne" / "gt" / "ge" / "lt" / "le"
//   call       = ( "contains" / "startswith" / "endswith" ) "(" field "," string ")" / "substringof" "(" string "," field ")"
//   literal    = string / number / "true" / "false" / "null" / date / [ "datetime" / "datetimeoffset" ] "'" date "'"
//   date       = yyyy-mm-dd [ "T" hh:mm [ :ss [ .f ] ] [ "Z" / offset ] ]
//
// Keywords have their case, fields have none (the service does not mind). In a string two apostrophes stand for one.
#pragma once

#include <cstddef>
#include <expected>
#include <memory>
#include <nlohmann/json_fwd.hpp>
#include <span>
#include <string>
#include <string_view>

namespace signet::control {

/// Longest filter, in bytes, and its deepest nesting of parentheses and "not".
inline constexpr std::size_t filter_size_max = 8192;
inline constexpr std::size_t filter_depth_max = 32;

/// A condition on objects. Immutable; copies share it.
class Filter {
 public:
  struct Term;

  explicit Filter(std::shared_ptr<const Term> term) : term_(std::move(term)) {}

  /// `object`: the properties of a resource, with "name" among them.
  ///
  /// Texts are equal, and stand before each other, byte by byte; the functions pass over the case of ASCII letters, because people search
  /// with them. A text that is a date is compared as an instant with a date (no offset: UTC). A field that is not there is null: equal to
  /// null only, neither above nor below anything, contained in nothing. So is a value of another type than the literal's, but it is not
  /// null.
  [[nodiscard]] bool matches(const nlohmann::json& object) const;

 private:
  std::shared_ptr<const Term> term_;
};

/// `fields`: those that may be named, as they are or behind "properties/". Error: one sentence with the position (in characters, from 1),
/// what was expected and what was found there.
[[nodiscard]] std::expected<Filter, std::string> parse_filter(std::string_view text, std::span<const std::string_view> fields);

}  // namespace signet::control
