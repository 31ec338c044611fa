// SPDX-License-Identifier: GPL-3.0-or-later
#include <algorithm>
#include <catch2/catch_test_macros.hpp>
#include <chrono>
#include <cstring>
#include <memory>
#include <string>
#include <vector>

#include "signet/net/connection_pool.h"
#include "seeds.h"
#include "sim_io.h"
#include "sim_peer.h"

using namespace signet;
using namespace std::chrono_literals;
using sim::Faults;
using sim::Random;
using sim::SimIo;
using sim::SimPeer;
using sim::SimPeerListener;

namespace {

constexpr std::string_view question = "question ";
constexpr std::string_view goodbye = "goodbye!";

/// What the calls of one run have in common.
struct World {
  World(std::uint64_t seed, const Faults& faults) : io(seed, faults), pool(io) {}
  void drain() {
    pool.drain([this] { on_drained(); });
    REQUIRE(io.run_until([this] { return drained != 0; }));
  }
  void drain_from_here() {
    pool.drain([this] { on_drained(); });
  }
  void on_drained() {
    CHECK(pool.connections() == 0);
    ++drained;
  }

  SimIo io;
  net::ConnectionPool pool;
  net::PoolLimits limits;
  std::size_t held = 0;  ///< leases that are in use
  std::size_t held_most = 0;
  bool may_cancel = true;
  int drained = 0;
};

/// One call: leases a connection, sends a number, waits for it to come back. Some keep the connection for a while, as a caller does who has
/// proved himself on it.
class Call final : public net::LeaseUser, public net::Keeper {
 public:
  enum class End : std::uint8_t { none, refused, lease_failed, cancelled, answered, spoken_to, backend_failed, backend_ended };

  Call(World& world, const Endpoint& endpoint, std::uint64_t number) : world_(world), endpoint_(endpoint), number_(number) {}

  void start_after(Duration time) { timer_.start(world_.io.timers(), time); }
  [[nodiscard]] End end() const { return end_; }
  [[nodiscard]] ErrorKind error() const { return error_; }
  [[nodiscard]] bool wrong() const { return wrong_; }
  bool drains_on_failure = false;  ///< drains the pool when it hears that no connection could be made
  [[nodiscard]] std::string text() const { return std::string(question) + std::to_string(number_) + "\n"; }

 private:
  void on_timer() {
    if (kept_ != nullptr) {
      stop_keeping(*std::exchange(kept_, nullptr));
      return;
    }
    if (waiting_) {
      waiting_ = false;
      world_.pool.cancel(*this);
      finish(End::cancelled);
      return;
    }
    inside_ = true;
    const Result<net::Connection*> leased = world_.pool.lease(endpoint_, nullptr, world_.limits, *this);
    inside_ = false;
    if (!leased) {
      error_ = leased.error().kind;
      finish(End::refused);
    } else if (*leased != nullptr) {
      use(**leased);
    } else {
      waiting_ = true;
      if (world_.may_cancel && world_.io.random().chance(200)) {
        const std::uint64_t patience_ms = world_.io.random().below(500);
        timer_.start(world_.io.timers(), std::chrono::milliseconds(patience_ms));
      }
    }
  }

  void on_lease_ready(net::Connection& connection) override {
    wrong_ = wrong_ || inside_ || !waiting_;
    waiting_ = false;
    timer_.stop();
    use(connection);
  }
  void on_lease_failed(Error error) override {
    wrong_ = wrong_ || inside_ || !waiting_;
    waiting_ = false;
    timer_.stop();
    error_ = error.kind;
    finish(End::lease_failed);
    if (drains_on_failure) {
      world_.drain_from_here();
    }
  }

  void use(net::Connection& connection) {
    wrong_ = wrong_ || connection.endpoint() != endpoint_ || connection.was_kept();
    connection_ = &connection;
    world_.held_most = std::max(world_.held_most, ++world_.held);
    connection.output().append(text());
    connection.flush();
  }

