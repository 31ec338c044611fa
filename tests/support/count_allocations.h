// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>

namespace signet::test {

/// Heap allocations (malloc, calloc, realloc, and all that rests on them) that the calling thread has made so far.
[[nodiscard]] std::uint64_t allocations_of_this_thread();

/// What the calling thread holds: what it has allocated less what it has freed, as the allocator counts, its own overhead included.
struct LiveAllocations {
  std::int64_t bytes = 0;
  /// Blocks by size: `blocks[n]` are of n * 16 bytes, overhead included; the last entry counts all that are larger.
  std::array<std::int32_t, 1025> blocks{};
};
[[nodiscard]] const LiveAllocations& live_allocations_of_this_thread();

/// False under sanitizers, which have an allocator of their own: nothing is counted there.
[[nodiscard]] bool counts_allocations();

}  // namespace signet::test
