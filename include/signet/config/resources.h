// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include <string_view>

#include "signet/config/config.h"
#include "signet/config/report.h"

/// Single objects in the form of the management REST resources: `properties` is the JSON text of that member, the id stands beside it. They
/// have the same names, limits and checks as in the configuration file; what only one of the two knows is said here. Faults go to `report`,
/// each with a Source of no file and no line whose pointer is "/", the object's key and the property: "/backends/orders/tls/serverName".
/// Messages show no value of credentials.
///
/// null says that a property is not there. Other objects may be named by their resource ids, in both forms.
namespace signet::config {

/// `url` and `protocol` must be there unless `type` is "Pool". `proxy` is refused.
[[nodiscard]] Backend parse_backend(std::string_view id, std::string_view properties, Report& report);

/// Without operations and policy, which are objects of their own. Neither backendId nor serviceUrl need be there. Properties of the
/// service's answers (isCurrent, provisioningState, …) and such as change nothing here (description, contact, …) are passed over;
/// subscriptions, and types other than http, are refused.
[[nodiscard]] Api parse_api(std::string_view id, std::string_view properties, Report& report);

/// What describes the operation (templateParameters, request, responses) is passed over.
[[nodiscard]] Operation parse_operation(std::string_view api_id, std::string_view id, std::string_view properties, Report& report);

}  // namespace signet::config
