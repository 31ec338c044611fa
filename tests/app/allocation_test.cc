// SPDX-License-Identifier: GPL-3.0-or-later
// The data plane on a real shard, through a real back end that demands a certificate: what a call costs once everything is warm.
#include <arpa/inet.h>
#include <sys/socket.h>
#include <unistd.h>

#include <catch2/catch_test_macros.hpp>
#include <catch2/generators/catch_generators.hpp>
#include <chrono>
#include <future>
#include <memory>
#include <string>

#include "signet/config/files.h"
#include "signet/config/load.h"
#include "signet/config/snapshot.h"
#include "signet/gateway/gateway.h"
#include "signet/io/shard.h"
#include "live_back_end.h"
#include "support/count_allocations.h"
#include "support/test_pki.h"

namespace signet::app {

namespace {

/// The same with a policy: fields and parameters of the query come and go, a rate limit counts.
std::shared_ptr<const config::Snapshot> with_policy(const config::Snapshot& plain) {
  config::Snapshot::Parts parts{.config = plain.config(), .upstreams = {}, .plans = {}, .router = {}};
  parts.upstreams.push_back(std::make_unique<config::Upstream>(*plain.upstreams().front()));
  auto plan = std::make_unique<config::Plan>();
  plan->gates = {
      config::IpFilter{.allow = true, .ranges = {{.from = *parse_address("127.0.0.1", 0), .to = *parse_address("127.0.0.9", 0)}}},
      config::RateLimit{.calls = 1'000'000, .renewal_period_s = 60, .window = std::make_shared<config::RateWindow>()}};
  plan->destinations.push_back(
      {.upstream = parts.upstreams.front().get(),
       .fields = {{.name = "X-Key", .drop = true, .if_absent = {}, .added = {"a value that is longer than a short string"}},
                  {.name = "X-Other", .if_absent = {"b"}, .added = {}}},
       .query = {{.name = "code", .drop = true, .if_absent = {}, .added = {"a-value-that-is-longer-than-a-short-string"}}},
       .host = {}});
  plan->response_fields = {{.name = "Server", .drop = true, .if_absent = {}, .added = {"signet"}}};
  const config::Route route{.api_id = "all", .path = "", .plan = plan.get()};
  parts.plans.push_back(std::move(plan));
  parts.router = config::Router({{.hosts = {}, .route = route}});
  return std::make_shared<const config::Snapshot>(std::move(parts));
}

enum class Policy : std::uint8_t { none, edits };

class FrontEnd {
 public:
  explicit FrontEnd(std::uint16_t backend_port, Policy policy = Policy::none) : shard_(start_shard()) {
    const test::TestPki& pki = test::TestPki::instance();
    const std::string text = R"({"shards": 1, "listeners": [{"address": "127.0.0.1:0"}],
      "certificates": [{"id": "client", "pemFile": ")" +
                             pki.path("client.pem").string() + R"(", "keyFile": ")" + pki.path("client.key").string() +
                             R"("}], "certificateAuthorities": [{"id": "root", "pemFile": ")" + pki.path("root.pem").string() + R"("},
                             {"id": "issuing", "pemFile": ")" +
                             pki.path("issuing.pem").string() + R"("}],
      "backends": [{"id": "echo", "url": "https://127.0.0.1:)" +
                             std::to_string(backend_port) + R"(/", "credentials": {"certificateIds": ["client"]},
                    "tls": {"certificateAuthorities": ["root", "issuing"]}}],
      "apis": [{"id": "all", "path": "", "backendId": "echo"}]})";
    config::SystemFiles files;
    const config::Loaded loaded = config::parse_config("test.json", text);
    for (const config::Problem& problem : loaded.report.errors) {
      FAIL(problem.text());
    }
    const config::Built built =
        config::build_snapshot(*loaded.config, files, {.now = std::chrono::floor<std::chrono::seconds>(std::chrono::system_clock::now())});
    for (const config::Problem& problem : built.report.errors) {
      FAIL(problem.text());
    }
    const Result<void> opened = on(*shard_, [&] {
      gateway_ = std::make_unique<gateway::Gateway>(
          shard_->io(), policy == Policy::none ? built.snapshot : with_policy(*built.snapshot),
          gateway::Gateway::Options{.access_log = [this](std::string_view lines) { log_bytes_ += lines.size(); }});
      return gateway_->listen();
    });
    REQUIRE(opened);
    port_ = on(*shard_, [&] { return gateway_->listening().front().port; });
  }
  ~FrontEnd() {
    std::promise<void> stopped;
    shard_->post([&] {
      gateway_->stop([&] {
        gateway_.reset();
        stopped.set_value();
      });
    });
    stopped.get_future().wait();
  }
  [[nodiscard]] std::uint16_t port() const { return port_; }
  /// Made by the shard's thread so far, this question's own included.
  [[nodiscard]] std::uint64_t allocations() {
    return on(*shard_, [] { return test::allocations_of_this_thread(); });
  }
  [[nodiscard]] std::size_t log_bytes() {
    return on(*shard_, [this] { return log_bytes_; });
  }

