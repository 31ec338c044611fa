// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include <cstddef>
#include <cstring>
#include <memory>
#include <string>
#include <vector>

#include "signet/base/bytes.h"

namespace signet::wire {

/// Overwrites memory in a way that the compiler may not leave out.
inline void wipe(MutableByteView bytes) {
  if (!bytes.empty()) {
    explicit_bzero(bytes.data(), bytes.size());
  }
}
/// The text is empty afterwards.
inline void wipe(std::string& text) {
  wipe(std::as_writable_bytes(std::span(text.data(), text.size())));
  text.clear();
}

/// std::allocator that wipes a block before it goes back to the heap: on destruction, on growth, on assignment.
template <typename T>
struct WipingAllocator {
  using value_type = T;

  WipingAllocator() = default;
  template <typename U>
  explicit(false) WipingAllocator(const WipingAllocator<U>& /*other*/) noexcept {}

  [[nodiscard]] T* allocate(std::size_t count) { return std::allocator<T>().allocate(count); }
  void deallocate(T* block, std::size_t count) noexcept {
    explicit_bzero(static_cast<void*>(block), count * sizeof(T));
    std::allocator<T>().deallocate(block, count);
  }

  friend bool operator==(const WipingAllocator& /*left*/, const WipingAllocator& /*right*/) { return true; }
};

/// Bytes that must not stay behind in freed memory: keys, passwords, decrypted contents.
using SecretBytes = std::vector<std::byte, WipingAllocator<std::byte>>;

[[nodiscard]] inline SecretBytes secret_copy(ByteView bytes) {
  return SecretBytes(bytes.begin(), bytes.end());
}

}  // namespace signet::wire
