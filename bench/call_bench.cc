// SPDX-License-Identifier: GPL-3.0-or-later
// What a call on pooled connections costs in Signet itself: the whole data plane, from the caller's bytes to the back end's records and
// back, without a kernel. For counting instructions where a call spends them:
//
//     valgrind --tool=callgrind --toggle-collect='signet::net::Transport::on_received*' bench-call --benchmark_min_time=10000x
//
// counts what happens from the arrival of bytes to the sending of others; the simulated network is left out.
#include <benchmark/benchmark.h>

#include <cstdio>
#include <cstdlib>
#include <functional>
#include <memory>
#include <string>
#include <utility>

#include "signet/config/files.h"
#include "signet/config/snapshot.h"
#include "signet/gateway/gateway.h"
#include "signet/io/operation.h"
#include "sim/sim_io.h"

namespace {

using namespace signet;

/// The far end of a connection: sends and receives whole messages, and costs next to nothing.
class Peer {
 public:
  using Received = std::function<void(Peer&, ByteView)>;
  Peer(io::Io& io, Received received) : io_(io), received_(std::move(received)) {}

  void adopt(io::Descriptor descriptor) {
    descriptor_ = descriptor;
    io_.recv(recv_, descriptor_);
  }
  void connect(const Endpoint& endpoint) { io_.connect(connect_, endpoint); }
  /// REQUIRES: `bytes` outlive the connection.
  void send(ByteView bytes) {
    if (send_.active()) {
      next_ = bytes;
    } else {
      io_.send(send_, descriptor_, bytes);
    }
  }
  void close() { io_.close(std::exchange(descriptor_, -1)); }
  [[nodiscard]] bool ended() const { return ended_; }

 private:
  void on_connected(io::Completion& completion) { adopt(completion.result); }
  void on_received(io::Completion& completion) {
    if (completion.result <= 0) {
      ended_ = true;
      return;
    }
    received_(*this, completion.buffer.bytes());
    io_.recv(recv_, descriptor_);
  }
  void on_sent(io::Completion& /*completion*/) {
    if (!next_.empty()) {
      send(std::exchange(next_, {}));
    }
  }

  io::Io& io_;
  Received received_;
  ByteView next_;  ///< until what went before is sent
  io::Descriptor descriptor_ = -1;
  bool ended_ = false;
  io::Op<Peer, &Peer::on_connected> connect_{this};
  io::Op<Peer, &Peer::on_received> recv_{this};
  io::Op<Peer, &Peer::on_sent> send_{this};
};

constexpr std::string_view call =
    "GET /orders/7?x=1 HTTP/1.1\r\nHost: gateway.example:8080\r\nUser-Agent: bench/1\r\nAccept: application/json\r\n\r\n";
constexpr std::string_view answer_head =
    "HTTP/1.1 200 OK\r\nServer: bench\r\nDate: Wed, 25 Nov 2026 00:00:00 GMT\r\nContent-Type: application/json\r\nConnection: "
    "keep-alive\r\n"
    "ETag: \"6925e9a0-96\"\r\nAccept-Ranges: bytes\r\n";

constexpr std::string_view body_end = "end of body";

std::shared_ptr<const config::Snapshot> snapshot_of(std::string_view url) {
  config::Config config;
  config.access_log = "";
  config.listeners.push_back({.address = *parse_endpoint("127.0.0.1:8080"), .source = {}});
  config::Backend backend{.id = "orders"};
  backend.url = *config::parse_url(url);
  config.backends.push_back(backend);
  config.apis.push_back({.id = "orders", .path = "orders", .backend_id = {.value = "orders", .source = {}}});
  config::SystemFiles files;
  return config::build_snapshot(config, files, {}).snapshot;
}

/// A gateway, a back end and a caller who calls again as soon as he has the answer.
class Scene {
 public:
  explicit Scene(std::size_t body_bytes) {
    answer_ = std::string(answer_head) + "Content-Length: " + std::to_string(body_bytes) + "\r\n\r\n" +
              std::string(body_bytes - body_end.size(), 'x') + std::string(body_end);
    listener_ = *io_.listen(*parse_endpoint("127.0.0.1:9000"), {});
    io_.accept(accept_, listener_);
    gateway_ = std::make_unique<gateway::Gateway>(io_, snapshot_of("http://127.0.0.1:9000"), gateway::Gateway::Options{});
    if (!gateway_->listen()) {
      std::abort();
    }
    caller_.connect(*parse_endpoint("127.0.0.1:8080"));
    io_.run_for(std::chrono::milliseconds(10));
  }
  ~Scene() {
    bool stopped = false;
    io_.cancel(accept_);
    gateway_->stop([&] { stopped = true; });
    io_.run_until([&] { return stopped && !accept_.active() && caller_.ended() && backend_.ended(); });
    caller_.close();
    backend_.close();
    io_.close(listener_);
    gateway_.reset();
    io_.run();
  }

  void make_call() {
    received_.clear();
    caller_.send(as_bytes(call));
    if (!io_.run_until([this] { return received_.ends_with(body_end); })) {
      std::fputs(received_.c_str(), stderr);
      std::abort();
    }
  }

 private:
  void on_accepted(io::Completion& completion) {
    if (completion.result >= 0) {
      backend_.adopt(completion.result);
    }
  }

  sim::SimIo io_{1, sim::Faults{.cancel_lost = 0, .delay_us_max = 1}};
  std::string answer_;
  std::string received_;
  Peer backend_{io_, [this](Peer& peer, ByteView) { peer.send(as_bytes(answer_)); }};
  Peer caller_{io_, [this](Peer&, ByteView bytes) { received_ += as_text(bytes); }};
  io::Op<Scene, &Scene::on_accepted> accept_{this};
  io::Descriptor listener_ = -1;
  std::unique_ptr<gateway::Gateway> gateway_;
};

void pooled_call(benchmark::State& state) {
  Scene scene(static_cast<std::size_t>(state.range(0)));
  for (int i = 0; i < 100; ++i) {
    scene.make_call();
  }
  for (auto _ : state) {
    scene.make_call();
  }
}
BENCHMARK(pooled_call)->Arg(150)->Arg(10240);

}  // namespace
