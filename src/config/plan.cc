// SPDX-License-Identifier: GPL-3.0-or-later
#include "signet/config/plan.h"

#include <algorithm>

namespace signet::config {

namespace {
/// The window's number in the upper half, the calls in the lower.
constexpr std::uint64_t calls_mask = 0xffffffffU;

constexpr std::array<std::uint8_t, 12> mapped_prefix{0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0xff, 0xff};

Endpoint without_mapping(const Endpoint& endpoint) {
  if (endpoint.family == Endpoint::Family::ipv4 || !std::equal(mapped_prefix.begin(), mapped_prefix.end(), endpoint.address.begin())) {
    return endpoint;
  }
  Endpoint plain{.family = Endpoint::Family::ipv4, .port = endpoint.port};
  std::copy(endpoint.address.begin() + mapped_prefix.size(), endpoint.address.end(), plain.address.begin());
  return plain;
}

}  // namespace

/// A listener for both families sees IPv4 callers as ::ffff:10.0.0.1; ranges are never written so (`parse_cidr`).
bool IpFilter::admits(const Endpoint& peer) const {
  const Endpoint caller = without_mapping(peer);
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