  /// Takes its answer and nothing else. What the back end says unasked may come when the connection has just been lent again: that is its
  /// fault, and seen for what it is; the answer to another call never is.
  void on_backend_data(ByteView& data) override {
    const std::size_t size = std::min(data.size(), text().size() - answer_.size());
    answer_ += as_text(data.first(size));
    data = data.subspan(size);
    if (answer_.front() == goodbye.front()) {
      release(net::Reuse::no);
      finish(End::spoken_to);
      return;
    }
    wrong_ = wrong_ || connection_ == nullptr || !text().starts_with(answer_);
    if (answer_ == text() && world_.io.random().chance(200)) {
      keep();
      finish(End::answered);
    } else if (answer_ == text()) {
      const bool reuse = world_.io.random().chance(800);
      release(reuse ? net::Reuse::yes : net::Reuse::no_flush_first);
      finish(End::answered);
    }
  }
  void on_backend_end() override {
    wrong_ = wrong_ || connection_ == nullptr;
    release(net::Reuse::no);
    finish(End::backend_ended);
  }
  void on_backend_drained() override {}
  void on_backend_failed(Error error) override {
    wrong_ = wrong_ || connection_ == nullptr;
    error_ = error.kind;
    connection_ = nullptr;
    --world_.held;
    finish(End::backend_failed);
  }

  void keep() {
    --world_.held;
    const std::uint64_t time_ms = world_.io.random().below(300);
    timer_.start(world_.io.timers(), std::chrono::milliseconds(time_ms));
    kept_ = std::exchange(connection_, nullptr);
    kept_->keep_for(*this);
  }
  /// Either way nobody else gets it.
  void stop_keeping(net::Connection& kept) {
    if (world_.io.random().chance(500)) {
      kept.let_go();
      return;
    }
    kept.take(*this);
    kept.release(net::Reuse::yes);
  }
  void on_kept_gone() override {
    wrong_ = wrong_ || kept_ == nullptr;
    kept_ = nullptr;
    timer_.stop();
  }

  void release(net::Reuse reuse) {
    --world_.held;
    std::exchange(connection_, nullptr)->release(reuse);
  }
  void finish(End end) {
    wrong_ = wrong_ || end_ != End::none;
    end_ = end;
  }

  World& world_;
  Endpoint endpoint_;
  std::uint64_t number_;
  net::Connection* connection_ = nullptr;
  net::Connection* kept_ = nullptr;
  std::string answer_;
  End end_ = End::none;
  ErrorKind error_ = ErrorKind::internal;
  bool waiting_ = false;
  bool inside_ = false;
  bool wrong_ = false;
  io::Timer<Call, &Call::on_timer> timer_{this};
};

/// A back end that answers each line with itself, and that is sometimes rude: closes before or after an answer, says things that nobody
/// asked for.
SimPeer::Script back_end(SimIo& io, std::uint32_t rudeness_permille) {
  auto line = std::make_shared<std::string>();
  return {.connected = {},
          .received =
              [&io, rudeness_permille, line](SimPeer& peer, std::string_view bytes) {
                *line += bytes;
                if (line->back() != '\n') {
                  return;
                }
                const bool rude = io.random().chance(rudeness_permille);
                const std::uint64_t how = io.random().below(5);
                if (rude && how == 0) {
                  peer.close();
                  return;
                }
                if (rude && how == 1) {
                  line->resize(line->size() / 2);
                }
                peer.write(*line);
                line->clear();
                if (rude && how == 2) {
                  peer.write(goodbye);
                }
                if (rude && how != 4) {
                  peer.finish();
                }
              },
          .sent = {},
          .ended = [](SimPeer& peer, int) { peer.close(); },
          .closed = {}};
}

std::vector<std::unique_ptr<Call>> make_calls(World& world, const std::vector<Endpoint>& endpoints, std::uint64_t count) {
  std::vector<std::unique_ptr<Call>> calls;
  for (std::uint64_t i = 0; i < count; ++i) {
    const Endpoint& endpoint = endpoints[world.io.random().below(endpoints.size())];
    calls.push_back(std::make_unique<Call>(world, endpoint, i));
    calls.back()->start_after(std::chrono::milliseconds(world.io.random().below(1000)));
  }
  return calls;
}

bool all_ended(const std::vector<std::unique_ptr<Call>>& calls) {
  return std::all_of(calls.begin(), calls.end(), [](const auto& call) { return call->end() != Call::End::none; });
}

}  // namespace

