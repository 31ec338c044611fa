// SPDX-License-Identifier: GPL-3.0-or-later
#include "signet/gateway/gateway.h"

#include <algorithm>
#include <catch2/catch_test_macros.hpp>
#include <chrono>
#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "signet/config/files.h"
#include "signet/config/snapshot.h"
#include "closing_back_end.h"
#include "http_programs.h"
#include "seeds.h"
#include "sim_io.h"
#include "sim_peer.h"

using namespace signet;
using namespace std::chrono_literals;
using sim::Faults;
using sim::Random;
using sim::SimIo;
using sim::SimPeer;

namespace {

std::shared_ptr<const config::Snapshot> make_snapshot(std::uint32_t connections_max, Duration patience = {}) {
  config::Config config;
  config.listeners.push_back({.address = *parse_endpoint("127.0.0.1:8080"), .source = {}});
  config::Backend backend{.id = "orders"};
  backend.url = *config::parse_url("http://127.0.0.1:9000/base");
  backend.connections.max = connections_max;
  if (patience != Duration::zero()) {
    backend.timeouts.connect = backend.timeouts.response = config.timeouts.body = patience;
  }
  config.backends.push_back(backend);
  config.apis.push_back({.id = "orders", .path = "orders", .backend_id = {.value = "orders", .source = {}}});
  config::SystemFiles files;
  config::Built built = config::build_snapshot(config, files, {});
  REQUIRE(built.snapshot != nullptr);
  return built.snapshot;
}

/// One caller with one connection: sends its calls one after the other and compares the answers with what they must be.
struct Caller {
  enum class Version : std::uint8_t { http10, http11 };

  Caller(SimIo& of, Version spoken, std::uint64_t from, std::uint64_t calls)
      : io(of), version(spoken), number(from), calls_left(spoken == Version::http10 ? 1 : calls), peer(of, script()) {}

  SimPeer::Script script() {
    return {.connected = [this](SimPeer&) { ask(); },
            .received = [this](SimPeer&, std::string_view bytes) { read(as_bytes(bytes)); },
            .sent = {},
            .ended = [this](SimPeer&, int how) { end(how); },
            .closed = [this](SimPeer&) { closed = true; }};
  }

  void ask() {
    const std::uint64_t how = io.random().below(3);
    const bool empty = io.random().chance(300);
    const std::size_t size_end = io.random().chance(100) ? 200'000 : 2'000;
    const std::size_t size = empty ? 0 : io.random().below(size_end);
    const std::string line_end = " /orders/" + std::to_string(number) + (version == Version::http10 ? " HTTP/1.0\r\n" : " HTTP/1.1\r\n");
    const bool has_body = how != 0;
    post = has_body && io.random().chance(600);
    request_body = has_body ? sim::filler(number * 31, size) : "";
    std::string text = (post ? "POST" : has_body ? "PUT" : "GET") + line_end + "Host: gateway.test\r\n";
    if (how == 2 && version == Version::http11) {
      text += "Transfer-Encoding: chunked\r\n\r\n" + sim::chunked(request_body, io.random());
    } else if (has_body) {
      text += "Content-Length: " + std::to_string(size) + "\r\n\r\n" + request_body;
    } else {
      text += "\r\n";
    }
    answer.clear();
    reader.start_response({}, "GET", false);
    asking = true;
    peer.write(text);
  }

  void read(ByteView bytes) {
    while (asking) {
      const wire::HttpReader::Step step = reader.read(bytes);
      bytes = bytes.subspan(step.consumed);
      switch (step.event) {
        case wire::HttpReader::Event::need_more: return;
        case wire::HttpReader::Event::head_complete: break;
        case wire::HttpReader::Event::body: answer += as_text(step.body); break;
        case wire::HttpReader::Event::message_complete: complete(); break;
        case wire::HttpReader::Event::failed: wrong = true; return;
      }
    }
    wrong = wrong || !bytes.empty();  // nobody asked for more
  }

  void complete() {
    asking = false;
    if (reader.head().status() == 200) {
      wrong = wrong || answer != sim::right_answer(number, request_body);
      ++good;
    } else {
      wrong = wrong || reader.head().status() < 500;
      ++refused;
      note_failure();
    }
    if (post) {
      posts.push_back(number);
    }
    ++number;
    if (--calls_left == 0 || !reader.head().keep_alive()) {
      peer.close();
    } else {
      ask();
    }
  }

