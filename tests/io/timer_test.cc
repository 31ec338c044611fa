// SPDX-License-Identifier: GPL-3.0-or-later
#include "signet/io/timer.h"

#include <algorithm>
#include <catch2/catch_test_macros.hpp>
#include <chrono>
#include <memory>
#include <random>
#include <vector>

using namespace signet;
using namespace std::chrono_literals;

namespace {

constexpr Duration tick{std::int64_t{1} << io::TimerWheel::tick_shift};

struct Alarm {
  void on_timer() { fired_at.push_back(wheel->now()); }
  io::TimerWheel* wheel = nullptr;
  std::vector<TimePoint> fired_at;
  io::Timer<Alarm, &Alarm::on_timer> timer{this};
};

}  // namespace

TEST_CASE("a timer fires once, never early, and at most two ticks late when the wheel is asked when to wake", "[io]") {
  std::mt19937_64 random(1);
  TimePoint now{123456789s};
  io::TimerWheel wheel(now);
  std::vector<std::unique_ptr<Alarm>> alarms;
  std::vector<TimePoint> due;
  for (int i = 0; i < 3000; ++i) {
    alarms.push_back(std::make_unique<Alarm>());
    alarms.back()->wheel = &wheel;
    const Duration after{static_cast<std::int64_t>(random() % (std::uint64_t{1} << (20 + random() % 26)))};
    alarms.back()->timer.start(wheel, after);
    due.push_back(now + after);
  }
  while (wheel.next() != TimePoint::max()) {
    now = std::max(now + 1ns, wheel.next());
    wheel.advance(now);
  }
  for (std::size_t i = 0; i < alarms.size(); ++i) {
    CAPTURE(i);
    REQUIRE(alarms[i]->fired_at.size() == 1);
    REQUIRE(alarms[i]->fired_at[0] >= due[i]);
    REQUIRE(alarms[i]->fired_at[0] <= due[i] + 2 * tick);
  }
}

TEST_CASE("timers fire in the order in which they are due, whatever steps time takes", "[io]") {
  std::mt19937_64 random(2);
  TimePoint now{5s};
  io::TimerWheel wheel(now);
  std::vector<int> order;
  struct Numbered {
    Numbered(std::vector<int>* list, int which) : order(list), number(which) {}
    void on_timer() { order->push_back(number); }
    std::vector<int>* order;
    int number;
    io::Timer<Numbered, &Numbered::on_timer> timer{this};
  };
  std::vector<std::unique_ptr<Numbered>> timers;
  for (int i = 0; i < 500; ++i) {
    timers.push_back(std::make_unique<Numbered>(&order, i));
    timers.back()->timer.start(wheel, 10ms * (i + 1));
  }
  while (order.size() < timers.size()) {
    now += Duration(random() % 1'000'000'000);
    wheel.advance(now);
  }
  CHECK(std::is_sorted(order.begin(), order.end()));
}

TEST_CASE("a handler may start, stop and destroy timers, its own too", "[io]") {
  TimePoint now{1s};
  io::TimerWheel wheel(now);
  struct Chain {
    void on_timer() {
      if (++count < 5) {
        timer.start(*wheel, 20ms);
      }
      victim.reset();
      other->timer.stop();
    }
    io::TimerWheel* wheel;
    int count = 0;
    std::unique_ptr<Alarm> victim = std::make_unique<Alarm>();
    Alarm* other = nullptr;
    io::Timer<Chain, &Chain::on_timer> timer{this};
  };
  Alarm other;
  Chain chain{&wheel};
  chain.other = &other;
  chain.victim->wheel = other.wheel = &wheel;
  chain.timer.start(wheel, 20ms);
  chain.victim->timer.start(wheel, 20ms);
  other.timer.start(wheel, 20ms);
  for (int i = 0; i < 100; ++i) {
    now += 10ms;
    wheel.advance(now);
  }
  CHECK(chain.count == 5);
  CHECK(other.fired_at.empty());
  CHECK_FALSE(chain.timer.active());
}

TEST_CASE("a stopped or destroyed timer does not fire", "[io]") {
  TimePoint now{1s};
  io::TimerWheel wheel(now);
  Alarm stopped;
  stopped.wheel = &wheel;
  stopped.timer.start(wheel, 1s);
  {
    Alarm gone;
    gone.timer.start(wheel, 1s);
  }
  stopped.timer.stop();
  CHECK(wheel.next() == TimePoint::max());
  wheel.advance(now + 10s);
  CHECK(stopped.fired_at.empty());
}
