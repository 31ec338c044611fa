// SPDX-License-Identifier: GPL-3.0-or-later
#include "signet/control/worker_pool.h"

#include <atomic>
#include <catch2/catch_test_macros.hpp>
#include <latch>
#include <thread>

using signet::control::WorkerPool;

TEST_CASE("what is submitted is done", "[control][worker-pool]") {
  std::latch done(100);
  WorkerPool pool(3, 100);
  for (int i = 0; i < 100; ++i) {
    CHECK(pool.submit([&done] { done.count_down(); }));
  }
  done.wait();
}

TEST_CASE("a full queue takes no more until there is room", "[control][worker-pool]") {
  std::latch busy(1);
  std::latch go_on(1);
  std::latch done(2);
  WorkerPool pool(1, 2);
  REQUIRE(pool.submit([&] {
    busy.count_down();
    go_on.wait();
  }));
  busy.wait();
  CHECK(pool.submit([&done] { done.count_down(); }));
  CHECK(pool.submit([&done] { done.count_down(); }));
  CHECK_FALSE(pool.submit([] {}));
  go_on.count_down();
  done.wait();
  CHECK(pool.submit([] {}));
}

TEST_CASE("stopping waits for what is being done, drops what waits, and takes nothing more", "[control][worker-pool]") {
  std::latch busy(1);
  std::atomic<bool> over = false;
  std::atomic<bool> second = false;
  std::latch go_on(1);
  WorkerPool pool(1, 1'000'000'000);
  REQUIRE(pool.submit([&] {
    busy.count_down();
    go_on.wait();
    over = true;
  }));
  REQUIRE(pool.submit([&] { second = true; }));
  busy.wait();
  // The worker goes on only once the pool is stopping: by then what waited is gone.
  std::thread stopper([&] { pool.stop(); });
  while (pool.submit([] {})) {
  }
  go_on.count_down();
  stopper.join();
  CHECK(over);
  CHECK_FALSE(second);
  CHECK_FALSE(pool.submit([] {}));
}
