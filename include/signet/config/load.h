// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include <cstddef>
#include <optional>
#include <string>
#include <string_view>

#include "signet/config/config.h"
#include "signet/config/files.h"
#include "signet/config/report.h"

namespace signet::config {

/// Largest configuration file, in bytes.
inline constexpr std::size_t config_file_bytes_max = std::size_t{16} * 1024 * 1024;
/// Deepest nesting of arrays and objects in it.
inline constexpr std::size_t config_depth_max = 32;

struct Loaded {
  std::optional<Config> config;  ///< nothing if the report has errors
  Report report;
};

/// Reads one JSON file (RFC 8259) and checks every value in it: type, range, form, unknown and repeated keys, repeated ids, settings that
/// exclude each other. Goes on after an error, so that one run shows all. Files that the configuration names are not opened, and references
/// between objects not followed: `build_snapshot` does that.
[[nodiscard]] Loaded load_config(const std::string& path, Files& files);

/// The same for a text at hand; `path` is what messages call it and where relative paths start.
[[nodiscard]] Loaded parse_config(const std::string& path, std::string_view text);

}  // namespace signet::config
