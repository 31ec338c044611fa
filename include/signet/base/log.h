// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

namespace signet::log {

enum class Level : std::uint8_t { debug, info, warning, error };

/// Operational log on standard error, one line per message. Thread-safe. Not for the access log, which has its own sink (`access`).
void write(Level level, std::string_view message);
inline void info(std::string_view message) {
  write(Level::info, message);
}
inline void warning(std::string_view message) {
  write(Level::warning, message);
}
inline void error(std::string_view message) {
  write(Level::error, message);
}

/// Messages under `level` are dropped. Call before threads start.
void set_level(Level level);
/// "debug", "info", "warning", "error"; anything else is info.
[[nodiscard]] Level level_from(std::string_view name);

/// `text` with control bytes, quotes and backslashes written as \xNN, so that what a peer sent cannot forge a log line. At most `size_max`
/// bytes of input are shown.
[[nodiscard]] std::string printable(std::string_view text, std::size_t size_max = 256);

}  // namespace signet::log
