// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include <cstddef>
#include <nlohmann/json.hpp>
#include <set>
#include <string>

/// The simple part of the expressions in ARM templates ("[concat(parameters('service'), '/orders')]"): parameters, variables, concat,
/// format, resourceId, toLower, toUpper, string, with .name and [index] behind them. Pure.
namespace signet::app::cli {

using nlohmann::json;

/// What expressions may refer to.
struct ArmScope {
  json parameters = json::object();  ///< values by name; missing: not known
  json variables = json::object();   ///< as they stand in the template
};

/// A value in which every expression has been carried out. What is not known stands in it as "<parameters('x')>", and in `unknown`: never
/// as a value that was guessed.
struct Evaluated {
  json value;
  std::set<std::string> unknown;
};

/// Deepest nesting of values, calls and variables.
inline constexpr std::size_t arm_depth_max = 64;

[[nodiscard]] Evaluated evaluate(const json& value, const ArmScope& scope);

/// The parameters' default values, replaced by those of a parameters file (null: none).
[[nodiscard]] ArmScope arm_scope(const json& arm_template, const json& parameters_file);

}  // namespace signet::app::cli
