// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include <chrono>

namespace signet {

/// Monotonic time of a shard. Only io reads the real clock; every other layer is told the time, so that the simulator can own it.
using Duration = std::chrono::nanoseconds;
using TimePoint = std::chrono::time_point<std::chrono::steady_clock, Duration>;

/// Wall-clock time of certificates, in whole seconds (X.509 has no finer).
using WallTime = std::chrono::sys_seconds;

}  // namespace signet