  void end(int how) {
    if (asking && how == 0 && reader.finish().event == wire::HttpReader::Event::message_complete) {
      complete();
    } else if (asking) {
      ++cut;
      if (post) {
        posts.push_back(number);
      }
    }
    asking = false;
    peer.close();
  }

  /// An error was answered to a call that can be sent again: it does no harm, and all of it fits into the replay buffer.
  void note_failure() {
    if (!post && request_body.size() <= config::Backend().replay_buffer_bytes) {
      ++safe_failed;
    }
  }

  SimIo& io;
  Version version;
  std::uint64_t number;
  std::uint64_t calls_left;
  wire::HttpReader reader;
  std::string request_body;
  std::string answer;
  std::vector<std::uint64_t> posts;  ///< numbers of calls that may not be repeated
  std::size_t good = 0;
  std::size_t refused = 0;
  std::size_t cut = 0;
  std::size_t safe_failed = 0;
  bool post = false;
  bool asking = false;
  bool wrong = false;
  bool closed = false;
  SimPeer peer;
};

int executions(sim::HttpBackEnd& backend, std::uint64_t number) {
  return backend.seen(number);
}
int executions(sim::ClosingBackEnd& backend, std::uint64_t number) {
  return backend.begun(number);
}

Duration patience(const sim::HttpBackEnd& /*backend*/) {
  return {};
}
/// On a network that takes a byte at a time, too, a call shall come to its end.
Duration patience(const sim::ClosingBackEnd& /*backend*/) {
  return 1h;
}

/// A gateway between callers and a back end, on one network.
template <typename BackEnd>
struct World {
  template <typename... Manners>
  World(std::uint64_t seed, const Faults& faults, Manners... manners)
      : io(seed, faults), backend(io, *parse_endpoint("127.0.0.1:9000"), manners...) {
    const auto connections_max = static_cast<std::uint32_t>(io.random().between(1, 5));
    gateway =
        std::make_unique<gateway::Gateway>(io, make_snapshot(connections_max, patience(backend)), gateway::Gateway::Options{.seed = seed});
    REQUIRE(gateway->listen().has_value());
    const std::uint64_t count = io.random().between(1, 6);
    for (std::uint64_t i = 0; i < count; ++i) {
      const bool old = io.random().chance(200);
      const std::uint64_t calls = io.random().between(1, 6);
      callers.push_back(std::make_unique<Caller>(io, old ? Caller::Version::http10 : Caller::Version::http11, i * 100 + 1, calls));
      callers.back()->peer.connect(*parse_endpoint("127.0.0.1:8080"));
    }
  }

  [[nodiscard]] bool callers_closed() const {
    return std::all_of(callers.begin(), callers.end(), [](const auto& caller) { return caller->closed; });
  }
  void check_callers() {
    for (const auto& caller : callers) {
      CHECK_FALSE(caller->wrong);
      for (const std::uint64_t number : caller->posts) {
        CHECK(executions(backend, number) <= 1);
      }
    }
    CHECK_FALSE(backend.wrong());
  }
  /// After `drain` or `stop`.
  void end() {
    REQUIRE(io.run_until([this] { return done; }, 20'000'000));
    CHECK(gateway->sessions() == 0);
    CHECK(gateway->pool().connections() == 0);
    gateway.reset();
    backend.listener().close();
    backend.listener().close_peers();
    REQUIRE(io.run());
    CHECK(backend.listener().peers() == 0);
    CHECK(io.active_operations() == 0);
    CHECK(io.open_descriptors() == 0);
    CHECK(io.buffers_in_use() == 0);
  }

  SimIo io;
  BackEnd backend;
  std::unique_ptr<gateway::Gateway> gateway;
  std::vector<std::unique_ptr<Caller>> callers;
  bool done = false;
};

}  // namespace

