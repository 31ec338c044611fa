// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include <cstdint>
#include <map>
#include <nlohmann/json.hpp>
#include <string>
#include <vector>

/// What has to be done so that a gateway has the objects that it should have. Pure: neither files nor network.
namespace signet::app::cli {

using nlohmann::json;
using Parts = std::vector<std::string>;

/// Objects by where they are ({"apis", "orders", "operations", "get"}), each with its properties in the normal form (`normalised`). Of a
/// certificate only what tells one from another: {"thumbprint"} or {"keyVault": {"secretIdentifier"}}. Of a policy {"value"}.
using Objects = std::map<Parts, json>;

/// What stands in answers in place of secrets.
inline constexpr std::string_view secret_mask = "********";

enum class Action : std::uint8_t { add, change, remove };

struct PropertyChange {
  Action action = Action::change;
  std::string property;  ///< "tls.validateCertificateChain"
  std::string before;    ///< as JSON; empty for what was not there, and for secrets
  std::string after;
};

struct Step {
  Action action = Action::add;
  Parts parts;
  std::vector<PropertyChange> changes;  ///< of a change
  json properties;                      ///< what is to be there; null for a removal
};

struct PlanOptions {
  bool prune = false;            ///< remove what `wanted` does not have
  bool rewrite_secrets = false;  ///< write backends whose secrets cannot be compared, for a gateway does not tell them
};

/// Properties as they are compared and written: no nulls and nothing empty (but `path`), references to other objects as plain ids, defaults
/// of the API filled in, nothing that only answers have.
[[nodiscard]] json normalised(const Parts& parts, json properties);

/// In the order in which every reference leads somewhere at any time: certificates, backends, pools of them, APIs, operations, policies;
/// then removals the other way round, without what goes with its API or operation anyway. `actual` may have objects that belong to the
/// gateway's own file: `fixed` names them, they are never removed.
[[nodiscard]] std::vector<Step> make_plan(const Objects& wanted, const Objects& actual, const std::vector<Parts>& fixed,
                                          const PlanOptions& options);

/// "backend orders", "operation orders/get", "policy of API orders", "global policy".
[[nodiscard]] std::string name_of(const Parts& parts);
/// One line per object and changed property, "+", "~" and "−" in front. No secrets, no text of policies.
[[nodiscard]] std::string plan_text(const std::vector<Step>& plan);
[[nodiscard]] json plan_json(const std::vector<Step>& plan);
/// "2 to add, 1 to change, 0 to remove"
[[nodiscard]] std::string plan_summary(const std::vector<Step>& plan);

}  // namespace signet::app::cli