 private:
  std::unique_ptr<io::Shard> shard_;
  std::unique_ptr<gateway::Gateway> gateway_;
  std::size_t log_bytes_ = 0;
  std::uint16_t port_ = 0;
};

/// A caller with one connection.
class Caller {
 public:
  explicit Caller(std::uint16_t port) : socket_(socket(AF_INET, SOCK_STREAM, 0)) {
    sockaddr_in address{.sin_family = AF_INET, .sin_port = htons(port), .sin_addr = {htonl(INADDR_LOOPBACK)}, .sin_zero = {}};
    REQUIRE(connect(socket_, reinterpret_cast<const sockaddr*>(&address), sizeof(address)) == 0);
  }
  ~Caller() { close(socket_); }

  /// Sends a request and reads one answer to its end. Its status line.
  std::string call(std::string_view request, std::string_view end) {
    REQUIRE(send(socket_, request.data(), request.size(), MSG_NOSIGNAL) == static_cast<ssize_t>(request.size()));
    std::string answer;
    std::array<char, 65536> piece;
    while (!answer.ends_with(end)) {
      const ssize_t size = recv(socket_, piece.data(), piece.size(), 0);
      REQUIRE(size > 0);
      answer.append(piece.data(), static_cast<std::size_t>(size));
    }
    return answer.substr(0, answer.find("\r\n"));
  }

 private:
  int socket_;
};

void mixed_calls(Caller& caller, int rounds) {
  const std::string upload = "POST /upload HTTP/1.1\r\nHost: a\r\nContent-Length: 5000\r\n\r\n" + std::string(5000, 'x');
  const std::string chunked = "PUT /chunked HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n0\r\nX-Sum: 1\r\n\r\n";
  for (int round = 0; round < rounds; ++round) {
    REQUIRE(caller.call("GET /small?code=1&b=2 HTTP/1.1\r\nHost: a\r\nX_Key: evil\r\nAccept: */*\r\n\r\n", "\"}\n") == "HTTP/1.1 200 OK");
    REQUIRE(caller.call(upload, "\"}\n") == "HTTP/1.1 200 OK");
    REQUIRE(caller.call(chunked, "\"}\n") == "HTTP/1.1 200 OK");
    REQUIRE(caller.call("GET /chunks/40000 HTTP/1.1\r\nHost: a\r\n\r\n", "\r\n0\r\n\r\n") == "HTTP/1.1 200 OK");
  }
}

}  // namespace

TEST_CASE("A call in steady state allocates nothing from the heap, with a policy or without", "[allocation]") {
  const Policy policy = GENERATE(Policy::none, Policy::edits);
  if (!test::counts_allocations()) {
    SUCCEED("sanitizers have an allocator of their own: not counted here");
    return;
  }
  BackEnd back_end;
  FrontEnd front_end(back_end.port(), policy);
  Caller caller(front_end.port());
  mixed_calls(caller, 100);
  const std::uint64_t before_asking = front_end.allocations();
  const std::uint64_t before = front_end.allocations();
  const std::uint64_t cost_of_asking = before - before_asking;
  CHECK(cost_of_asking < 10);  // the counter counts, and what it counts is the question's own
  const std::size_t logged_before = front_end.log_bytes();
  const std::uint64_t begin = front_end.allocations();
  mixed_calls(caller, 250);
  const std::uint64_t made = front_end.allocations() - begin;
  INFO(made << " allocations in 1000 calls; asking costs " << cost_of_asking);
  CHECK(made <= cost_of_asking);
  CHECK(front_end.log_bytes() > logged_before + 100'000);  // the calls were logged, too
}

TEST_CASE("The counter of allocations counts", "[allocation]") {
  if (test::counts_allocations()) {
    const std::uint64_t before = test::allocations_of_this_thread();
    const auto object = std::make_unique<std::string>(100, 'x');
    CHECK(test::allocations_of_this_thread() == before + 2);
  }
}

}  // namespace signet::app
