// SPDX-License-Identifier: GPL-3.0-or-later
#include "signet/config/json_version.h"

#include <fmt/core.h>
#include <simdjson.h>

namespace signet::config {

std::string json_library_version() {
  return fmt::format("simdjson {}.{}.{}", int{simdjson::SIMDJSON_VERSION_MAJOR}, int{simdjson::SIMDJSON_VERSION_MINOR},
                     int{simdjson::SIMDJSON_VERSION_REVISION});
}

}  // namespace signet::config
