// SPDX-License-Identifier: GPL-3.0-or-later
#include "signet/config/plan.h"

#include <tuple>

namespace signet::config {

namespace {
/// The window's number in the upper half, the calls in the lower.
constexpr std::uint64_t calls_mask = 0xffffffffU;
}  // namespace

bool IpFilter::admits(const Endpoint& caller) const {
  for (const Range& range : ranges) {
    const bool same_family = range.from.family == caller.family;
    if (same_family && range.from.address <= caller.address && caller.address <= range.to.address) {
      return allow;
    }
  }
  return !allow;
}

std::optional<std::uint32_t> RateWindow::take(std::uint32_t calls_max, std::uint32_t period_s, std::uint64_t now_s) {
  const std::uint64_t window = (now_s / period_s) & calls_mask;
  std::uint64_t state = state_.load(std::memory_order_relaxed);
  for (;;) {
    const std::uint64_t calls = state >> 32 == window ? state & calls_mask : 0;
    if (calls >= calls_max) {
      return period_s - static_cast<std::uint32_t>(now_s % period_s);
    }
    if (state_.compare_exchange_weak(state, window << 32 | (calls + 1), std::memory_order_relaxed)) {
      return std::nullopt;
    }
  }
}

}  // namespace signet::config
