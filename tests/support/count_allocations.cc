// SPDX-License-Identifier: GPL-3.0-or-later
#include "support/count_allocations.h"

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
}

namespace signet::test {

std::uint64_t allocations_of_this_thread() {
  return count;
}

bool counts_allocations() {
  return SIGNET_COUNTS_ALLOCATIONS != 0;
}

}  // namespace signet::test

#if SIGNET_COUNTS_ALLOCATIONS
// The C library's own names for its allocator: ours stand in front of it.
extern "C" {
void* __libc_malloc(std::size_t size);
void* __libc_calloc(std::size_t count, std::size_t size);
void* __libc_realloc(void* block, std::size_t size);

void* malloc(std::size_t size) {
  ++count;
  return __libc_malloc(size);
}

void* calloc(std::size_t items, std::size_t size) {
  ++count;
  return __libc_calloc(items, size);
}

void* realloc(void* block, std::size_t size) {
  ++count;
  return __libc_realloc(block, size);
}
}
#endif
