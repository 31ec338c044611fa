// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include <chrono>

#include "signet/base/clock.h"

namespace signet::io {

/// The system's wall clock, for threads that have no Io to ask. What the simulator runs asks its Io.
[[nodiscard]] inline WallTime wall_now() {
  return std::chrono::floor<std::chrono::seconds>(std::chrono::system_clock::now());
}

}  // namespace signet::io
