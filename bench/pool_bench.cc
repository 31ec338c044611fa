// SPDX-License-Identifier: GPL-3.0-or-later
// What it costs a call to be lent an idle connection and to give it back, by the number of back ends that the pool has connections to.
// Calls go round them. Plain connections: the look-up is the same under an identity.
#include <benchmark/benchmark.h>

#include <cstddef>
#include <memory>
#include <stdexcept>
#include <string>
#include <utility>
#include <vector>

#include "signet/net/connection_pool.h"
#include "sim/sim_io.h"
#include "sim/sim_peer.h"

namespace {

using namespace signet;

/// Holds one connection at a time and says nothing on it.
class Call final : public net::LeaseUser {
 public:
  net::Connection* connection = nullptr;

 private:
  void on_lease_ready(net::Connection& ready) override { connection = &ready; }
  void on_lease_failed(Error error) override { throw std::runtime_error(error.detail); }
  void on_backend_data(ByteView& data) override { data = {}; }
  void on_backend_end() override {}
  void on_backend_drained() override {}
  void on_backend_failed(Error error) override { throw std::runtime_error(error.detail); }
};

/// A pool with one idle connection to each of several back ends.
struct World {
  explicit World(std::size_t count) {
    for (std::size_t at = 0; at < count; ++at) {
      back_ends.push_back(std::make_unique<sim::SimPeerListener>(io, parse_endpoint("127.0.0.1:0").value(), [] {
        return sim::SimPeer::Script{
            .connected = {}, .received = {}, .sent = {}, .ended = [](sim::SimPeer& peer, int) { peer.close(); }, .closed = {}};
      }));
      Call call;
      lease(*back_ends.back(), call);
      if (!io.run_until([&] { return call.connection != nullptr; })) {
        throw std::runtime_error("no connection");
      }
      call.connection->release(net::Reuse::yes);
    }
  }
  ~World() {
    bool drained = false;
    pool.drain([&drained] { drained = true; });
    io.run_until([&drained] { return drained; });
    for (const auto& back_end : back_ends) {
      back_end->close();
    }
    io.run();
  }

  /// True if it was there at once.
  bool lease(const sim::SimPeerListener& back_end, Call& call) {
    call.connection = pool.lease(back_end.address(), nullptr, {}, call).value();
    return call.connection != nullptr;
  }

  sim::SimIo io{1};
  net::ConnectionPool pool{io};
  std::vector<std::unique_ptr<sim::SimPeerListener>> back_ends;
};

void lease(benchmark::State& state) {
  World world(static_cast<std::size_t>(state.range(0)));
  Call call;
  std::size_t at = 0;
  for (auto _ : state) {
    at = at + 1 == world.back_ends.size() ? 0 : at + 1;
    if (!world.lease(*world.back_ends[at], call)) {
      throw std::runtime_error("no connection was idle");
    }
    std::exchange(call.connection, nullptr)->release(net::Reuse::yes);
  }
}
BENCHMARK(lease)->Name("pool/lease_and_release")->ArgName("back_ends")->Arg(1)->Arg(100)->Arg(1'000);

}  // namespace
