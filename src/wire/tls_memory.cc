// SPDX-License-Identifier: GPL-3.0-or-later
#include "signet/wire/tls_memory.h"

#include <wolfssl/wolfcrypt/memory.h>
#include <wolfssl/wolfcrypt/settings.h>

#include <algorithm>
#include <array>
#include <bit>
#include <cstdlib>
#include <cstring>
#include <limits>

#include "signet/base/check.h"
#include "tls_memory_install.h"

namespace signet::wire {

namespace {

/// In front of every block; keeps malloc's alignment for what follows.
struct alignas(16) Header {
  Header* next;        ///< in a free list
  std::uint32_t size;  ///< of the block, with this header
  std::uint32_t size_class;
};
static_assert(sizeof(Header) == 16);

// Four classes per doubling: 64, 80, 96, 112, 128, 160, … 32 KiB, 40 KiB, 48 KiB. The largest holds more than two records of RFC 8446.
constexpr std::size_t block_bytes_min = 64;
constexpr std::size_t block_bytes_max = 48 * 1024;
constexpr std::uint32_t size_classes = 39;
constexpr std::uint32_t no_class = size_classes;
constexpr std::size_t kept_bytes_max = std::size_t{8} << 20;  // per thread

constexpr std::uint32_t class_of(std::size_t size) {
  if (size <= block_bytes_min) {
    return 0;
  }
  const auto power = static_cast<std::uint32_t>(std::bit_width(size - 1) - std::bit_width(block_bytes_min));
  const std::size_t below = block_bytes_min << power;  // size is in (below, 2 * below]
  const std::size_t quarter = below / 4;
  return 4 * power + static_cast<std::uint32_t>((size - below + quarter - 1) / quarter);
}

constexpr std::size_t bytes_of(std::uint32_t size_class) {
  const std::size_t power = block_bytes_min << (size_class / 4);
  return power + size_class % 4 * (power / 4);
}

static_assert(class_of(1) == 0 && class_of(64) == 0 && class_of(65) == 1 && class_of(80) == 1 && class_of(81) == 2 && class_of(128) == 4);
static_assert(bytes_of(0) == 64 && bytes_of(1) == 80 && bytes_of(4) == 128 && bytes_of(5) == 160);
static_assert(bytes_of(size_classes - 1) == block_bytes_max && class_of(block_bytes_max) == size_classes - 1);

/// Trivial, so that it can be used until the last instruction of its thread, also after its lists were emptied.
struct Pool {
  std::array<Header*, size_classes> heads;
  TlsMemoryStatistics statistics;
  bool closed;  ///< the thread ends: nothing is kept any more
};
constinit thread_local Pool pool{};

/// Empties the calling thread's pool when the thread ends.
struct Closer {
  ~Closer() {
    pool.closed = true;
    for (Header*& head : pool.heads) {
      while (head != nullptr) {
        Header* const block = head;
        head = block->next;
        std::free(block);
      }
    }
    pool.statistics.bytes_kept = 0;
    pool.statistics.blocks_kept = 0;
  }
};
thread_local Closer closer;

Header* from_system(std::size_t size) {
  auto* const block = static_cast<Header*>(std::malloc(size));
  if (block != nullptr) {
    ++pool.statistics.system_allocations;
  }
  return block;
}

void* allocate(std::size_t size) {
  if (size > std::numeric_limits<std::uint32_t>::max() - sizeof(Header)) {
    return nullptr;
  }
  std::size_t total = size + sizeof(Header);
  const std::uint32_t size_class = total <= block_bytes_max ? class_of(total) : no_class;
  Header* block = nullptr;
  if (size_class != no_class) {
    total = bytes_of(size_class);
    block = pool.heads[size_class];
  }
  if (block != nullptr) {
    pool.heads[size_class] = block->next;
    pool.statistics.bytes_kept -= total;
    --pool.statistics.blocks_kept;
  } else {
    block = from_system(total);
    if (block == nullptr) {
      return nullptr;
    }
  }
  block->size = static_cast<std::uint32_t>(total);
  block->size_class = size_class;
  pool.statistics.bytes_in_use += static_cast<std::int64_t>(total);
  return block + 1;
}

void release(void* memory) {
  if (memory == nullptr) {
    return;
  }
  Header* const block = static_cast<Header*>(memory) - 1;
  pool.statistics.bytes_in_use -= block->size;
  if (block->size_class == no_class || pool.closed || pool.statistics.bytes_kept + block->size > kept_bytes_max) {
    std::free(block);
    return;
  }
  if (pool.statistics.bytes_kept == 0) {
    static_cast<void>(&closer);  // registers it: a thread may do nothing but free what others have made
  }
  block->next = pool.heads[block->size_class];
  pool.heads[block->size_class] = block;
  pool.statistics.bytes_kept += block->size;
  ++pool.statistics.blocks_kept;
}

void* reallocate(void* memory, std::size_t size) {
  if (memory == nullptr) {
    return allocate(size);
  }
  const std::size_t old_size = (static_cast<Header*>(memory) - 1)->size - sizeof(Header);
  if (size <= old_size) {
    return memory;
  }
  void* const larger = allocate(size);
  if (larger != nullptr) {
    std::memcpy(larger, memory, old_size);
    release(memory);
  }
  return larger;
}

const bool installed = [] {
  SIGNET_CHECK(wolfSSL_SetAllocators(allocate, release, reallocate) == 0);
  return true;
}();

}  // namespace

void install_tls_memory() {
  SIGNET_CHECK(installed);
}

TlsMemoryStatistics tls_memory_statistics() {
  return pool.statistics;
}

}  // namespace signet::wire
