// SPDX-License-Identifier: GPL-3.0-or-later
#include "support/count_allocations.h"

#include <malloc.h>

#include <algorithm>
#include <cstddef>

#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
#define SIGNET_COUNTS_ALLOCATIONS 0
#elif defined(__has_feature)
#if __has_feature(address_sanitizer) || __has_feature(thread_sanitizer)
#define SIGNET_COUNTS_ALLOCATIONS 0
#endif
#endif
#ifndef SIGNET_COUNTS_ALLOCATIONS
#define SIGNET_COUNTS_ALLOCATIONS 1
#endif

namespace {
thread_local std::uint64_t count = 0;
constinit thread_local signet::test::LiveAllocations live;
}  // namespace

namespace signet::test {

std::uint64_t allocations_of_this_thread() {
  return count;
}

const LiveAllocations& live_allocations_of_this_thread() {
  return live;
}

bool counts_allocations() {
  return SIGNET_COUNTS_ALLOCATIONS != 0;
}

}  // namespace signet::test

#if SIGNET_COUNTS_ALLOCATIONS
namespace {

/// `sign` is 1 for a block that came, -1 for one that goes.
void note(void* block, int sign) {
  if (block == nullptr) {
    return;
  }
  const std::size_t size = malloc_usable_size(block) + sizeof(std::size_t);  // glibc keeps the block's size in front of it
  live.bytes += sign * static_cast<std::int64_t>(size);
  live.blocks[std::min(size / 16, live.blocks.size() - 1)] += sign;
}

void* noted(void* block) {
  note(block, 1);
  return block;
}

}  // namespace

// The C library's own names for its allocator: ours stand in front of it.
extern "C" {
void* __libc_malloc(std::size_t size);
void* __libc_calloc(std::size_t count, std::size_t size);
void* __libc_realloc(void* block, std::size_t size);
void* __libc_memalign(std::size_t alignment, std::size_t size);
void __libc_free(void* block);

void* malloc(std::size_t size) {
  ++count;
  return noted(__libc_malloc(size));
}

void* calloc(std::size_t items, std::size_t size) {
  ++count;
  return noted(__libc_calloc(items, size));
}

void* realloc(void* block, std::size_t size) {
  ++count;
  note(block, -1);
  return noted(__libc_realloc(block, size));
}

void* aligned_alloc(std::size_t alignment, std::size_t size) {
  ++count;
  return noted(__libc_memalign(alignment, size));
}

void free(void* block) {
  note(block, -1);
  __libc_free(block);
}
}
#endif
