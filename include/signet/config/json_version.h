// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include <string>

namespace signet::config {

/// "simdjson 3.0.1"
[[nodiscard]] std::string json_library_version();

}  // namespace signet::config
