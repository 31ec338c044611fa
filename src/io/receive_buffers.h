// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include <liburing.h>

#include <cstddef>
#include <cstdint>
#include <vector>

#include "signet/base/result.h"
#include "signet/io/operation.h"

namespace signet::io {

/// Buffers that the kernel fills: it takes one from a ring that it shares with us when bytes have arrived, so that connections that wait
/// hold none.
///
/// The ring is first in, first out, so every buffer in it is used, and its memory touched, in turn. It is therefore kept short and grows
/// only when it runs dry; buffers beyond it rest on a free list, last in, first out. All memory is reserved at once and backed by pages
/// only where it is used.
class ReceiveBuffers final : public BufferSource {
 public:
  static constexpr int group = 0;

  /// Registers the ring. Error: internal.
  Result<void> open(io_uring& ring, std::uint32_t buffers_max);
  void close(io_uring& ring);

  /// The buffer that a completion names, with `size` received bytes.
  [[nodiscard]] Buffer take(std::uint32_t id, std::uint32_t size);
  void give_back(std::uint32_t id) override;

  /// A receive found the ring empty: make it longer. False when every buffer is in use.
  bool replenish();
  [[nodiscard]] bool available() const { return in_ring_ != 0; }

 private:
  void put_in_ring(std::uint32_t id);
  bool add();
  [[nodiscard]] std::byte* data(std::uint32_t id) const;

  io_uring_buf_ring* ring_ = nullptr;
  std::byte* memory_ = nullptr;
  std::vector<std::uint32_t> free_;
  std::uint32_t entries_ = 0;    ///< of the ring, and number of buffers: a power of two
  std::uint32_t untouched_ = 0;  ///< buffers from here on were never used
  std::uint32_t in_ring_ = 0;
  std::uint32_t in_ring_target_ = 32;
};

}  // namespace signet::io
