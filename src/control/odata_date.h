// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include <chrono>
#include <cstdint>
#include <optional>
#include <ratio>
#include <string_view>

namespace signet::control {

/// As fine as what .NET writes.
using Ticks = std::chrono::duration<std::int64_t, std::ratio<1, 10'000'000>>;
using Instant = std::chrono::sys_time<Ticks>;

/// RFC 3339, of which the time, the seconds and the offset may be left out: "2030-01-01", "2030-01-01T12:30Z",
/// "2030-01-01T12:30:00.5+02:00". Midnight, no seconds, UTC. Nothing for anything else.
[[nodiscard]] std::optional<Instant> parse_instant(std::string_view text);

}  // namespace signet::control
