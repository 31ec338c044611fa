// SPDX-License-Identifier: GPL-3.0-or-later
// What a connection to a back end costs while it waits in the pool: all heap of the shard's thread, whoever asked for it.
#include <catch2/catch_test_macros.hpp>
#include <chrono>
#include <cstdint>
#include <functional>
#include <future>
#include <memory>
#include <string>
#include <string_view>
#include <thread>
#include <utility>
#include <vector>

#include "signet/net/connection_pool.h"
#include "signet/wire/tls_memory.h"
#include "live_back_end.h"
#include "support/count_allocations.h"

namespace signet::app {

namespace {

constexpr std::uint32_t connections = 400;
constexpr std::int64_t idle_connection_bytes_max = 7 * 1024;
constexpr std::int64_t idle_connection_with_late_authentication_bytes_max = 10 * 1024;
/// glibc's own in a block of a multiple of 16 bytes, as the TLS library's memory asks for.
constexpr std::size_t malloc_bytes_per_block = 16;

/// One call after the other: leases a connection, asks, reads the answer, gives the connection back.
class Call final : public net::LeaseUser {
 public:
  explicit Call(std::function<void()> event) : event_(std::move(event)) {}

  void lease(net::ConnectionPool& pool, const Endpoint& endpoint, const std::shared_ptr<const wire::Identity>& identity) {
    const net::PoolLimits limits{.connections_max = connections, .waiting_max = connections, .idle_max = connections};
    const Result<net::Connection*> leased = pool.lease(endpoint, identity, limits, *this);
    if (!leased) {
      fail(leased.error());
    } else if (*leased != nullptr) {
      on_lease_ready(**leased);
    }
  }
  void ask() {
    connection_->output().append(std::string_view("GET / HTTP/1.1\r\nHost: a\r\n\r\n"));
    connection_->flush();
  }
  void give_back(net::Reuse reuse) {
    if (connection_ != nullptr) {
      std::exchange(connection_, nullptr)->release(reuse);
    }
  }
  /// What went wrong; empty if nothing did.
  [[nodiscard]] const std::string& failure() const { return failure_; }

 private:
  void on_lease_ready(net::Connection& connection) override {
    connection_ = &connection;
    event_();
  }
  void on_lease_failed(Error error) override { fail(error); }
  void on_backend_data(ByteView& data) override {
    const bool complete = as_text(data).ends_with("\"}\n");
    data = {};
    if (complete) {
      event_();
    }
  }
  void on_backend_end() override { fail(Error{.detail = "the back end ended the connection"}); }
  void on_backend_drained() override {}
  void on_backend_failed(Error error) override {
    connection_ = nullptr;
    fail(error);
  }
  void fail(const Error& error) {
    failure_ = error.detail.empty() ? "failed" : error.detail;
    event_();
  }

  std::function<void()> event_;
  net::Connection* connection_ = nullptr;
  std::string failure_;
};

struct Measurement {
  std::int64_t heap_bytes = 0;  ///< without what free lists keep for whoever comes next
  test::LiveAllocations live;
  wire::TlsMemoryStatistics tls;
};

/// A pool on a shard of its own, and as many calls as it may have connections.
class Pool {
 public:
  Pool(std::uint16_t port, wire::TlsVersion version, wire::LateAuthentication late)
      : endpoint_{*parse_endpoint("127.0.0.1:" + std::to_string(port))}, shard_(start_shard()) {
    const test::TestPki& pki = test::TestPki::instance();
    auto identity = wire::Identity::make({.certificate = pki.certificate("client"),
                                          .authorities = {pki.authority()},
                                          .server_name = "orders.internal",
                                          .min_version = version,
                                          .max_version = version,
                                          .late_authentication = late});
    REQUIRE(identity);
    identity_ = *identity;
    on(*shard_, [this] {
      pool_ = std::make_unique<net::ConnectionPool>(shard_->io());
      for (std::uint32_t made = 0; made < connections; ++made) {
        calls_.push_back(std::make_unique<Call>([this] { event(); }));
      }
    });
  }
  ~Pool() {
    give_all_back(net::Reuse::no_flush_first);
    std::promise<void> drained;
    shard_->post([&] { pool_->drain([&] { drained.set_value(); }); });
    drained.get_future().wait();
    on(*shard_, [this] { pool_.reset(); });
  }

