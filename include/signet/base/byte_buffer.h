// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include <cstddef>
#include <cstdint>
#include <cstring>
#include <string_view>
#include <utility>

#include "signet/base/bytes.h"
#include "signet/base/check.h"

namespace signet {

/// A queue of bytes in one contiguous block: appended at the end, consumed from the front. What a protocol engine writes and a transport
/// sends.
///
/// Its block comes from a free list of the calling thread and goes back there as soon as the buffer is empty (`release_if_empty`,
/// destructor), so that an idle connection holds nothing and a busy one allocates nothing in steady state. Stays on one thread. Moving is
/// cheap; a moved-from buffer is empty.
///
/// Views into it are valid until the next call that is not const.
class ByteBuffer {
 public:
  ByteBuffer() = default;
  ByteBuffer(ByteBuffer&& other) noexcept { swap(other); }
  ByteBuffer& operator=(ByteBuffer&& other) noexcept {
    ByteBuffer taken(std::move(other));
    swap(taken);
    return *this;
  }
  ~ByteBuffer() { release(); }

  [[nodiscard]] std::size_t size() const { return end_ - begin_; }
  [[nodiscard]] bool empty() const { return begin_ == end_; }
  [[nodiscard]] ByteView view() const { return {block_ + begin_, size()}; }
  [[nodiscard]] MutableByteView mutable_view() { return {block_ + begin_, size()}; }
  [[nodiscard]] std::string_view text() const { return as_text(view()); }

  void append(ByteView bytes) {
    if (!bytes.empty()) {
      std::memcpy(prepare(bytes.size()).data(), bytes.data(), bytes.size());
      end_ += static_cast<std::uint32_t>(bytes.size());
    }
  }
  void append(std::string_view text) { append(as_bytes(text)); }

  /// At least `size` writable bytes at the end (often more). Follow with `commit` of what was written.
  [[nodiscard]] MutableByteView prepare(std::size_t size) {
    if (capacity_ - end_ < size) {
      grow(size);
    }
    return {block_ + end_, capacity_ - end_};
  }
  /// The first `size` bytes of the last `prepare` now belong to the queue.
  void commit(std::size_t size) {
    SIGNET_CHECK(size <= capacity_ - end_);
    end_ += static_cast<std::uint32_t>(size);
  }

  /// Drops the first `size` bytes. REQUIRES: size <= this->size().
  void consume(std::size_t size) {
    SIGNET_CHECK(size <= this->size());
    begin_ += static_cast<std::uint32_t>(size);
    if (begin_ == end_) {
      clear();
    }
  }
  /// Cuts the queue back to its first `size` bytes. REQUIRES: size <= this->size().
  void truncate(std::size_t size);
  void clear() { begin_ = end_ = 0; }
  /// Gives the block back if nothing is queued.
  void release_if_empty() {
    if (empty() && block_ != nullptr) {
      release();
    }
  }

  void swap(ByteBuffer& other) noexcept {
    std::swap(block_, other.block_);
    std::swap(capacity_, other.capacity_);
    std::swap(begin_, other.begin_);
    std::swap(end_, other.end_);
  }

 private:
  void release();
  void grow(std::size_t size);

  std::byte* block_ = nullptr;
  std::uint32_t capacity_ = 0;
  std::uint32_t begin_ = 0;
  std::uint32_t end_ = 0;
};

}  // namespace signet
