// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>

#include "signet/base/check.h"
#include "signet/base/clock.h"

namespace signet::io {

/// A member of an intrusive list, with what to call when its turn comes. Base of timers and deferred calls.
class Node {
 public:
  Node(const Node&) = delete;
  Node& operator=(const Node&) = delete;

  [[nodiscard]] bool linked() const { return next_ != this; }
  void unlink() {
    previous_->next_ = next_;
    next_->previous_ = previous_;
    previous_ = next_ = this;
  }

 protected:
  using Handler = void (*)(void* owner);
  Node() = default;
  Node(void* owner, Handler handler) : owner_(owner), handler_(handler) {}
  ~Node() {
    if (linked()) {
      unlink();
    }
  }

 private:
  friend class NodeList;
  Node* previous_ = this;
  Node* next_ = this;
  void* owner_ = nullptr;
  Handler handler_ = nullptr;
};

/// A list of nodes that it does not own. First in, first out.
class NodeList : private Node {
 public:
  [[nodiscard]] bool empty() const { return !linked(); }
  void push_back(Node& node);
  /// REQUIRES: not empty.
  Node& pop_front();
  /// All of `other`, behind what is here.
  void take_all(NodeList& other);
  static void call(Node& node) { node.handler_(node.owner_); }
};

/// Base of Timer.
class TimerNode : public Node {
 protected:
  using Node::Node;

 private:
  friend class TimerWheel;
  std::uint64_t due_tick_ = 0;
};

/// Hierarchical timing wheel (Varghese and Lauck, 1987): start and stop cost the same however many timers there are. Times are rounded up
/// to the tick; a timer never fires early. One per shard; handlers run from `advance` only, and may start, stop or destroy any timer.
class TimerWheel {
 public:
  /// Length of a tick: 4.19 ms. Timeouts of connections need no more.
  static constexpr int tick_shift = 22;

  explicit TimerWheel(TimePoint now);

  void start(TimerNode& timer, Duration after);
  /// Fires what is due.
  void advance(TimePoint now);
  /// When `advance` must be called next: not later than the first timer. TimePoint::max() without timers.
  [[nodiscard]] TimePoint next();
  [[nodiscard]] TimePoint now() const { return now_; }
  /// Tells the wheel the time without firing anything: `start` counts from it.
  void set_now(TimePoint now) { now_ = now; }

 private:
  static constexpr unsigned level_bits = 6;
  static constexpr std::size_t slots = 1U << level_bits;
  static constexpr std::size_t levels = 6;

  struct Expiry {
    std::size_t level;
    std::size_t slot;
    std::uint64_t tick;
  };

  void insert(TimerNode& timer);
  bool next_expiry(Expiry& expiry);

  std::array<std::array<NodeList, slots>, levels> wheel_;
  std::array<std::uint64_t, levels> occupied_{};  ///< a bit per slot; may be set for a slot that has become empty
  NodeList firing_;
  TimePoint now_;
  std::uint64_t elapsed_tick_;
};

/// `io::Timer<Session, &Session::on_idle> idle_{this};` The destructor stops it.
template <class Owner, void (Owner::*handler)()>
class Timer : public TimerNode {
 public:
  explicit Timer(Owner* owner) : TimerNode(owner, [](void* object) { (static_cast<Owner*>(object)->*handler)(); }) {}

  /// Fires once, `after` from now; a running timer starts anew.
  void start(TimerWheel& wheel, Duration after) { wheel.start(*this, after); }
  void stop() {
    if (linked()) {
      unlink();
    }
  }
  [[nodiscard]] bool active() const { return linked(); }
};

/// A call that is made later in this turn of the loop, or in the next: see Io::defer. The destructor cancels it.
template <class Owner, void (Owner::*handler)()>
class Deferred : public Node {
 public:
  explicit Deferred(Owner* owner) : Node(owner, [](void* object) { (static_cast<Owner*>(object)->*handler)(); }) {}
  void cancel() {
    if (linked()) {
      unlink();
    }
  }
  [[nodiscard]] bool active() const { return linked(); }
};

}  // namespace signet::io