TEST_CASE("each call for a pooled connection ends, with its own answer or with an error, within the limits", "[sim][pool]") {
  std::size_t answered = 0;
  std::size_t reused = 0;
  sim::for_each_seed([&](std::uint64_t seed) {
    Random random(seed);
    const Faults faults = Faults::draw(random);
    World world(random.next(), faults);
    world.limits.connections_max = static_cast<std::uint32_t>(random.between(1, 6));
    world.limits.waiting_max = static_cast<std::uint32_t>(random.chance(300) ? random.between(1, 5) : 100);
    world.limits.idle_max = static_cast<std::uint32_t>(random.between(0, 6));
    world.limits.idle_timeout = std::chrono::milliseconds(random.between(10, 2000));
    const auto rudeness = static_cast<std::uint32_t>(random.chance(500) ? random.below(500) : 0);
    SimPeerListener backend(world.io, *parse_endpoint("127.0.0.1:8443"), [&] { return back_end(world.io, rudeness); });
    const std::uint64_t count = random.between(1, 40);
    auto calls = make_calls(world, {backend.address(), *parse_endpoint("127.0.0.1:1")}, count);
    while (!all_ended(calls)) {
      REQUIRE(world.io.turn());
      CHECK(world.pool.connections() <= 2 * std::size_t{world.limits.connections_max});
    }
    CHECK(world.held_most <= world.limits.connections_max);
    CHECK(world.held == 0);
    for (const auto& call : calls) {
      CHECK_FALSE(call->wrong());
      answered += std::size_t{call->end() == Call::End::answered};
      if (call->end() == Call::End::refused) {
        CHECK(call->error() == ErrorKind::overload);
      }
    }
    reused += world.pool.counters().reused;
    world.drain();
    backend.close();
    backend.close_peers();
    REQUIRE(world.io.run());
    CHECK(world.drained == 1);
    CHECK(backend.peers() == 0);
    CHECK(world.io.active_operations() == 0);
    CHECK(world.io.open_descriptors() == 0);
    CHECK(world.io.buffers_in_use() == 0);
  });
  CHECK(answered != 0);
  CHECK(reused != 0);
}

TEST_CASE("a pool that is drained while calls come and go is left empty, and every call ends", "[sim][pool]") {
  sim::for_each_seed([&](std::uint64_t seed) {
    Random random(seed);
    World world(random.next(), Faults::draw(random));
    world.limits.connections_max = static_cast<std::uint32_t>(random.between(1, 6));
    SimPeerListener backend(world.io, *parse_endpoint("127.0.0.1:8443"), [&] { return back_end(world.io, 100); });
    auto calls = make_calls(world, {backend.address()}, random.between(1, 20));
    const std::uint64_t turns = random.below(300);
    for (std::uint64_t i = 0; i < turns; ++i) {
      world.io.turn();
    }
    world.pool.drain([&world] { world.on_drained(); });
    REQUIRE(world.io.run_until([&] { return all_ended(calls); }));
    REQUIRE(world.io.run_until([&] { return world.pool.connections() == 0; }));
    CHECK(world.held == 0);
    backend.close();
    backend.close_peers();
    REQUIRE(world.io.run());
    CHECK(world.drained == 1);
    CHECK(world.io.active_operations() == 0);
    CHECK(world.io.open_descriptors() == 0);
  });
}

TEST_CASE("on a network without faults each call to a polite back end is answered", "[sim][pool]") {
  sim::for_each_seed([&](std::uint64_t seed) {
    Random random(seed);
    World world(random.next(), Faults{.delay_us_max = random.between(1, 20'000)});
    world.limits.connections_max = static_cast<std::uint32_t>(random.between(1, 6));
    world.may_cancel = false;
    SimPeerListener backend(world.io, *parse_endpoint("127.0.0.1:8443"), [&] { return back_end(world.io, 0); });
    auto calls = make_calls(world, {backend.address()}, random.between(1, 40));
    REQUIRE(world.io.run_until([&] { return all_ended(calls); }));
    for (const auto& call : calls) {
      CHECK(call->end() == Call::End::answered);
    }
    CHECK(backend.peers_most() <= world.limits.connections_max * 2);
    world.drain();
    backend.close();
    REQUIRE(world.io.run());
    CHECK(world.drained == 1);
    CHECK(world.pool.connections() == 0);
    CHECK(world.io.open_descriptors() == 0);
  });
}

TEST_CASE("a call that hears of a failed attempt may drain the pool at once", "[sim][pool]") {
  sim::for_each_seed([&](std::uint64_t seed) {
    Random random(seed);
    World world(random.next(), Faults{.connect_refused = 1000});
    Call call(world, *parse_endpoint("127.0.0.1:8443"), 1);
    call.drains_on_failure = true;
    call.start_after({});
    REQUIRE(world.io.run_until([&] { return world.drained != 0; }));
    CHECK(call.end() == Call::End::lease_failed);
    REQUIRE(world.io.run());
    CHECK(world.drained == 1);
    CHECK(world.io.active_operations() == 0);
  });
}
