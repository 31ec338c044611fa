// SPDX-License-Identifier: GPL-3.0-or-later
// A whole gateway that carries out plans made by hand, between one caller and back ends of a few words, on a calm network.
#include "signet/config/plan.h"

#include <algorithm>
#include <catch2/catch_test_macros.hpp>
#include <chrono>
#include <functional>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "signet/config/snapshot.h"
#include "signet/gateway/gateway.h"
#include "signet/wire/identity.h"
#include "sim_io.h"
#include "sim_peer.h"

using namespace signet;
using namespace std::chrono_literals;
using sim::SimIo;
using sim::SimPeer;

namespace {

constexpr std::uint16_t first_port = 9000;

std::unique_ptr<config::Upstream> upstream(std::size_t number, std::string id = {}) {
  auto made = std::make_unique<config::Upstream>();
  made->id = id.empty() ? "b" + std::to_string(number) : std::move(id);
  made->scheme = config::Scheme::http;
  made->host = "127.0.0.1";
  made->port = static_cast<std::uint16_t>(first_port + number);
  made->address = parse_address(made->host, made->port);
  made->authority = "back.example";
  made->connect_timeout = 1s;
  made->response_timeout = 5s;
  made->connections_max = made->idle_connections_max = 8;
  made->idle_timeout = 60s;
  made->replay_buffer_bytes = 1024;
  return made;
}

/// A snapshot in the making: one API under /api.
struct Setup {
  std::vector<std::unique_ptr<config::Upstream>> upstreams;
  std::unique_ptr<config::Plan> plan = std::make_unique<config::Plan>();
  config::Route route{.api_id = "api", .path = "/api"};

  explicit Setup(std::size_t back_ends = 1) {
    for (std::size_t i = 0; i < back_ends; ++i) {
      upstreams.push_back(upstream(i));
      plan->destinations.push_back({.upstream = upstreams.back().get()});
    }
  }
  std::shared_ptr<const config::Snapshot> build() {
    config::Config config;
    config.listeners.push_back({.address = *parse_endpoint("127.0.0.1:8080"), .source = {}});
    config.forwarded_headers = config::ForwardedHeaders::none;
    config::Snapshot::Parts parts{.config = config, .upstreams = {}, .plans = {}, .router = {}};
    route.plan = plan.get();
    parts.plans.push_back(std::move(plan));
    for (auto& made : upstreams) {
      parts.upstreams.push_back(std::move(made));
    }
    parts.listener_certificates.resize(config.listeners.size());
    parts.router = config::Router({{.hosts = {}, .route = route}});
    return std::make_shared<const config::Snapshot>(std::move(parts));
  }
};

/// Calls once on a connection of its own and keeps what was answered.
struct Call {
  Call(SimIo& io, std::string request)
      : text(std::move(request)),
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

std::string request(std::string_view method = "GET", std::string_view target = "/api/x", std::string_view fields = "",
                    std::string_view body = "") {
  std::string text = std::string(method) + " " + std::string(target) + " HTTP/1.1\r\nHost: front.example\r\nConnection: close\r\n";
  text += fields;
  if (!body.empty()) {
    text += "Content-Length: " + std::to_string(body.size()) + "\r\n";
  }
  return text + "\r\n" + std::string(body);
}

/// What a back end answers to a request; empty: nothing, ever. `number` of the back end.
using Answers = std::function<std::string(std::size_t number, const std::string& request)>;

std::string ok(std::size_t number, const std::string& /*request*/) {
  return "HTTP/1.1 200 OK\r\nX-Number: " + std::to_string(number) + "\r\nContent-Length: 2\r\n\r\nok";
}

struct World {
  explicit World(Setup setup, Answers with = ok, std::size_t listening = 1) : answers(std::move(with)), seen(8) {
    for (std::size_t i = 0; i < listening; ++i) {
      listen(i);
    }
    gateway = std::make_unique<gateway::Gateway>(io, setup.build(),
                                                 gateway::Gateway::Options{.access_log = [this](std::string_view lines) { log += lines; }});
    REQUIRE(gateway->listen().has_value());
  }
  ~World() {
    bool done = false;
    gateway->stop([&done] { done = true; });
    CHECK(io.run_until([&done] { return done; }));
    gateway.reset();
    for (auto& back_end : back_ends) {
      back_end->close();
      back_end->close_peers();
    }
    CHECK(io.run());
    CHECK(io.open_descriptors() == 0);
  }
  World(const World&) = delete;
  World& operator=(const World&) = delete;

