// SPDX-License-Identifier: GPL-3.0-or-later
// A transport with TLS: what comes together, and a peer that does not play fair.
#include <algorithm>
#include <catch2/catch_test_macros.hpp>
#include <catch2/generators/catch_generators.hpp>
#include <chrono>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "signet/base/limits.h"
#include "signet/net/listener.h"
#include "signet/net/transport.h"
#include "sim/sim_io.h"
#include "sim/sim_peer.h"
#include "support/tls_test_contexts.h"

using namespace signet;
using namespace signet::test;
using sim::SimIo;
using sim::SimPeer;
using Event = wire::TlsEngine::Event;

namespace {

using Sizes = std::vector<std::size_t>;

/// Notes what the transport under test gives to be sent.
class WatchedIo final : public SimIo {
 public:
  using SimIo::SimIo;
  void send(io::Operation& operation, io::Descriptor descriptor, ByteView bytes) override {
    if (descriptor == watched) {
      sends.push_back(bytes.size());
    }
    SimIo::send(operation, descriptor, bytes);
  }

  io::Descriptor watched = -1;
  Sizes sends;
};

/// One connection, whose owner reads everything unless the test has it do something else.
class Server final : public net::ConnectionHandler, public net::TransportOwner {
 public:
  Server(SimIo& io, std::shared_ptr<wire::TlsContext> context) : context_(std::move(context)), listener_(io, *this), transport(io, *this) {
    REQUIRE(listener_.open(*parse_endpoint("127.0.0.1:7")).has_value());
  }
  void close_listener() { listener_.close(); }
  [[nodiscard]] const Endpoint& address() const { return listener_.address(); }

  void on_connection(io::Descriptor descriptor, const Endpoint& /*local*/) override {
    transport.start(descriptor, wire::TlsEngine::server(context_));
  }
  void on_listener_closed() override {}
  void on_transport_open() override { open = true; }
  void on_transport_data(ByteView& data) override { take(data); }
  void on_transport_drained() override {}
  void on_transport_end() override {
    ++ends;
    transport.close(net::Close::flush);
  }
  void on_transport_failed(Error why) override { error = std::move(why); }
  void on_transport_closed() override { closed = true; }

 private:
  std::shared_ptr<wire::TlsContext> context_;
  net::Listener listener_;

 public:
  net::Transport transport;
  std::function<void(ByteView&)> take = [](ByteView& data) { data = {}; };
  std::optional<Error> error;
  int ends = 0;
  bool open = false;
  bool closed = false;
};

/// Completes the handshake; the rest is up to the test.
class Client {
 public:
  Client(SimIo& io, std::shared_ptr<wire::TlsContext> context)
      : engine_(wire::TlsEngine::client(std::move(context))),
        peer(io, {.connected = [this](SimPeer&) { advance({}); },
                  .received = [this](SimPeer&, std::string_view bytes) { advance(as_bytes(bytes)); },
                  .sent =
                      [this](SimPeer&) {
                        if (sent && open() && !peer.closing()) {
                          sent();
                        }
                      },
                  .ended = [](SimPeer& self, int) { self.close(); },
                  .closed = {}}) {}

  [[nodiscard]] bool open() const { return event_ == Event::handshake_complete; }
  void write(std::string_view text) {
    REQUIRE(engine_.write(as_bytes(text), output_).has_value());
    send();
  }
  void update_keys() {
    engine_.update_keys(output_);
    send();
  }
  void close_notify() {
    engine_.close_notify(output_);
    send();
  }

  std::function<void()> sent;

 private:
  /// Reads until the handshake is done, and not on.
  void advance(ByteView input) {
    if (event_ == Event::want_input) {
      event_ = engine_.handshake(input, output_);
    }
    send();
    if (open()) {
      peer.pause();
    }
  }
  void send() {
    peer.write(output_.text());
    output_.clear();
  }

  wire::TlsEngine engine_;
  ByteBuffer output_;
  Event event_ = Event::want_input;

 public:
  SimPeer peer;
};

struct World {
  World(std::uint64_t queue_bytes_max, wire::TlsVersion version)
      : io(1, {.queue_bytes_max = queue_bytes_max}), client(io, at_client(version)) {
    client.peer.connect(server.address());
  }
  ~World() {
    client.peer.close();
    server.close_listener();
    if (server.transport.started()) {
      server.transport.close(net::Close::abort);
    }
    CHECK(io.run());
  }

  static std::shared_ptr<wire::TlsContext> at_server() {
    const auto context = wire::TlsContext::server({.certificate = TestPki::instance().certificate("server")});
    REQUIRE(context.has_value());
    return *context;
  }
  static std::shared_ptr<wire::TlsContext> at_client(wire::TlsVersion version) {
    return client_context({.authorities = {TestPki::instance().authority()},
                           .server_name = "orders.internal",
                           .min_version = version,
                           .max_version = version});
  }

  /// The server leaves one byte, and so reads no more; what the client says in the meantime comes together. Then `take` has the say.
  void say_at_once(const std::function<void()>& say, std::function<void(ByteView&)> take) {
    bool held = false;
    server.take = [&held](ByteView&) { held = true; };
    REQUIRE(io.run_until([this] { return server.open && client.open(); }));
    client.write("?");
    REQUIRE(io.run_until([&held] { return held; }));
    say();
    io.run_for(std::chrono::seconds(1));
    REQUIRE(client.peer.unsent() == 0);
    io.watched = server.transport.descriptor();
    io.sends.clear();
    server.take = [first = true, take = std::move(take)](ByteView& data) mutable {
      if (std::exchange(first, false)) {
        data = data.subspan(1);
      } else {
        take(data);
      }
    };
    server.transport.resume();
  }

