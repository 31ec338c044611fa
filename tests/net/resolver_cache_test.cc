// SPDX-License-Identifier: GPL-3.0-or-later
#include <algorithm>
#include <catch2/catch_test_macros.hpp>
#include <chrono>
#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "signet/net/resolver.h"
#include "fake_name_server.h"
#include "sim/sim_io.h"

using namespace signet;
using namespace std::chrono_literals;
using net::Resolution;
using net::Resolver;
using net::ResolverCache;
using sim::SimIo;
using test::FakeNameServer;

namespace {

struct Waiter final : ResolverCache::Waiter {
  void on_resolved(const std::shared_ptr<const Resolution>& found) override {
    resolution = found;
    ++calls;
  }
  void on_resolve_failed(Error failure) override {
    error = std::move(failure);
    ++calls;
  }

  std::shared_ptr<const Resolution> resolution;
  std::optional<Error> error;
  int calls = 0;
};

/// A shard whose clock the test moves; names come from a real resolver that asks a name server of the test.
struct World {
  explicit World(std::size_t entries_max = 100) : cache(io, resolver.get(), entries_max) {}

  static std::unique_ptr<Resolver> make_resolver(const FakeNameServer& server) {
    Result<std::unique_ptr<Resolver>> made = Resolver::create({.servers = {server.endpoint()}, .timeout = 30s});
    REQUIRE(made.has_value());
    return std::move(*made);
  }
  /// One answer of the resolver arrives.
  void take_answer() {
    io.wait_for_post();
    io.turn();
  }
  std::shared_ptr<const Resolution> find(const std::string& host, ResolverCache::Waiter& waiter) { return cache.find(host, 443, waiter); }
  /// Makes the name known.
  std::shared_ptr<const Resolution> learn(const std::string& host) {
    Waiter waiter;
    REQUIRE(find(host, waiter) == nullptr);
    take_answer();
    REQUIRE(waiter.resolution != nullptr);
    return waiter.resolution;
  }

  FakeNameServer server;
  std::unique_ptr<Resolver> resolver = make_resolver(server);
  SimIo io{1};
  ResolverCache cache;
};

std::vector<std::string> texts(const std::shared_ptr<const Resolution>& resolution) {
  std::vector<std::string> texts;
  for (const Endpoint& endpoint : resolution->endpoints) {
    texts.push_back(endpoint.text());
  }
  std::sort(texts.begin(), texts.end());
  return texts;
}

using Texts = std::vector<std::string>;

}  // namespace

TEST_CASE("addresses are answered at once, without a resolver too", "[net][resolver]") {
  SimIo io(1);
  ResolverCache cache(io, nullptr);
  Waiter waiter;
  CHECK(texts(cache.find("192.0.2.7", 80, waiter)) == Texts{"192.0.2.7:80"});
  CHECK(texts(cache.find("2001:db8::7", 443, waiter)) == Texts{"[2001:db8::7]:443"});
  CHECK(cache.find("orders.test", 443, waiter) == nullptr);
  CHECK(waiter.calls == 0);
  io.turn();
  CHECK(waiter.calls == 1);
  REQUIRE(waiter.error);
  CHECK(waiter.error->kind == ErrorKind::dns_failure);
}

TEST_CASE("all who wait for a name hear the answer to one query, and the next finds it at once", "[net][resolver]") {
  World world;
  world.server.set("orders.test", {"127.0.0.2", "127.0.0.3"}, 60);
  Waiter first;
  Waiter second;
  Waiter cancelled;
  CHECK(world.find("orders.test", first) == nullptr);
  CHECK(world.find("orders.test", cancelled) == nullptr);
  CHECK(world.find("orders.test", second) == nullptr);
  world.cache.cancel(cancelled);
  world.take_answer();
  CHECK(first.calls == 1);
  CHECK(second.calls == 1);
  CHECK(cancelled.calls == 0);
  REQUIRE(first.resolution != nullptr);
  CHECK(texts(first.resolution) == Texts{"127.0.0.2:443", "127.0.0.3:443"});
  CHECK(second.resolution == first.resolution);
  CHECK(world.find("orders.test", cancelled) == first.resolution);
  CHECK(world.server.asked("orders.test") == 1);
}

TEST_CASE("an answer is kept for its time to live; then it serves while the next one is fetched", "[net][resolver]") {
  World world;
  world.server.set("orders.test", {"127.0.0.2"}, 60);
  const auto old = world.learn("orders.test");
  world.server.set("orders.test", {"127.0.0.9"}, 60);
  Waiter waiter;
  world.io.run_for(59s);
  CHECK(world.find("orders.test", waiter) == old);
  CHECK(world.server.asked("orders.test") == 1);
  world.io.run_for(2s);
  CHECK(world.find("orders.test", waiter) == old);
  world.take_answer();
  const auto fresh = world.find("orders.test", waiter);
  REQUIRE(fresh != nullptr);
  CHECK(texts(fresh) == Texts{"127.0.0.9:443"});
  CHECK(world.server.asked("orders.test") == 2);
  CHECK(waiter.calls == 0);
}

