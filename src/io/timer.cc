// SPDX-License-Identifier: GPL-3.0-or-later
#include "signet/io/timer.h"

#include <algorithm>
#include <bit>

namespace signet::io {

void NodeList::push_back(Node& node) {
  SIGNET_CHECK(!node.linked());
  node.previous_ = previous_;
  node.next_ = this;
  previous_->next_ = &node;
  previous_ = &node;
}

Node& NodeList::pop_front() {
  SIGNET_CHECK(!empty());
  Node& node = *next_;
  node.unlink();
  return node;
}

void NodeList::take_all(NodeList& other) {
  if (other.empty()) {
    return;
  }
  other.next_->previous_ = previous_;
  other.previous_->next_ = this;
  previous_->next_ = other.next_;
  previous_ = other.previous_;
  other.previous_ = other.next_ = &other;
}

namespace {

std::uint64_t tick_of(TimePoint time) {
  return static_cast<std::uint64_t>(time.time_since_epoch().count()) >> TimerWheel::tick_shift;
}

}  // namespace

TimerWheel::TimerWheel(TimePoint now) : now_(now), elapsed_tick_(tick_of(now)) {}

void TimerWheel::start(TimerNode& timer, Duration after) {
  if (timer.linked()) {
    timer.unlink();
  }
  constexpr Duration after_max = std::chrono::hours(24 * 365);
  timer.due_tick_ = tick_of(now_ + std::clamp(after, Duration::zero(), after_max)) + 1;
  insert(timer);
}

/// The level is where due time and elapsed time first differ, so that a slot never holds timers of two turns of its wheel.
void TimerWheel::insert(TimerNode& timer) {
  timer.due_tick_ = std::max(timer.due_tick_, elapsed_tick_ + 1);
  const std::uint64_t difference = (timer.due_tick_ ^ elapsed_tick_) | (slots - 1);
  const auto level = std::min<std::size_t>(static_cast<std::size_t>(std::bit_width(difference) - 1) / level_bits, levels - 1);
  const auto slot = static_cast<std::size_t>(timer.due_tick_ >> (level * level_bits)) & (slots - 1);
  wheel_[level][slot].push_back(timer);
  occupied_[level] |= std::uint64_t{1} << slot;
}

/// The first slot that is due, on the lowest level that has one: lower levels always come before higher ones.
bool TimerWheel::next_expiry(Expiry& expiry) {
  for (std::size_t level = 0; level < levels; ++level) {
    while (occupied_[level] != 0) {
      const auto shift = static_cast<unsigned>(level) * level_bits;
      const auto now_slot = static_cast<int>((elapsed_tick_ >> shift) & (slots - 1));
      const auto slot = static_cast<std::size_t>(std::countr_zero(std::rotr(occupied_[level], now_slot)) + now_slot) & (slots - 1);
      if (wheel_[level][slot].empty()) {
        occupied_[level] &= ~(std::uint64_t{1} << slot);
        continue;
      }
      const std::uint64_t level_start = (elapsed_tick_ >> (shift + level_bits)) << (shift + level_bits);
      std::uint64_t tick = level_start + (std::uint64_t{slot} << shift);
      if (tick < elapsed_tick_ && level == levels - 1) {
        tick += std::uint64_t{slots} << shift;
      }
      expiry = Expiry{.level = level, .slot = slot, .tick = tick};
      return true;
    }
  }
  return false;
}

void TimerWheel::advance(TimePoint now) {
  now_ = now;
  const std::uint64_t now_tick = tick_of(now);
  Expiry expiry{};
  while (next_expiry(expiry) && expiry.tick <= now_tick) {
    elapsed_tick_ = std::max(elapsed_tick_, expiry.tick);
    occupied_[expiry.level] &= ~(std::uint64_t{1} << expiry.slot);
    firing_.take_all(wheel_[expiry.level][expiry.slot]);
    while (!firing_.empty()) {
      auto& timer = static_cast<TimerNode&>(firing_.pop_front());
      if (timer.due_tick_ <= elapsed_tick_) {
        NodeList::call(timer);  // may destroy it
      } else {
        insert(timer);  // to a lower level
      }
    }
  }
  elapsed_tick_ = std::max(elapsed_tick_, now_tick);
}

TimePoint TimerWheel::next() {
  Expiry expiry{};
  if (!next_expiry(expiry)) {
    return TimePoint::max();
  }
  return TimePoint(Duration(static_cast<std::int64_t>(expiry.tick << tick_shift)));
}

}  // namespace signet::io
