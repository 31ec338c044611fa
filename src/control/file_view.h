// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include <nlohmann/json.hpp>
#include <string>

#include "signet/config/config.h"

/// Objects of the configuration file as the resources that they would be. Secrets masked.
namespace signet::control {

/// `prefix`: of ids.
[[nodiscard]] nlohmann::json backend_properties(const std::string& prefix, const config::Backend& backend);
[[nodiscard]] nlohmann::json api_properties(const config::Api& api);
[[nodiscard]] nlohmann::json operation_properties(const config::Operation& operation);

}  // namespace signet::control
