// SPDX-License-Identifier: GPL-3.0-or-later
#include "signet/base/log.h"

#include <fmt/core.h>
#include <spdlog/sinks/stdout_sinks.h>
#include <spdlog/spdlog.h>

#include <iterator>
#include <memory>

namespace signet::log {

namespace {

spdlog::logger& logger() {
  static const std::shared_ptr<spdlog::logger> instance = [] {
    auto made = std::make_shared<spdlog::logger>("signet", std::make_shared<spdlog::sinks::stderr_sink_mt>());
    made->set_pattern("%Y-%m-%dT%H:%M:%S.%e%z %l %v");
    made->flush_on(spdlog::level::info);
    return made;
  }();
  return *instance;
}

spdlog::level::level_enum to_spdlog(Level level) {
  switch (level) {
    case Level::debug: return spdlog::level::debug;
    case Level::info: return spdlog::level::info;
    case Level::warning: return spdlog::level::warn;
    case Level::error: return spdlog::level::err;
  }
  return spdlog::level::err;
}

}  // namespace

void write(Level level, std::string_view message) {
  logger().log(to_spdlog(level), "{}", message);
}

void set_level(Level level) {
  logger().set_level(to_spdlog(level));
}

Level level_from(std::string_view name) {
  return name == "debug" ? Level::debug : name == "warning" ? Level::warning : name == "error" ? Level::error : Level::info;
}

std::string printable(std::string_view text, std::size_t size_max) {
  std::string out;
  const std::string_view shown = text.substr(0, size_max);
  out.reserve(shown.size());
  for (const char c : shown) {
    const auto byte = static_cast<unsigned char>(c);
    if (byte < 0x20 || byte >= 0x7f || c == '"' || c == '\\') {
      fmt::format_to(std::back_inserter(out), "\\x{:02x}", byte);
    } else {
      out.push_back(c);
    }
  }
  if (shown.size() < text.size()) {
    out += "...";
  }
  return out;
}

}  // namespace signet::log
