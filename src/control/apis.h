// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include "api_resource.h"

namespace signet::control {

[[nodiscard]] bool api_in_file(const View& view, const std::string& id);
/// 404 if there is none.
[[nodiscard]] ApiResult<void> require_api(const Call& call, const View& view);
/// 409 for one of the configuration file: what belongs to it stands there too.
[[nodiscard]] ApiResult<void> require_own_api(const Call& call, const View& view);
/// Null for none, in the file or in the store. The view's snapshot owns it.
[[nodiscard]] const config::Api* find_api(const config::Config& config, const std::string& id);
[[nodiscard]] const config::Operation* find_operation(const config::Api& api, const std::string& id);
/// Keys of all objects below one: "apis/orders" has "apis/orders/policies/policy".
[[nodiscard]] std::vector<std::string> keys_below(const View& view, const std::string& key);

}  // namespace signet::control