  WatchedIo io;
  Server server{io, at_server()};
  Client client;
};

constexpr std::uint64_t roomy = std::uint64_t{1} << 30;
constexpr std::size_t record_bytes = 16 * 1024;

}  // namespace

TEST_CASE("records that came together are handed over as one piece, and leave in one send", "[net][tls]") {
  World world(roomy, any_version());
  Sizes pieces;
  world.say_at_once(
      [&] {
        for (int i = 0; i < 3; ++i) {
          world.client.write(std::string(record_bytes, 'r'));
        }
      },
      [&](ByteView& data) {
        pieces.push_back(data.size());
        world.server.transport.output().append(data);
        world.server.transport.flush();
        data = {};
      });
  world.io.run_for(std::chrono::seconds(1));
  CHECK(pieces == Sizes{3 * record_bytes});
  REQUIRE(world.io.sends.size() == 1);
  CHECK(world.io.sends.front() > 3 * record_bytes);
}

TEST_CASE("a piece is no larger than its limit, however much has come", "[net][tls]") {
  World world(roomy, any_version());
  constexpr std::size_t records = 100;
  Sizes pieces;
  std::size_t total = 0;
  world.say_at_once([&] { world.client.write(std::string(records * record_bytes, 'r')); },
                    [&](ByteView& data) {
                      pieces.push_back(data.size());
                      total += data.size();
                      data = {};
                    });
  REQUIRE(world.io.run_until([&] { return total == records * record_bytes; }));
  CHECK(*std::max_element(pieces.begin(), pieces.end()) == limits::transport_piece_bytes_max);
  // A receive ends within a record, so that now and then one has the ends of five.
  CHECK(pieces.size() <= records * record_bytes / limits::transport_piece_bytes_max + 2);
}

TEST_CASE("an end or a failure that came together with data is told once, when the data has been taken", "[net][tls]") {
  const bool broken = GENERATE(false, true);
  CAPTURE(broken);
  World world(roomy, any_version());
  const std::string text = std::string(record_bytes, 'a') + std::string(record_bytes, 'b');
  std::string taken;
  world.say_at_once(
      [&] {
        world.client.write(text);
        if (broken) {
          world.client.peer.write(std::string_view("\x17\x03\x03\x00\x20 this is not under the keys of us!", 37));
        } else {
          world.client.close_notify();
        }
      },
      [&](ByteView& data) {
        CHECK((world.server.ends == 0 && !world.server.error));
        const std::size_t most = std::min<std::size_t>(data.size(), 20'000);
        taken += as_text(data.first(most));
        data = data.subspan(most);
      });
  world.io.run_for(std::chrono::seconds(1));
  CHECK(taken.size() == 20'000);
  CHECK((world.server.ends == 0 && !world.server.error));
  world.server.transport.resume();
  REQUIRE(world.io.run_until([&] { return world.server.closed; }));
  CHECK((taken == text));
  CHECK(world.server.ends == (broken ? 0 : 1));
  CHECK(world.server.error.has_value() == broken);
}

TEST_CASE("a peer that asks for new keys and does not read is cut off before it fills the memory", "[net][tls]") {
  World world(4096, wire::TlsVersion::tls13);
  std::size_t asked = 0;
  world.client.sent = [&] {
    ++asked;
    world.client.update_keys();
  };
  REQUIRE(world.io.run_until([&] { return world.server.closed || asked > 20'000; }, 5'000'000));
  CHECK(world.server.open);
  CHECK(world.server.closed);
  CHECK(asked < 20'000);
  REQUIRE(world.server.error.has_value());
  CHECK(world.server.error->kind == ErrorKind::tls_protocol);
}

TEST_CASE("a piece that goes on as it is changes hands, one that is small or has company is copied", "[net][tls]") {
  const std::size_t in_front = GENERATE(0U, 100U);
  const std::string queued = GENERATE("", "a head, say");
  const std::size_t size = GENERATE(std::size_t{100}, 2 * record_bytes);
  CAPTURE(in_front, queued, size);
  World world(roomy, any_version());
  const std::string text = std::string(in_front, 'f') + std::string(size, 'r');
  ByteBuffer out;
  out.append(queued);
  std::string later;
  world.say_at_once([&] { world.client.write(text); },
                    [&](ByteView& data) {
                      if (out.size() != queued.size()) {
                        later += as_text(data);
                        data = {};
                        return;
                      }
                      REQUIRE(data.size() == text.size());
                      data = data.subspan(in_front);
                      const std::byte* const lay_at = data.data();
                      world.server.transport.hand_over(data, out);
                      data = {};
                      const bool moved = queued.empty() && size >= limits::transport_hand_over_bytes_min;
                      CHECK((out.view().data() + queued.size() == lay_at) == moved);
                    });
  REQUIRE(world.io.run_until([&] { return out.size() != queued.size(); }));
  CHECK(out.text() == queued + std::string(size, 'r'));
  // What comes next finds a place of its own.
  world.client.peer.resume();
  world.client.write("more");
  REQUIRE(world.io.run_until([&] { return later == "more"; }));
  CHECK(out.text() == queued + std::string(size, 'r'));
}
