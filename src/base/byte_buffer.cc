// SPDX-License-Identifier: GPL-3.0-or-later
#include "signet/base/byte_buffer.h"

#include <algorithm>
#include <array>
#include <bit>
#include <cstdlib>
#include <cstring>
#include <limits>
#include <new>

#include "signet/base/check.h"

namespace signet {

namespace {

constexpr std::size_t block_size_min = 4096;
constexpr std::size_t size_classes = 8;                       // 4 KiB … 512 KiB; larger blocks are not kept
constexpr std::size_t kept_bytes_max = std::size_t{8} << 20;  // per thread

/// Blocks of one thread that wait for their next use. A free block's first bytes hold the pointer to the next one.
class FreeBlocks {
 public:
  ~FreeBlocks() {
    for (std::byte*& head : heads_) {
      while (head != nullptr) {
        std::free(pop(head));
      }
    }
  }

  std::byte* take(std::size_t size) {
    const std::size_t index = class_of(size);
    if (index < size_classes && heads_[index] != nullptr) {
      kept_bytes_ -= size;
      return pop(heads_[index]);
    }
    auto* block = static_cast<std::byte*>(std::malloc(size));
    if (block == nullptr) {
      throw std::bad_alloc();
    }
    return block;
  }

  void give(std::byte* block, std::size_t size) {
    const std::size_t index = class_of(size);
    if (index >= size_classes || kept_bytes_ + size > kept_bytes_max) {
      std::free(block);
      return;
    }
    std::memcpy(block, &heads_[index], sizeof(std::byte*));
    heads_[index] = block;
    kept_bytes_ += size;
  }

 private:
  static std::size_t class_of(std::size_t size) {
    return static_cast<std::size_t>(std::countr_zero(size) - std::countr_zero(block_size_min));
  }

  static std::byte* pop(std::byte*& head) {
    std::byte* block = head;
    std::memcpy(&head, block, sizeof(std::byte*));
    return block;
  }

  std::array<std::byte*, size_classes> heads_{};
  std::size_t kept_bytes_ = 0;
};

FreeBlocks& free_blocks() {
  thread_local FreeBlocks blocks;
  return blocks;
}

}  // namespace

void ByteBuffer::truncate(std::size_t size) {
  SIGNET_CHECK(size <= this->size());
  end_ = begin_ + static_cast<std::uint32_t>(size);
}

void ByteBuffer::release() {
  if (block_ != nullptr) {
    free_blocks().give(block_, capacity_);
    block_ = nullptr;
    capacity_ = 0;
  }
  clear();
}

void ByteBuffer::grow(std::size_t size) {
  const std::size_t queued = this->size();
  const std::size_t wanted = queued + size;
  SIGNET_CHECK(wanted <= std::numeric_limits<std::uint32_t>::max() / 2);
  if (wanted <= capacity_ && begin_ >= queued) {  // the room is at the front: cheaper than a larger block
    std::memcpy(block_, block_ + begin_, queued);
  } else {
    const std::size_t capacity = std::bit_ceil(std::max(wanted, block_size_min));
    std::byte* block = free_blocks().take(capacity);
    if (queued != 0) {
      std::memcpy(block, block_ + begin_, queued);
    }
    if (block_ != nullptr) {
      free_blocks().give(block_, capacity_);
    }
    block_ = block;
    capacity_ = static_cast<std::uint32_t>(capacity);
  }
  begin_ = 0;
  end_ = static_cast<std::uint32_t>(queued);
}

}  // namespace signet
