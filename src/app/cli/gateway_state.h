// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include <map>
#include <string>
#include <vector>

#include "client.h"
#include "desired.h"
#include "plan.h"

namespace signet::app::cli {

/// What a gateway has.
struct GatewayState {
  Objects objects;
  std::map<Parts, std::string> etags;  ///< of those that `refresh` has looked at
  std::vector<Parts> fixed;            ///< likewise: those that stand in the gateway's own file
};

/// Every object of these kinds. Throws Failure.
[[nodiscard]] GatewayState read_state(Client& client);

/// make_plan over what is there, in which each object that it would change or remove has been read anew, with its entity tag: a write
/// replaces exactly what was compared. Throws Failure.
[[nodiscard]] std::vector<Step> plan_against(Client& client, const Objects& wanted, GatewayState& state, const PlanOptions& options);

/// One step. Throws Failure.
void carry_out(Client& client, const Step& step, const Desired& desired, const GatewayState& state);

}  // namespace signet::app::cli
