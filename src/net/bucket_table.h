// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include <cstddef>
#include <memory>
#include <utility>
#include <vector>

#include "bucket.h"

namespace signet::net {

/// The buckets of a pool, each under its own key; owns them. Open addressing: a call's look-up reads one or two places of a small table and
/// then the bucket that it needs anyway. In a table of linked nodes it reads two nodes beside that; with a thousand identities called in
/// turn none of them is in a cache, and that was a twentieth of a call's user time.
class BucketTable {
 public:
  BucketTable() : slots_(slots_min) {}

  /// nullptr if there is none. The whole key is compared.
  [[nodiscard]] Bucket* find(const PoolKey& key) const {
    const std::size_t hash = PoolKeyHash{}(key);
    for (std::size_t at = home(hash); slots_[at].bucket != nullptr; at = after(at)) {
      if (slots_[at].hash == hash && slots_[at].bucket->key() == key) {
        return slots_[at].bucket.get();
      }
    }
    return nullptr;
  }

  /// REQUIRES: there is none with its key.
  Bucket& insert(std::unique_ptr<Bucket> bucket) {
    if (2 * (size_ + 1) > slots_.size()) {
      grow();
    }
    ++size_;
    return place({.hash = PoolKeyHash{}(bucket->key()), .bucket = std::move(bucket)});
  }

  /// Destroys `bucket`, which is in the table. Not while somebody iterates.
  void erase(const Bucket& bucket) {
    std::size_t gap = home(PoolKeyHash{}(bucket.key()));
    while (slots_[gap].bucket.get() != &bucket) {
      gap = after(gap);
    }
    const std::unique_ptr<Bucket> erased = std::move(slots_[gap].bucket);
    --size_;
    // Whoever was pushed past the gap moves into it, so that a look-up may stop at the first empty place.
    for (std::size_t at = after(gap); slots_[at].bucket != nullptr; at = after(at)) {
      if (((at - home(slots_[at].hash)) & mask()) >= ((at - gap) & mask())) {
        slots_[gap] = std::move(slots_[at]);
        gap = at;
      }
    }
  }

  /// In no order. `visit` must neither add nor erase a bucket.
  template <typename Visit>
  void for_each(Visit visit) const {
    for (const Slot& slot : slots_) {
      if (slot.bucket != nullptr) {
        visit(*slot.bucket);
      }
    }
  }

 private:
  struct Slot {
    std::size_t hash = 0;
    std::unique_ptr<Bucket> bucket;
  };
  static constexpr std::size_t slots_min = 16;  // a power of two, as their number always is

  [[nodiscard]] std::size_t mask() const { return slots_.size() - 1; }
  [[nodiscard]] std::size_t home(std::size_t hash) const { return (hash ^ (hash >> 32)) & mask(); }
  [[nodiscard]] std::size_t after(std::size_t at) const { return (at + 1) & mask(); }

  Bucket& place(Slot slot) {
    std::size_t at = home(slot.hash);
    while (slots_[at].bucket != nullptr) {
      at = after(at);
    }
    slots_[at] = std::move(slot);
    return *slots_[at].bucket;
  }

  void grow() {
    std::vector<Slot> before = std::exchange(slots_, std::vector<Slot>(2 * slots_.size()));
    for (Slot& slot : before) {
      if (slot.bucket != nullptr) {
        place(std::move(slot));
      }
    }
  }

  std::vector<Slot> slots_;  ///< at most half of them taken
  std::size_t size_ = 0;
};

}  // namespace signet::net
