// SPDX-License-Identifier: GPL-3.0-or-later
#include "signet/net/transport.h"

#include <algorithm>
#include <catch2/catch_test_macros.hpp>
#include <chrono>
#include <list>
#include <memory>
#include <string>
#include <vector>

#include "signet/net/listener.h"
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

/// The bytes from `first` on of an endless stream that differs from place to place, so that a lost, doubled or moved byte is seen.
std::string stream(std::uint64_t first, std::size_t size) {
  std::string bytes(size, '\0');
  for (std::size_t i = 0; i < size; ++i) {
    const std::uint64_t place = first + i;
    bytes[i] = static_cast<char>((place * 0x9e3779b97f4a7c15) >> 56);
  }
  return bytes;
}

/// Sends everything back, under backpressure, and closes after the caller's end.
class EchoServer final : public net::ConnectionHandler {
 public:
  EchoServer(SimIo& io, net::Close how) : io_(io), how_(how), listener_(io, *this) {
    REQUIRE(listener_.open(*parse_endpoint("127.0.0.1:7")).has_value());
  }

  [[nodiscard]] const Endpoint& address() const { return listener_.address(); }
  [[nodiscard]] std::size_t open() const { return sessions_.size(); }
  [[nodiscard]] std::size_t failed_and_closed() const { return failed_and_closed_; }
  [[nodiscard]] bool listener_closed() const { return listener_closed_; }
  void close_listener() { listener_.close(); }
  void abort_all() {
    for (Session& session : sessions_) {
      session.transport.close(net::Close::abort);
    }
  }

 private:
  struct Session final : net::TransportOwner {
    Session(EchoServer& of, io::Descriptor descriptor) : server(of), transport(of.io_, *this) { transport.start(descriptor); }

    void on_transport_open() override { FAIL("a plain transport has no handshake"); }
    void on_transport_data(ByteView& data) override {
      REQUIRE_FALSE(ended);
      REQUIRE_FALSE(failed);
      REQUIRE_FALSE(data.empty());
      while (!data.empty() && !transport.congested()) {
        const std::size_t size = std::min<std::size_t>(data.size(), server.io_.random().between(1, 70'000));
        transport.output().append(data.first(size));
        data = data.subspan(size);
        transport.flush();
      }
    }
    void on_transport_drained() override { transport.resume(); }
    void on_transport_end() override {
      REQUIRE_FALSE(ended);
      ended = true;
      transport.close(server.how_);
    }
    void on_transport_failed(Error error) override {
      REQUIRE_FALSE(failed);
      CHECK(error.kind == ErrorKind::connection_lost);
      failed = true;
    }
    void on_transport_closed() override {
      server.failed_and_closed_ += failed ? 1 : 0;
      server.sessions_.remove_if([this](const Session& session) { return &session == this; });
    }

    EchoServer& server;
    net::Transport transport;
    bool ended = false;
    bool failed = false;
  };

  void on_connection(io::Descriptor descriptor, const Endpoint& /*local*/) override { sessions_.emplace_back(*this, descriptor); }
  void on_listener_closed() override { listener_closed_ = true; }

  SimIo& io_;
  net::Close how_;
  net::Listener listener_;
  std::list<Session> sessions_;
  std::size_t failed_and_closed_ = 0;
  bool listener_closed_ = false;
};

/// Sends `size` bytes and FIN, reads what comes back, with pauses.
struct EchoCaller {
  EchoCaller(SimIo& of, std::size_t bytes) : io(of), size(bytes), peer(of, script()) {}

  SimPeer::Script script() {
    return {.connected = [this](SimPeer&) { connected = true; },
            .received = [this](SimPeer&, std::string_view bytes) { take(bytes); },
            .sent = {},
            .ended =
                [this](SimPeer& self, int how) {
                  end = how;
                  ended = true;
                  self.close();
                },
            .closed = [this](SimPeer&) { closed = true; }};
  }
  void start(const Endpoint& endpoint) {
    peer.write(stream(0, size));
    peer.finish();
    peer.connect(endpoint);
  }
  void take(std::string_view bytes) {
    in_order = in_order && bytes == stream(received, bytes.size());
    received += bytes.size();
    if (io.random().chance(100)) {
      peer.pause();
      const std::uint64_t pause_ms = io.random().below(200);
      pause.start(io.timers(), std::chrono::milliseconds(pause_ms));
    }
  }
  void on_pause_over() { peer.resume(); }

