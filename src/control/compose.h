// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "signet/config/config.h"
#include "signet/config/report.h"
#include "signet/control/reconciler.h"

namespace signet::control {

/// The file's configuration with the objects of the store in it. Errors: an object whose properties are not good, one whose id the file has
/// too, one without the API that it belongs to.
[[nodiscard]] config::Config compose(const config::Config& file, const Objects& objects, config::Report& report);

/// The parts of a key: "apis", "orders", "operations", "get". Ids in keys have "%" and "/" percent-encoded; here they are plain.
[[nodiscard]] std::vector<std::string> key_parts(std::string_view key);

/// The other way round.
[[nodiscard]] std::string make_key(std::span<const std::string> parts);

/// "%" and "/" percent-encoded: one part of a key.
[[nodiscard]] std::string key_part(std::string_view plain);

}  // namespace signet::control