  void listen(std::size_t number) {
    const Endpoint at{.family = Endpoint::Family::ipv4, .port = static_cast<std::uint16_t>(first_port + number), .address = {127, 0, 0, 1}};
    back_ends.push_back(std::make_unique<sim::SimPeerListener>(io, at, [this, number] { return script(number); }));
  }
  /// Requests end with their head, or with "body".
  SimPeer::Script script(std::size_t number) {
    auto text = std::make_shared<std::string>();
    return {.connected = {},
            .received =
                [this, number, text](SimPeer& peer, std::string_view bytes) {
                  *text += bytes;
                  const bool has_body = text->contains("Content-Length: 4\r\n");
                  if (text->ends_with(has_body ? "\r\n\r\nbody" : "\r\n\r\n")) {
                    seen[number].push_back(*text);
                    peer.write(answers(number, std::exchange(*text, {})));
                  }
                },
            .sent = {},
            .ended = [](SimPeer& peer, int) { peer.close(); },
            .closed = {}};
  }
  std::string call(std::string text = request()) {
    Call caller(io, std::move(text));
    REQUIRE(io.run_until([&caller] { return caller.closed; }));
    return caller.answer;
  }
  std::string status(std::string text = request()) { return call(std::move(text)).substr(9, 3); }
  [[nodiscard]] std::size_t calls(std::size_t number) const { return seen[number].size(); }
  [[nodiscard]] const std::string& last(std::size_t number = 0) const { return seen[number].back(); }