  SimIo& io;
  std::size_t size;
  std::size_t received = 0;
  int end = 0;
  bool connected = false;
  bool in_order = true;
  bool ended = false;
  bool closed = false;
  SimPeer peer;
  io::Timer<EchoCaller, &EchoCaller::on_pause_over> pause{this};
};

void check_nothing_left(SimIo& io) {
  CHECK(io.active_operations() == 0);
  CHECK(io.open_descriptors() == 0);
  CHECK(io.buffers_in_use() == 0);
}

std::vector<std::unique_ptr<EchoCaller>> start_callers(SimIo& io, const Endpoint& endpoint) {
  std::vector<std::unique_ptr<EchoCaller>> callers;
  const std::uint64_t count = io.random().between(1, 4);
  for (std::uint64_t i = 0; i < count; ++i) {
    const std::uint64_t size_max = io.random().chance(100) ? 600'000 : 5'000;
    callers.push_back(std::make_unique<EchoCaller>(io, io.random().between(1, size_max)));
    callers.back()->start(endpoint);
  }
  return callers;
}

}  // namespace

TEST_CASE("whatever the network does, a transport delivers each byte once and in order, and closes", "[sim][transport]") {
  std::size_t complete = 0;
  sim::for_each_seed([&](std::uint64_t seed) {
    Random random(seed);
    const Faults faults = Faults::draw(random);
    SimIo io(random.next(), faults);
    EchoServer server(io, random.chance(500) ? net::Close::flush : net::Close::linger);
    auto callers = start_callers(io, server.address());
    const auto over = [&] { return std::all_of(callers.begin(), callers.end(), [](const auto& caller) { return caller->closed; }); };
    REQUIRE(io.run_until(over, 20'000'000));
    for (const auto& caller : callers) {
      CHECK(caller->in_order);
      CHECK(caller->received <= caller->size);
      if (caller->connected && caller->end == 0) {
        CHECK(caller->received == caller->size);
        ++complete;
      }
    }
    REQUIRE(io.run_until([&] { return server.open() == 0; }));
    server.close_listener();
    REQUIRE(io.run());
    CHECK(server.listener_closed());
    check_nothing_left(io);
  });
  CHECK(complete != 0);
}

TEST_CASE("a transport that is aborted at any moment ends without anything left", "[sim][transport]") {
  sim::for_each_seed([&](std::uint64_t seed) {
    Random random(seed);
    const Faults faults = Faults::draw(random);
    SimIo io(random.next(), faults);
    EchoServer server(io, net::Close::flush);
    auto callers = start_callers(io, server.address());
    const std::uint64_t turns = random.below(random.chance(500) ? 100 : 3000);
    for (std::uint64_t i = 0; i < turns; ++i) {
      io.turn();
    }
    server.close_listener();
    server.abort_all();
    for (const auto& caller : callers) {
      if (random.chance(500)) {
        caller->peer.close();
      }
    }
    REQUIRE(io.run(20'000'000));
    CHECK(server.listener_closed());
    CHECK(server.open() == 0);
    for (const auto& caller : callers) {
      CHECK(caller->closed);
      CHECK(caller->in_order);
    }
    check_nothing_left(io);
  });
}

TEST_CASE("one seed makes one history", "[sim]") {
  const auto history = [](std::uint64_t seed) {
    Random random(seed);
    const Faults faults = Faults::draw(random);
    SimIo io(random.next(), faults);
    EchoServer server(io, net::Close::linger);
    auto callers = start_callers(io, server.address());
    io.run_until([&] { return std::all_of(callers.begin(), callers.end(), [](const auto& caller) { return caller->closed; }); },
                 20'000'000);
    io.run_until([&] { return server.open() == 0; });
    server.close_listener();
    io.run();
    return io.trace();
  };
  for (std::uint64_t seed = 1; seed <= 20; ++seed) {
    CHECK(history(seed) == history(seed));
  }
  CHECK(history(1) != history(2));
}
