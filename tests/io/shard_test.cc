// SPDX-License-Identifier: GPL-3.0-or-later
#include "signet/io/shard.h"

#include <pthread.h>

#include <array>
#include <atomic>
#include <catch2/catch_test_macros.hpp>
#include <catch2/generators/catch_generators.hpp>
#include <future>
#include <memory>
#include <string>
#include <thread>
#include <utility>
#include <vector>

using namespace signet;

namespace {

/// Runs `call` on the shard and waits for its end.
template <typename Call>
void on_shard(io::Shard& shard, Call call) {
  std::promise<void> done;
  shard.post([&] {
    call();
    done.set_value();
  });
  done.get_future().wait();
}

}  // namespace

TEST_CASE("calls posted from several threads all run on the shard, each thread's in order", "[io]") {
  auto shard = io::Shard::start({});
  REQUIRE(shard.has_value());
  constexpr int posters = 4;
  constexpr int calls = 25'000;
  std::array<int, posters> next{};
  std::atomic<int> out_of_order = 0;
  std::atomic<int> elsewhere = 0;
  std::thread::id home;
  on_shard(**shard, [&] { home = std::this_thread::get_id(); });
  std::vector<std::thread> threads;
  for (int poster = 0; poster < posters; ++poster) {
    threads.emplace_back([&, poster] {
      for (int i = 0; i < calls; ++i) {
        (*shard)->post([&, poster, i] {
          out_of_order += next[static_cast<std::size_t>(poster)]++ == i ? 0 : 1;
          elsewhere += std::this_thread::get_id() == home ? 0 : 1;
        });
      }
    });
  }
  for (std::thread& thread : threads) {
    thread.join();
  }
  on_shard(**shard, [] {});
  CHECK(next == std::array<int, posters>{calls, calls, calls, calls});
  CHECK(out_of_order == 0);
  CHECK(elsewhere == 0);
}

TEST_CASE("two shards post to each other", "[io]") {
  auto first = io::Shard::start({.name = "1"});
  auto second = io::Shard::start({.name = "2"});
  REQUIRE(first.has_value());
  REQUIRE(second.has_value());
  std::promise<int> done;
  std::function<void(int)> ping = [&](int left) {
    if (left == 0) {
      done.set_value(7);
      return;
    }
    ((left % 2) == 0 ? *first : *second)->post([&ping, left] { ping(left - 1); });
  };
  (*first)->post([&] { ping(2000); });
  CHECK(done.get_future().get() == 7);
}

TEST_CASE("a shard's thread has the shard's name, cut to what the kernel keeps", "[io]") {
  const auto [name, kept] = GENERATE(std::pair("control", "signet-control"), std::pair("of-a-long-name", "signet-of-a-lon"));
  auto shard = io::Shard::start({.name = name});
  REQUIRE(shard.has_value());
  std::array<char, 16> seen{};
  on_shard(**shard, [&] { pthread_getname_np(pthread_self(), seen.data(), seen.size()); });
  CHECK(std::string(seen.data()) == kept);
}