  SimIo io{1};
  Answers answers;
  std::vector<std::vector<std::string>> seen;  ///< requests, by number of the back end
  std::vector<std::unique_ptr<sim::SimPeerListener>> back_ends;
  std::string log;
  std::unique_ptr<gateway::Gateway> gateway;
};

config::RateLimit rate_limit(std::uint32_t calls) {
  return {.calls = calls, .renewal_period_s = 60, .window = std::make_shared<config::RateWindow>()};
}

config::IpFilter filter(bool allow, const char* from, const char* to) {
  return {.allow = allow, .ranges = {{.from = *parse_address(from, 0), .to = *parse_address(to, 0)}}};
}

std::string field(const std::string& answer, std::string_view name) {
  const std::size_t at = answer.find("\r\n" + std::string(name) + ": ");
  if (at == std::string::npos) {
    return {};
  }
  const std::size_t begin = at + name.size() + 4;
  return answer.substr(begin, answer.find("\r\n", begin) - begin);
}

std::string body(const std::string& answer) {
  return answer.substr(answer.find("\r\n\r\n") + 4);
}

config::CircuitBreakerRule three_failures() {
  return {.name = "r", .failures_max = 3, .interval = 10s, .statuses = {{500, 599}}, .error_reasons = {"timeout"}, .trip_duration = 30s};
}

}  // namespace

TEST_CASE("an API that does not take plain connections is not there for calls over one", "[sim][plan]") {
  Setup setup;
  setup.route.takes_http = false;
  World world(std::move(setup));
  const std::string answer = world.call();
  CHECK(answer.starts_with("HTTP/1.1 404"));
  CHECK(answer.contains("OperationNotFound"));
  CHECK(world.calls(0) == 0);
}

TEST_CASE("gates end a call before a back end hears of it", "[sim][plan]") {
  Setup setup;
  SECTION("by address") {
    setup.plan->gates = {filter(false, "127.0.0.0", "127.255.255.255")};
    World world(std::move(setup));
    CHECK(world.status() == "403");
    CHECK(world.status(request("POST", "/api/x", "", "body")) == "403");
    CHECK(world.calls(0) == 0);
  }
  SECTION("by address, for those who are in") {
    setup.plan->gates = {filter(true, "127.0.0.1", "127.0.0.1")};
    World world(std::move(setup));
    CHECK(world.status() == "200");
  }
  SECTION("by rate, with the time to wait") {
    setup.plan->gates = {rate_limit(2)};
    World world(std::move(setup));
    CHECK(world.status() == "200");
    CHECK(world.status() == "200");
    const std::string answer = world.call();
    CHECK(answer.starts_with("HTTP/1.1 429"));
    CHECK(std::stoi(field(answer, "Retry-After")) >= 1);
    world.io.run_for(60s);
    CHECK(world.status() == "200");
    CHECK(world.calls(0) == 3);
  }
  SECTION("in their order: who is kept out is not counted") {
    setup.plan->gates = {filter(false, "127.0.0.1", "127.0.0.1"), rate_limit(1)};
    World world(std::move(setup));
    CHECK(world.status() == "403");
    CHECK(world.status() == "403");
  }
  SECTION("by an answer of the policy's") {
    setup.plan->gates = {config::CannedResponse{.status = 418, .reason = "Teapot", .fields = {{"X-Pot", "1"}}, .body = "short"}};
    World world(std::move(setup));
    const std::string answer = world.call();
    CHECK(answer.starts_with("HTTP/1.1 418 Teapot\r\n"));
    CHECK(field(answer, "X-Pot") == "1");
    CHECK(field(answer, "Content-Length") == "5");
    CHECK(body(answer) == "short");
    CHECK(body(world.call(request("HEAD"))).empty());
    CHECK(world.calls(0) == 0);
    CHECK(world.gateway->counters().calls_failed == 0);
  }
}

TEST_CASE("a caller that is still sending when a gate answers is cut off, one that is done goes on", "[sim][plan]") {
  Setup setup;
  setup.plan->gates = {config::CannedResponse{.status = 204}};
  World world(std::move(setup));
  Call sending(world.io, "POST /api/x HTTP/1.1\r\nHost: a\r\nContent-Length: 10\r\n\r\nhalf");
  Call done(world.io, "GET /api/x HTTP/1.1\r\nHost: a\r\n\r\n");
  world.io.run_for(1s);
  CHECK(field(sending.answer, "Connection") == "close");
  CHECK(field(done.answer, "Connection").empty());
  CHECK_FALSE(done.closed);
  done.peer.write("GET /api/y HTTP/1.1\r\nHost: a\r\n\r\n");
  world.io.run_for(1s);
  CHECK(done.answer.find("HTTP/1.1 204", 10) != std::string::npos);
  sending.peer.close();
  done.peer.close();
  REQUIRE(world.io.run_until([&] { return sending.closed && done.closed; }));
}

TEST_CASE("a call that starts again in a newer snapshot is counted once", "[sim][plan]") {
  const config::RateLimit limit = rate_limit(1);
  Setup before;
  before.upstreams.front()->identity = *wire::Identity::make({.validate_chain = wire::Check::off, .validate_name = wire::Check::off});
  before.plan->gates = {limit};
  World world(std::move(before), [](std::size_t, const std::string&) { return std::string(); });
  Call caller(world.io, request());
  world.io.run_for(100ms);  // the handshake waits for an answer
  Setup after;
  after.plan->gates = {limit};
  world.answers = ok;
  world.gateway->apply(after.build());
  REQUIRE(world.io.run_until([&caller] { return caller.closed; }));
  CHECK(caller.answer.starts_with("HTTP/1.1 200"));
  CHECK(world.status() == "429");
}

TEST_CASE("the back end gets what the policy says", "[sim][plan]") {
  Setup setup;
  config::Destination& destination = setup.plan->destinations.front();
  destination.fields = {{.name = "X-Key", .drop = true, .if_absent = {}, .added = {"secret"}}};
  destination.query = {{.name = "code", .drop = true, .if_absent = {}, .added = {"c1"}}};
  destination.host = "policy.example";
  setup.plan->method = "PUT";
  World world(std::move(setup));
  CHECK(world.status(request("POST", "/api/x?a=1&C%6fde=evil&b=2", "x_key: evil\r\nConnection: X-Key\r\n", "body")) == "200");
  CHECK(world.last().starts_with("PUT /x?a=1&b=2&code=c1 HTTP/1.1\r\nHost: policy.example\r\n"));
  CHECK(world.last().contains("\r\nX-Key: secret\r\n"));
  CHECK_FALSE(world.last().contains("evil"));
  CHECK(world.log.contains("method=\"POST\""));
}

TEST_CASE("an answer's length follows the method that was sent", "[sim][plan]") {
  Setup setup;
  SECTION("HEAD of the caller, GET for the back end: no body") {
    setup.plan->method = "GET";
    World world(std::move(setup));
    const std::string answer = world.call(request("HEAD"));
    CHECK(field(answer, "Content-Length") == "2");
    CHECK(body(answer).empty());
    CHECK(world.last().starts_with("GET "));
    CHECK(world.gateway->pool().connections() == 1);  // the body was read to its end
  }
  SECTION("GET of the caller, HEAD for the back end: an empty body") {
    setup.plan->method = "HEAD";
    World world(std::move(setup), [](std::size_t, const std::string&) { return "HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\n"; });
    const std::string answer = world.call();
    CHECK(field(answer, "Content-Length") == "0");
    CHECK(body(answer).empty());
  }
}

TEST_CASE("a POST that a policy makes of a call without a body says that it has none", "[sim][plan]") {
  Setup setup;
  setup.plan->method = "POST";
  World world(std::move(setup));
  CHECK(world.status() == "200");
  CHECK(world.last().contains("\r\nContent-Length: 0\r\n"));
}

TEST_CASE("a policy's time for the answer goes before the back end's", "[sim][plan]") {
  Setup setup;
  setup.plan->response_timeout = 500ms;
  World world(std::move(setup), [](std::size_t, const std::string&) { return std::string(); });
  Call caller(world.io, request());
  world.io.run_for(1s);
  CHECK(caller.answer.starts_with("HTTP/1.1 504"));
  caller.peer.close();
  REQUIRE(world.io.run_until([&] { return caller.closed; }));
}

TEST_CASE("a policy without forward-request answers empty", "[sim][plan]") {
  Setup setup;
  setup.plan->forwards = false;
  setup.plan->destinations.clear();
  setup.plan->response_fields = {{.name = "X-Out", .if_absent = {}, .added = {"1"}}};
  World world(std::move(setup));
  const std::string answer = world.call(request("POST", "/api/x", "", "body"));
  CHECK(answer.starts_with("HTTP/1.1 200 OK\r\n"));
  CHECK(field(answer, "Content-Length") == "0");
  CHECK(field(answer, "X-Out") == "1");
  CHECK(world.calls(0) == 0);
}

TEST_CASE("an API without back end says so", "[sim][plan]") {
  Setup setup;
  setup.plan->destinations.clear();
  World world(std::move(setup));
  CHECK(world.call().contains("BackendNotConfigured"));
}

TEST_CASE("final answers are edited, interim ones are not", "[sim][plan]") {
  Setup setup;
  setup.plan->response_fields = {{.name = "Server", .drop = true, .if_absent = {}, .added = {}},
                                 {.name = "X-Out", .if_absent = {}, .added = {"1"}}};
  World world(std::move(setup), [](std::size_t, const std::string&) {
    return "HTTP/1.1 103 Early Hints\r\nServer: early\r\n\r\nHTTP/1.1 200 OK\r\nServer: late\r\nContent-Length: 0\r\n\r\n";
  });
  const std::string answer = world.call();
  CHECK(answer.contains("Server: early"));
  CHECK_FALSE(answer.contains("Server: late"));
  CHECK(answer.find("X-Out") == answer.rfind("X-Out"));
  CHECK(answer.find("X-Out") > answer.find("200 OK"));
}

TEST_CASE("a policy's answer stands in place of the back end's, whose connection goes on if little is to be read", "[sim][plan]") {
  Setup setup;
  setup.plan->response = config::CannedResponse{.status = 202, .fields = {}, .body = "ours"};
  std::string sent = "HTTP/1.1 500 No\r\nContent-Length: 6\r\n\r\ntheirs";
  std::size_t connections = 1;
  SECTION("a short body") {}
  SECTION("a body in chunks") {
    sent = "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n6\r\ntheirs\r\n0\r\n\r\n";
  }
  SECTION("a long body") {
    sent = "HTTP/1.1 200 OK\r\nContent-Length: 1000000\r\n\r\ntheirs";
    connections = 0;
  }
  SECTION("chunks without end") {
    sent = "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n20000\r\n" + std::string(100'000, 'x');
    connections = 0;
  }
  World world(std::move(setup), [sent](std::size_t, const std::string&) { return sent; });
  const std::string answer = world.call();
  CHECK(answer.starts_with("HTTP/1.1 202 Accepted\r\n"));
  CHECK(body(answer) == "ours");
  world.io.run_for(3s);
  CHECK(world.gateway->pool().connections() == connections);
}

TEST_CASE("an error status can be made an error of ours", "[sim][plan]") {
  Setup setup;
  setup.plan->fail_on_error_status = true;
  setup.plan->error_fields = {{.name = "X-Error", .if_absent = {}, .added = {"1"}},
                              {.name = "Proxy-Status", .drop = true, .if_absent = {}, .added = {}}};
  World world(std::move(setup), [](std::size_t, const std::string& text) -> std::string {
    return text.contains("/bad") ? "HTTP/1.1 404 Not Found\r\nContent-Length: 6\r\n\r\ntheirs" : ok(0, text);
  });
  CHECK(world.status() == "200");
  const std::string answer = world.call(request("GET", "/api/bad"));
  CHECK(answer.starts_with("HTTP/1.1 502"));
  CHECK(answer.contains("BackendErrorStatus"));
  CHECK(field(answer, "X-Error") == "1");
  CHECK(field(answer, "Proxy-Status").empty());
  CHECK_FALSE(answer.contains("theirs"));
  CHECK(world.gateway->pool().connections() == 1);
}

TEST_CASE("a policy's error answer stands in place of ours", "[sim][plan]") {
  Setup setup;
  setup.plan->error_response = config::CannedResponse{.status = 599, .reason = "Sorry", .fields = {{"X-A", "b"}}, .body = "sorry"};
  World world(std::move(setup), ok, 0);
  const std::string answer = world.call();
  CHECK(answer.starts_with("HTTP/1.1 599 Sorry\r\n"));
  CHECK(body(answer) == "sorry");
  CHECK(world.log.contains("status=599"));
  CHECK(world.log.contains("error=connect_refused"));
}

TEST_CASE("members of a pool are called by weight, those of a lower group not at all", "[sim][plan][pool]") {
  Setup setup(3);
  setup.plan->pool_id = "pool";
  setup.plan->destinations[0].weight = 3;
  setup.plan->destinations[1].weight = 1;
  setup.plan->destinations[2].priority = 1;
  World world(std::move(setup), ok, 3);
  for (int i = 0; i < 8; ++i) {
    CHECK(world.status() == "200");
  }
  CHECK(world.calls(0) == 6);
  CHECK(world.calls(1) == 2);
  CHECK(world.calls(2) == 0);
}

TEST_CASE("a call whose member cannot be reached goes to another one", "[sim][plan][pool]") {
  Setup setup(2);
  setup.plan->pool_id = "pool";
  World world(std::move(setup), ok, 0);
  world.listen(1);
  for (int i = 0; i < 4; ++i) {
    CHECK(world.status(request("POST", "/api/x", "", "body")) == "200");
  }
  CHECK(world.calls(1) == 4);
  CHECK(world.log.contains("backend=b1"));
  world.back_ends.front()->close();
  world.back_ends.front()->close_peers();
  world.io.run_for(1s);
  CHECK(world.status() == "502");  // no member is left
}

TEST_CASE("a back end that fails too often is left alone, then called again", "[sim][plan][breaker]") {
  Setup setup;
  setup.upstreams.front()->circuit_breaker = {three_failures()};
  bool well = false;
  World world(std::move(setup), [&well](std::size_t number, const std::string& text) -> std::string {
    return well ? ok(number, text) : "HTTP/1.1 503 No\r\nContent-Length: 0\r\n\r\n";
  });
  for (int i = 0; i < 3; ++i) {
    CHECK_FALSE(world.call().contains("BackendCircuitOpen"));
  }
  const std::string answer = world.call();
  CHECK(answer.starts_with("HTTP/1.1 503"));
  CHECK(answer.contains("BackendCircuitOpen"));
  CHECK(std::stoi(field(answer, "Retry-After")) <= 30);
  CHECK(std::stoi(field(answer, "Retry-After")) >= 25);
  CHECK(world.calls(0) == 3);
  CHECK(world.log.contains("backend=b0"));
  SECTION("and is called once the time is over") {
    well = true;
    world.io.run_for(31s);
    CHECK(world.status() == "200");
  }
  SECTION("through a reload that leaves the rules alone") {
    Setup same;
    same.upstreams.front()->circuit_breaker = {three_failures()};
    world.gateway->apply(same.build());
    CHECK(world.call().contains("BackendCircuitOpen"));
  }
  SECTION("but not through one that changes them") {
    Setup other;
    other.upstreams.front()->circuit_breaker = {three_failures()};
    other.upstreams.front()->circuit_breaker.front().failures_max = 4;
    world.gateway->apply(other.build());
    CHECK_FALSE(world.call().contains("BackendCircuitOpen"));
  }
}

TEST_CASE("a call without an answer is a failure where the rule says so", "[sim][plan][breaker]") {
  for (const bool counts : {true, false}) {
    Setup setup;
    setup.upstreams.front()->circuit_breaker = {three_failures()};
    if (!counts) {
      setup.upstreams.front()->circuit_breaker.front().error_reasons.clear();
    }
    World world(std::move(setup), ok, 0);
    for (int i = 0; i < 3; ++i) {
      CHECK(world.status() == "502");
    }
    CHECK(world.status() == (counts ? "503" : "502"));
  }
}

TEST_CASE("the answer that trips a breaker can say for how long", "[sim][plan][breaker]") {
  Setup setup;
  setup.upstreams.front()->circuit_breaker = {three_failures()};
  setup.upstreams.front()->circuit_breaker.front().accept_retry_after = true;
  World world(std::move(setup),
              [](std::size_t, const std::string&) { return "HTTP/1.1 500 No\r\nRetry-After: 7\r\nContent-Length: 0\r\n\r\n"; });
  for (int i = 0; i < 3; ++i) {
    CHECK(world.status() == "500");
  }
  CHECK(field(world.call(), "Retry-After") == "7");
  world.io.run_for(8s);
  CHECK(world.status() == "500");
}

TEST_CASE("tripped members are skipped; the next group serves when a whole group has tripped", "[sim][plan][breaker][pool]") {
  Setup setup(3);
  setup.plan->pool_id = "pool";
  setup.plan->destinations[2].priority = 1;
  for (auto& each : setup.upstreams) {
    each->circuit_breaker = {three_failures()};
    each->circuit_breaker.front().failures_max = 1;
  }
  std::vector<bool> well = {false, true, true};
  World world(
      std::move(setup),
      [&well](std::size_t number, const std::string& text) -> std::string {
        return well[number] ? ok(number, text) : "HTTP/1.1 500 No\r\nContent-Length: 0\r\n\r\n";
      },
      3);
  CHECK(world.status() == "500");
  for (int i = 0; i < 4; ++i) {
    CHECK(field(world.call(), "X-Number") == "1");
  }
  well[1] = false;
  CHECK(world.status() == "500");
  CHECK(field(world.call(), "X-Number") == "2");
  well[2] = false;
  CHECK(world.status() == "500");
  const std::string answer = world.call();
  CHECK(answer.contains("BackendCircuitOpen"));
  CHECK(std::stoi(field(answer, "Retry-After")) <= 30);
  CHECK(world.log.contains("backend=pool"));
}

TEST_CASE("connections of a back end are given up when it is to be connected anew", "[sim][plan][reconnect]") {
  Setup setup(2);
  setup.plan->pool_id = "pool";
  World world(std::move(setup), ok, 2);
  CHECK(world.status() == "200");
  CHECK(world.status() == "200");
  CHECK(world.gateway->pool().connections() == 2);
  SECTION("at rest, at once; not those of others") {
    CHECK(world.gateway->reconnect("b0").idle == 1);
    world.io.run_for(3s);
    CHECK(world.gateway->pool().connections() == 1);
    CHECK(world.gateway->reconnect("nobody").idle == 0);
  }
  SECTION("after the call, where there is one") {
    world.answers = [](std::size_t, const std::string&) { return std::string(); };
    Call waiting(world.io, request());
    world.io.run_for(100ms);
    CHECK(world.gateway->reconnect("b0").leased == 1);
    CHECK(world.gateway->pool().connections() == 2);
    world.io.run_for(6s);  // the call fails of its own
    CHECK(world.gateway->pool().connections() == 1);
    REQUIRE(world.io.run_until([&] { return waiting.closed; }));
  }
}