  /// Every call leases a connection, while the others have theirs.
  void lease_all() {
    all([this](Call& call) { call.lease(*pool_, endpoint_, identity_); });
  }
  void ask_all() {
    all([](Call& call) { call.ask(); });
  }
  void give_all_back(net::Reuse reuse) {
    on(*shard_, [&] {
      for (const auto& call : calls_) {
        call->give_back(reuse);
      }
    });
  }
  [[nodiscard]] std::size_t open() {
    return on(*shard_, [this] { return pool_->connections(); });
  }
  [[nodiscard]] net::ConnectionPool::Counters counters() {
    return on(*shard_, [this] { return pool_->counters(); });
  }
  [[nodiscard]] Measurement measure() {
    return on(*shard_, [] {
      Measurement made{.live = test::live_allocations_of_this_thread(), .tls = wire::tls_memory_statistics()};
      made.heap_bytes = made.live.bytes - static_cast<std::int64_t>(made.tls.bytes_kept + made.tls.blocks_kept * malloc_bytes_per_block);
      return made;
    });
  }

 private:
  template <typename Step>
  void all(Step step) {
    std::promise<void> done;
    on(*shard_, [&] {
      done_ = &done;
      events_ = 0;
      for (const auto& call : calls_) {
        step(*call);
      }
    });
    done.get_future().wait();
    for (const auto& call : calls_) {
      REQUIRE(call->failure() == "");
    }
  }
  void event() {
    if (++events_ == connections) {
      done_->set_value();
    }
  }

  Endpoint endpoint_;
  std::shared_ptr<const wire::Identity> identity_;
  std::unique_ptr<io::Shard> shard_;
  std::unique_ptr<net::ConnectionPool> pool_;
  std::vector<std::unique_ptr<Call>> calls_;
  std::promise<void>* done_ = nullptr;
  std::uint32_t events_ = 0;
};

/// "400 x 96, 2 x 4112": blocks that came, by size.
std::string blocks(const test::LiveAllocations& before, const test::LiveAllocations& after) {
  std::string text;
  for (std::size_t size = 0; size < before.blocks.size(); ++size) {
    const std::int32_t more = after.blocks[size] - before.blocks[size];
    if (more > 0) {
      text += (text.empty() ? "" : ", ") + std::to_string(more) + " x " + std::to_string(size * 16);
    }
  }
  return text;
}

/// `late`: whether the back end may ask for the certificate once the connection stands; what that takes is held all the time.
std::int64_t bytes_of_an_idle_connection(wire::TlsVersion version, wire::LateAuthentication late) {
  BackEnd back_end;
  Pool pool(back_end.port(), version, late);
  // Once in vain: free lists, the pool's tables and the cache of sessions reach their size.
  pool.lease_all();
  pool.ask_all();
  pool.give_all_back(net::Reuse::no_flush_first);
  while (pool.open() != 0) {
    std::this_thread::yield();
  }
  const Measurement before = pool.measure();
  pool.lease_all();
  pool.ask_all();
  pool.give_all_back(net::Reuse::yes);
  REQUIRE(pool.open() == connections);
  const Measurement after = pool.measure();
  const std::int64_t each = (after.heap_bytes - before.heap_bytes) / connections;
  UNSCOPED_INFO(each << " bytes each, " << (after.tls.bytes_in_use - before.tls.bytes_in_use) / connections
                     << " of them the TLS library's");
  UNSCOPED_INFO("all " << connections << " hold, beside that: " << blocks(before.live, after.live));
  UNSCOPED_INFO("handshakes in full: " << pool.counters().handshakes_full << ", resumed: " << pool.counters().handshakes_resumed);
  return each;
}

void check_limit(wire::TlsVersion version) {
  if (!test::counts_allocations()) {
    SUCCEED("sanitizers have an allocator of their own: not counted here");
    return;
  }
  const std::int64_t each = bytes_of_an_idle_connection(version, wire::LateAuthentication::off);
  CHECK(each <= idle_connection_bytes_max);
  CHECK(each > 1024);  // it was counted at all
  const std::int64_t late = bytes_of_an_idle_connection(version, wire::LateAuthentication::allow);
  CHECK(late <= idle_connection_with_late_authentication_bytes_max);
}

}  // namespace

TEST_CASE("An idle TLS 1.2 connection in the pool holds at most 7 KiB of heap, all included", "[allocation]") {
  check_limit(wire::TlsVersion::tls12);
}

TEST_CASE("An idle TLS 1.3 connection in the pool holds at most 7 KiB of heap, all included", "[allocation]") {
  check_limit(wire::TlsVersion::tls13);
}

}  // namespace signet::app