TEST_CASE("through every fault a caller gets its own answer whole, or sees that it did not", "[sim][gateway]") {
  std::size_t good = 0;
  std::size_t refused = 0;
  sim::for_each_seed([&](std::uint64_t seed) {
    Random random(seed);
    const Faults faults = Faults::draw(random);
    const std::uint64_t rudeness = random.chance(500) ? random.below(400) : 0;
    World<sim::HttpBackEnd> world(random.next(), faults, static_cast<std::uint32_t>(rudeness));
    REQUIRE(world.io.run_until([&] { return world.callers_closed(); }, 20'000'000));
    world.check_callers();
    for (const auto& caller : world.callers) {
      good += caller->good;
      refused += caller->refused;
    }
    world.gateway->drain([&] { world.done = true; });
    world.end();
  });
  CHECK(good != 0);
  CHECK(refused != 0);
}

TEST_CASE("on a network without faults each call is answered by its back end", "[sim][gateway]") {
  sim::for_each_seed([&](std::uint64_t seed) {
    Random random(seed);
    World<sim::HttpBackEnd> world(random.next(), Faults{.delay_us_max = random.between(1, 3'000)}, 0U);
    REQUIRE(world.io.run_until([&] { return world.callers_closed(); }, 20'000'000));
    world.check_callers();
    for (const auto& caller : world.callers) {
      CHECK(caller->refused == 0);
      CHECK(caller->cut == 0);
      CHECK(caller->good != 0);
    }
    world.gateway->drain([&] { world.done = true; });
    world.end();
  });
}

TEST_CASE("a gateway that is stopped or drained at any moment leaves nothing behind", "[sim][gateway]") {
  sim::for_each_seed([&](std::uint64_t seed) {
    Random random(seed);
    World<sim::HttpBackEnd> world(random.next(), Faults::draw(random), static_cast<std::uint32_t>(random.below(200)));
    const std::uint64_t turns = random.below(random.chance(500) ? 100 : 2'000);
    for (std::uint64_t i = 0; i < turns; ++i) {
      world.io.turn();
    }
    if (random.chance(500)) {
      world.gateway->stop([&] { world.done = true; });
    } else {
      world.gateway->drain([&] { world.done = true; });
    }
    REQUIRE(world.io.run_until([&] { return world.done && world.callers_closed(); }, 20'000'000));
    world.check_callers();
    world.end();
  });
}

TEST_CASE("back ends that close what rests cost no harmless call, and no call is executed twice that may not be", "[sim][gateway][retry]") {
  std::uint64_t retries = 0;
  std::size_t posts_failed = 0;
  sim::for_each_seed([&](std::uint64_t seed) {
    Random random(seed);
    Faults faults = Faults::draw(random);
    faults.connect_refused = faults.connect_unreachable = faults.connect_silent = faults.reset = 0;
    faults.queue_bytes_max = Faults().queue_bytes_max;
    World<sim::ClosingBackEnd> world(random.next(), faults);
    REQUIRE(world.io.run_until([&] { return world.callers_closed(); }, 20'000'000));
    world.check_callers();
    for (const auto& caller : world.callers) {
      CHECK(caller->safe_failed == 0);
      posts_failed += caller->refused + caller->cut;
    }
    retries += world.gateway->counters().retries;
    world.gateway->drain([&] { world.done = true; });
    world.end();
  });
  CHECK(retries != 0);
  CHECK(posts_failed != 0);
}

namespace {

/// Calls once, and then no more.
struct OneCall {
  explicit OneCall(SimIo& io, std::string_view method)
      : text(std::string(method) + " /orders/1 HTTP/1.1\r\nHost: gateway.test\r\nContent-Length: 4\r\nConnection: close\r\n\r\nbody"),
        peer(io, {.connected = [this](SimPeer& at) { at.write(text); },
                  .received = [this](SimPeer&, std::string_view bytes) { answer += bytes; },
                  .sent = {},
                  .ended = [](SimPeer& at, int) { at.close(); },
                  .closed = [this](SimPeer&) { closed = true; }}) {
    peer.connect(*parse_endpoint("127.0.0.1:8080"));
  }
  std::string text;
  std::string answer;
  bool closed = false;
  SimPeer peer;
};

/// A gateway and a back end of a few words, on a calm network.
struct QuietWorld {
  explicit QuietWorld(std::function<void(SimPeer&)> on_call)
      : backend(io, *parse_endpoint("127.0.0.1:9000"), [on_call] { return script(on_call); }) {
    gateway = std::make_unique<gateway::Gateway>(io, make_snapshot(5), gateway::Gateway::Options{});
    REQUIRE(gateway->listen().has_value());
  }
  ~QuietWorld() {
    bool done = false;
    gateway->stop([&done] { done = true; });
    CHECK(io.run_until([&done] { return done; }));
    gateway.reset();
    backend.close();
    backend.close_peers();
    CHECK(io.run());
  }
  QuietWorld(const QuietWorld&) = delete;
  QuietWorld& operator=(const QuietWorld&) = delete;

  static SimPeer::Script script(const std::function<void(SimPeer&)>& on_call) {
    auto text = std::make_shared<std::string>();
    return {.connected = {},
            .received =
                [text, on_call](SimPeer& peer, std::string_view bytes) {
                  if ((*text += bytes).ends_with("\r\n\r\nbody")) {
                    text->clear();
                    on_call(peer);
                  }
                },
            .sent = {},
            .ended = [](SimPeer& peer, int) { peer.close(); },
            .closed = {}};
  }
  /// The status that the caller saw.
  std::string call(std::string_view method = "PUT") {
    OneCall caller(io, method);
    REQUIRE(io.run_until([&caller] { return caller.closed; }));
    return caller.answer.substr(9, 3);
  }

  SimIo io{1};
  sim::SimPeerListener backend;
  std::unique_ptr<gateway::Gateway> gateway;
};

}  // namespace

TEST_CASE("a connection whose back end announces how long it keeps it is given up a moment earlier", "[sim][gateway][retry]") {
  const auto announcing = [](std::string announced) {
    return [announced](SimPeer& peer) { peer.write("HTTP/1.1 204 No Content\r\nKeep-Alive: " + announced + "\r\n\r\n"); };
  };
  SECTION("a second before long times are over") {
    QuietWorld world(announcing("max=100, timeout=4"));
    for (int i = 0; i < 3; ++i) {
      REQUIRE(world.call() == "204");
      world.io.run_for(2900ms);
      CHECK(world.gateway->pool().connections() == 1);
    }
    CHECK(world.backend.accepted() == 1);
    world.io.run_for(150ms);
    CHECK(world.gateway->pool().connections() == 0);
  }
  SECTION("half the time before short ones are") {
    QuietWorld world(announcing("timeout=1"));
    REQUIRE(world.call() == "204");
    world.io.run_for(400ms);
    CHECK(world.gateway->pool().connections() == 1);
    world.io.run_for(150ms);
    CHECK(world.gateway->pool().connections() == 0);
  }
  SECTION("at once if that is no time") {
    QuietWorld world(announcing("timeout=0"));
    REQUIRE(world.call() == "204");
    world.io.run_for(100ms);
    CHECK(world.gateway->pool().connections() == 0);
  }
  SECTION("as ever if it is no number") {
    QuietWorld world(announcing("timeout=soon, timeout=-1, timeouts=0"));
    REQUIRE(world.call() == "204");
    world.io.run_for(10s);
    CHECK(world.gateway->pool().connections() == 1);
  }
}

TEST_CASE("a connection at rest that its back end ends or resets leaves the pool", "[sim][gateway][retry]") {
  for (const bool orderly : {true, false}) {
    SimPeer* last = nullptr;
    QuietWorld world([&last](SimPeer& peer) {
      last = &peer;
      peer.write("HTTP/1.1 204 No Content\r\n\r\n");
    });
    REQUIRE(world.call() == "204");
    CHECK(world.gateway->pool().connections() == 1);
    orderly ? last->finish() : last->abort();
    world.io.run_for(100ms);
    CHECK(world.gateway->pool().connections() == 0);
    CHECK(world.call("POST") == "204");
    CHECK(world.backend.accepted() == 2);
    CHECK(world.gateway->counters().retries == 0);
  }
}

TEST_CASE("a second attempt has what the first has left of the time for an answer", "[sim][gateway][retry]") {
  int calls = 0;
  QuietWorld world([&calls](SimPeer& peer) {
    if (++calls == 1) {
      peer.write("HTTP/1.1 204 No Content\r\n\r\n");
    }
  });
  REQUIRE(world.call() == "204");
  OneCall caller(world.io, "PUT");
  world.io.run_for(200s);  // of 300
  CHECK(calls == 2);
  world.backend.close_peers();
  world.io.run_for(90s);
  CHECK(calls == 3);
  CHECK(caller.answer.empty());
  world.io.run_for(15s);
  CHECK(caller.answer.starts_with("HTTP/1.1 504"));
}
