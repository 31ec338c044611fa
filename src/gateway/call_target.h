// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include <optional>
#include <string>
#include <string_view>

#include "signet/config/plan.h"
#include "signet/config/router.h"

namespace signet::gateway {

/// A call's target as it came, and where the call goes.
struct CallTarget {
  const config::Route& route;
  const config::Plan& plan;
  const config::Destination& destination;
  std::string_view path;                  ///< normalised
  std::optional<std::string_view> query;  ///< as it was sent
  const config::TemplateValues& values;   ///< of the operation's template
};

/// Appends the target for the back end: the base path of the upstream, then the call's path below the API's or the policy's in its place,
/// then the query with the policy's edits. REQUIRES: `path` is what `route` was found with.
///
/// Query parameters have one name if they are the same once percent-decoded, whatever their ASCII case: a caller shall not get a parameter
/// past a policy by spelling it differently. What a template's parameter brings into a query stays one value: "&" and the like are encoded.
void append_call_target(const CallTarget& call, std::string& out);

}  // namespace signet::gateway