TEST_CASE("a time to live counts as one second at least and five minutes at most", "[net][resolver]") {
  World world;
  world.server.set("brief.test", {"127.0.0.2"}, 0);
  world.server.set("long.test", {"127.0.0.3"}, 1'000'000);
  const auto brief = world.learn("brief.test");
  Waiter waiter;
  world.io.run_for(900ms);
  CHECK(world.find("brief.test", waiter) == brief);
  CHECK(world.server.asked("brief.test") == 1);
  world.io.run_for(200ms);
  CHECK(world.find("brief.test", waiter) == brief);
  world.take_answer();
  CHECK(world.server.asked("brief.test") == 2);
  const auto eternal = world.learn("long.test");
  world.io.run_for(301s);
  CHECK(world.find("long.test", waiter) == eternal);
  world.take_answer();
  CHECK(world.server.asked("long.test") == 2);
}

TEST_CASE("an old answer serves on when the name server fails", "[net][resolver]") {
  World world;
  world.server.set("orders.test", {"127.0.0.2"}, 1);
  const auto old = world.learn("orders.test");
  world.server.set_mood(FakeNameServer::Mood::fails);
  Waiter waiter;
  for (int i = 0; i < 3; ++i) {
    world.io.run_for(10s);
    CHECK(world.find("orders.test", waiter) == old);
    world.take_answer();
  }
  CHECK(world.find("orders.test", waiter) == old);
  CHECK(waiter.calls == 0);
}

TEST_CASE("an answer that is too old serves no longer", "[net][resolver]") {
  World world;
  world.server.set("orders.test", {"127.0.0.2"}, 1);
  world.learn("orders.test");
  world.server.set_mood(FakeNameServer::Mood::fails);
  world.io.run_for(limits::resolve_stale_max + 2s);
  Waiter waiter;
  CHECK(world.find("orders.test", waiter) == nullptr);
  world.take_answer();
  REQUIRE(waiter.error);
  CHECK(waiter.error->kind == ErrorKind::dns_failure);
}

TEST_CASE("that a name does not exist replaces an older answer, and is remembered for a while", "[net][resolver]") {
  World world;
  world.server.set("orders.test", {"127.0.0.2"}, 1);
  const auto old = world.learn("orders.test");
  world.server.remove("orders.test");
  world.io.run_for(2s);
  Waiter waiter;
  CHECK(world.find("orders.test", waiter) == old);
  world.take_answer();
  const int asked = world.server.asked("orders.test");
  CHECK(world.find("orders.test", waiter) == nullptr);
  CHECK(waiter.calls == 0);  // not from inside find
  world.io.turn();
  CHECK(waiter.calls == 1);
  REQUIRE(waiter.error);
  CHECK(waiter.error->kind == ErrorKind::dns_failure);
  CHECK(world.server.asked("orders.test") == asked);
  world.server.set("orders.test", {"127.0.0.4"}, 60);
  world.io.run_for(6s);
  CHECK(texts(world.learn("orders.test")) == Texts{"127.0.0.4:443"});
}

TEST_CASE("a refusal that is due can be cancelled", "[net][resolver]") {
  SimIo io(1);
  ResolverCache cache(io, nullptr);
  Waiter waiter;
  CHECK(cache.find("orders.test", 443, waiter) == nullptr);
  cache.cancel(waiter);
  io.turn();
  CHECK(waiter.calls == 0);
}

TEST_CASE("the cache keeps as many names as allowed, those used last, and never drops one that is asked for", "[net][resolver]") {
  World world(2);
  for (const char* name : {"a.test", "b.test", "c.test"}) {
    world.server.set(name, {"127.0.0.2"}, 300);
  }
  world.learn("a.test");
  world.io.run_for(1s);
  world.learn("b.test");
  world.io.run_for(1s);
  Waiter waiter;
  CHECK(world.find("a.test", waiter) != nullptr);
  world.learn("c.test");
  CHECK(world.cache.entries() == 2);
  CHECK(world.find("a.test", waiter) != nullptr);
  world.server.set_mood(FakeNameServer::Mood::silent);
  Waiter second;
  Waiter third;
  CHECK(world.find("d.test", waiter) == nullptr);
  CHECK(world.find("e.test", second) == nullptr);
  CHECK(world.find("f.test", third) == nullptr);
  world.io.turn();
  REQUIRE(third.error);
  CHECK(third.error->kind == ErrorKind::overload);
  CHECK(waiter.calls + second.calls == 0);
  world.cache.cancel(waiter);
  world.cache.cancel(second);
}

TEST_CASE("a cache may end while queries are under way", "[net][resolver]") {
  FakeNameServer server;
  server.set_mood(FakeNameServer::Mood::silent);
  server.set("known.test", {"127.0.0.2"}, 60);
  auto resolver = World::make_resolver(server);
  auto io = std::make_unique<SimIo>(1);
  auto cache = std::make_unique<ResolverCache>(*io, resolver.get());
  Waiter waiter;
  SECTION("before the answer is there") {
    CHECK(cache->find("orders.test", 443, waiter) == nullptr);
    cache->cancel(waiter);
    cache.reset();
  }
  SECTION("when the answer waits to be taken") {
    server.set_mood(FakeNameServer::Mood::answers);
    CHECK(cache->find("known.test", 443, waiter) == nullptr);
    io->wait_for_post();
    cache->cancel(waiter);
    cache.reset();
    io->turn();
  }
  io.reset();
  resolver.reset();
  CHECK(waiter.calls == 0);
}
