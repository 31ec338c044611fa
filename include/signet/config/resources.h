// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include <string_view>

#include "signet/config/config.h"
#include "signet/config/report.h"

/// Single objects in the form of the management REST resources: `properties` is the JSON text of that member, the id stands beside it. They
/// have the same names, limits and checks as in the configuration file; what only one of the two knows is said here. Faults go to `report`,
/// each with a Source of no file and no line whose pointer is "/", the object's key and the property: "/backends/orders/tls/serverName".
namespace signet::config {

/// `certificateIds` may be full resource ids. `proxy` is refused. Properties of the service's answers are passed over.
[[nodiscard]] Backend parse_backend(std::string_view id, std::string_view properties, Report& report);

/// Without operations and policy, which are objects of their own. Neither backendId nor serviceUrl need be there.
[[nodiscard]] Api parse_api(std::string_view id, std::string_view properties, Report& report);

[[nodiscard]] Operation parse_operation(std::string_view api_id, std::string_view id, std::string_view properties, Report& report);

}  // namespace signet::config
