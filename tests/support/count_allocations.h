// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include <cstdint>

namespace signet::test {

/// Heap allocations (malloc, calloc, realloc, and all that rests on them) that the calling thread has made so far.
[[nodiscard]] std::uint64_t allocations_of_this_thread();

/// False under sanitizers, which have an allocator of their own: nothing is counted there.
[[nodiscard]] bool counts_allocations();

}  // namespace signet::test
