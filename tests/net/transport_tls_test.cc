// SPDX-License-Identifier: GPL-3.0-or-later
// A transport with TLS, against a peer that does not play fair.
#include <catch2/catch_test_macros.hpp>
#include <memory>
#include <optional>
#include <utility>

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

/// One connection, whose owner reads everything.
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
  void on_transport_data(ByteView& data) override { data = {}; }
  void on_transport_drained() override {}
  void on_transport_end() override { transport.close(net::Close::flush); }
  void on_transport_failed(Error why) override { error = std::move(why); }
  void on_transport_closed() override { closed = true; }

 private:
  std::shared_ptr<wire::TlsContext> context_;
  net::Listener listener_;

 public:
  net::Transport transport;
  std::optional<Error> error;
  bool open = false;
  bool closed = false;
};

/// Completes the handshake, then does not read and asks for new keys without end.
class Flooder {
 public:
  Flooder(SimIo& io, std::shared_ptr<wire::TlsContext> context)
      : engine_(wire::TlsEngine::client(std::move(context))),
        peer(io, {.connected = [this](SimPeer&) { take({}); },
                  .received = [this](SimPeer&, std::string_view bytes) { take(as_bytes(bytes)); },
                  .sent = [this](SimPeer&) { flood(); },
                  .ended = [](SimPeer& self, int) { self.close(); },
                  .closed = {}}) {}

  std::size_t asked = 0;

 private:
  void take(ByteView input) {
    ByteBuffer output;
    if (event_ == Event::want_input) {
      event_ = engine_.handshake(input, output);
    }
    peer.write(output.text());
    if (event_ == Event::handshake_complete) {
      peer.pause();
    }
  }

  void flood() {
    if (event_ != Event::handshake_complete || peer.closing()) {
      return;
    }
    ByteBuffer output;
    engine_.update_keys(output);
    ++asked;
    peer.write(output.text());
  }

  wire::TlsEngine engine_;
  Event event_ = Event::want_input;

 public:
  SimPeer peer;
};

}  // namespace

TEST_CASE("a peer that asks for new keys and does not read is cut off before it fills the memory", "[net][tls]") {
  const auto at_server = wire::TlsContext::server({.certificate = TestPki::instance().certificate("server")});
  const auto identity = wire::Identity::make({.authorities = {TestPki::instance().authority()}, .server_name = "orders.internal"});
  REQUIRE((at_server.has_value() && identity.has_value()));
  const auto at_client = wire::TlsContext::client(*identity);
  REQUIRE(at_client.has_value());
  SimIo io(1, {.queue_bytes_max = 4096});
  Server server(io, *at_server);
  Flooder flooder(io, *at_client);
  flooder.peer.connect(server.address());
  REQUIRE(io.run_until([&] { return server.closed || flooder.asked > 20'000; }, 5'000'000));
  CHECK(server.open);
  CHECK(server.closed);
  CHECK(flooder.asked < 20'000);
  REQUIRE(server.error.has_value());
  CHECK(server.error->kind == ErrorKind::tls_protocol);
  flooder.peer.close();
  server.close_listener();
  REQUIRE(io.run());
}
