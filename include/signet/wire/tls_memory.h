// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include <cstddef>
#include <cstdint>

namespace signet::wire {

/// Memory that wolfSSL holds. wolfSSL allocates and frees its record buffers around every record; blocks therefore come from free lists of
/// the calling thread, by size class, so that a connection in steady state reaches neither malloc nor a lock. Installed before main, in
/// every program that links the TLS engine. Blocks may be freed on another thread than the one that made them; a free list lives as long as
/// its thread.
struct TlsMemoryStatistics {
  std::uint64_t system_allocations = 0;  ///< blocks that this thread has asked malloc for
  std::int64_t bytes_in_use = 0;         ///< with headers; of this thread: negative where it frees what others made
  std::size_t bytes_kept = 0;            ///< in this thread's free lists, with headers
  std::size_t blocks_kept = 0;           ///< there, in number
};

[[nodiscard]] TlsMemoryStatistics tls_memory_statistics();

}  // namespace signet::wire
