// SPDX-License-Identifier: GPL-3.0-or-later
// What is secret in a backend's properties: the values of credentials.header and credentials.query, credentials.authorization.parameter,
// proxy.password. Names are shown, values are masked.
#pragma once

#include <nlohmann/json.hpp>
#include <string>
#include <string_view>

#include "api_error.h"

namespace signet::control {

/// What stands in an answer in place of a secret. Sent back, it means: as it is.
inline constexpr std::string_view secret_mask = "********";

struct MaskedProperties {
  nlohmann::json value;   ///< with masks
  nlohmann::json secret;  ///< merged into `value` (RFC 7396) it gives what was there; an empty object for nothing
};

[[nodiscard]] MaskedProperties mask_secrets(nlohmann::json properties);

/// Puts what `secret` has (of the object that is replaced; an empty object for none) in the place of masks. 400 if there is nothing.
[[nodiscard]] ApiResult<void> fill_masks(nlohmann::json& properties, const nlohmann::json& secret);

}  // namespace signet::control
