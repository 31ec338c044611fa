// SPDX-License-Identifier: GPL-3.0-or-later
#include "receive_buffers.h"

#include <fmt/core.h>
#include <sys/mman.h>

#include <algorithm>
#include <bit>
#include <cstring>
#include <utility>

#include "signet/base/check.h"
#include "signet/base/limits.h"

namespace signet::io {

Result<void> ReceiveBuffers::open(io_uring& ring, std::uint32_t buffers_max) {
  entries_ = std::bit_floor(std::clamp<std::uint32_t>(buffers_max, 32, 32768));
  int error = 0;
  ring_ = io_uring_setup_buf_ring(&ring, entries_, group, 0, &error);
  if (ring_ == nullptr) {
    return fail(ErrorKind::internal, Origin::internal,
                fmt::format("io_uring: no ring of provided buffers: {} (Linux 6.1 or later is needed)", std::strerror(-error)));
  }
  void* memory = mmap(nullptr, std::size_t{entries_} * limits::receive_buffer_bytes, PROT_READ | PROT_WRITE,
                      MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
  if (memory == MAP_FAILED) {
    return fail(ErrorKind::internal, Origin::internal, fmt::format("no address space for {} receive buffers", entries_));
  }
  memory_ = static_cast<std::byte*>(memory);
  free_.reserve(entries_);
  while (in_ring_ < in_ring_target_ && add()) {
  }
  return {};
}

void ReceiveBuffers::close(io_uring& ring) {
  if (ring_ != nullptr) {
    io_uring_free_buf_ring(&ring, std::exchange(ring_, nullptr), entries_, group);
  }
  if (memory_ != nullptr) {
    munmap(std::exchange(memory_, nullptr), std::size_t{entries_} * limits::receive_buffer_bytes);
  }
}

std::byte* ReceiveBuffers::data(std::uint32_t id) const {
  return memory_ + std::size_t{id} * limits::receive_buffer_bytes;
}

void ReceiveBuffers::put_in_ring(std::uint32_t id) {
  io_uring_buf_ring_add(ring_, data(id), limits::receive_buffer_bytes, static_cast<unsigned short>(id), io_uring_buf_ring_mask(entries_),
                        0);
  io_uring_buf_ring_advance(ring_, 1);
  ++in_ring_;
}

bool ReceiveBuffers::add() {
  if (!free_.empty()) {
    put_in_ring(free_.back());
    free_.pop_back();
    return true;
  }
  if (untouched_ < entries_) {
    put_in_ring(untouched_++);
    return true;
  }
  return false;
}

Buffer ReceiveBuffers::take(std::uint32_t id, std::uint32_t size) {
  SIGNET_CHECK(in_ring_ != 0);
  --in_ring_;
  if (in_ring_ < in_ring_target_ / 2) {
    while (in_ring_ < in_ring_target_ && add()) {
    }
  }
  return Buffer(*this, id, data(id), size);
}

void ReceiveBuffers::give_back(std::uint32_t id) {
  if (in_ring_ < in_ring_target_) {
    put_in_ring(id);
  } else {
    free_.push_back(id);
  }
}

bool ReceiveBuffers::replenish() {
  in_ring_target_ = std::min(in_ring_target_ * 2, entries_);
  while (in_ring_ < in_ring_target_ && add()) {
  }
  return in_ring_ != 0;
}

}  // namespace signet::io
