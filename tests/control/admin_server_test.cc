// SPDX-License-Identifier: GPL-3.0-or-later
// The management listener on a simulated network, where a test owns the clock and decides when a worker works.
#include "signet/control/admin_server.h"

#include <algorithm>
#include <catch2/catch_test_macros.hpp>
#include <deque>
#include <functional>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "sim/sim_io.h"
#include "sim/sim_peer.h"

using namespace signet;
using namespace signet::control;

namespace {

const std::string writer = "Authorization: Bearer writer\r\n";
const std::string reader = "Authorization: Bearer reader\r\n";
const std::string stranger = "Authorization: Bearer stranger\r\n";

/// A client and all that it has got.
class Client {
 public:
  Client(sim::SimIo& io, const Endpoint& server)
      : peer_(std::make_unique<sim::SimPeer>(
            io, sim::SimPeer::Script{.received = [this](sim::SimPeer&, std::string_view bytes) { received += bytes; },
                                     .ended = [this](sim::SimPeer&, int) { ended = true; },
                                     .closed = [this](sim::SimPeer&) { closed = true; }})) {
    peer_->connect(server);
  }

  void write(std::string_view bytes) { peer_->write(bytes); }
  void request(const std::string& method, const std::string& path, const std::string& fields, const std::string& body = {}) {
    write(method + " " + path + " HTTP/1.1\r\nHost: localhost\r\n" + fields +
          (body.empty() ? "" : "Content-Length: " + std::to_string(body.size()) + "\r\n") + "\r\n" + body);
  }
  void finish() { peer_->finish(); }
  void abort() { peer_->abort(); }
  void close() { peer_->close(); }
  [[nodiscard]] bool has(std::string_view text) const { return received.find(text) != std::string::npos; }
  /// Whose heads are here.
  [[nodiscard]] std::size_t answers() const {
    std::size_t count = 0;
    for (std::size_t at = received.find("HTTP/1.1 "); at != std::string::npos; at = received.find("HTTP/1.1 ", at + 1)) {
      count += received.find("\r\n\r\n", at) != std::string::npos ? 1U : 0U;
    }
    return count;
  }

  std::string received;
  bool ended = false;
  bool closed = false;

 private:
  std::unique_ptr<sim::SimPeer> peer_;
};

/// A server without TLS, its clients, and the work that waits.
class Bench {
 public:
  explicit Bench(std::size_t connections_max = limits::admin_connections_max) {
    tokens.replace({{.name = "w", .role = Role::write, .sha256 = wire::sha256(as_bytes("writer"))},
                    {.name = "r", .role = Role::read, .sha256 = wire::sha256(as_bytes("reader"))}});
    server =
        std::make_unique<AdminServer>(io, AdminServer::Options{.handler = [this](const AdminRequest& request) { return handle(request); },
                                                               .submit =
                                                                   [this](std::function<void()> todo) {
                                                                     if (full) {
                                                                       return false;
                                                                     }
                                                                     work.push_back(std::move(todo));
                                                                     return true;
                                                                   },
                                                               .tokens = &tokens,
                                                               .ready = [this] { return ready; },
                                                               .connections_max = connections_max});
    REQUIRE(server->listen(*parse_endpoint("127.0.0.1:0")).has_value());
  }
  Bench(const Bench&) = delete;
  Bench& operator=(const Bench&) = delete;
  ~Bench() {
    for (const std::unique_ptr<Client>& client : clients_) {
      client->close();
    }
    bool stopped = false;
    server->stop([&] { stopped = true; });
    CHECK(io.run_until([&] { return stopped && std::ranges::all_of(clients_, [](const auto& client) { return client->closed; }); }));
    server.reset();
    work_all();
    io.run();
  }

  Client& client() {
    clients_.push_back(std::make_unique<Client>(io, server->address()));
    return *clients_.back();
  }
  /// What a worker does.
  void work_all() {
    while (!work.empty()) {
      const std::function<void()> todo = std::move(work.front());
      work.pop_front();
      todo();
    }
  }
  bool until(const std::function<bool()>& done) {
    return io.run_until([&] {
      if (working) {
        work_all();
      }
      return done();
    });
  }
  bool until_answers(const Client& client, std::size_t count) {
    return until([&] { return client.answers() >= count; });
  }

  sim::SimIo io{1};
  Tokens tokens;
  std::deque<std::function<void()>> work;
  std::vector<AdminRequest> seen;
  AdminResponse response;
  bool working = true;
  bool full = false;
  bool ready = true;
  std::unique_ptr<AdminServer> server;

 private:
  AdminResponse handle(const AdminRequest& request) {
    seen.push_back(request);
    AdminResponse made = response;
    if (made.body.empty()) {
      made.body = "\"" + request.method + " " + request.target + "\"";
    }
    return made;
  }

  std::vector<std::unique_ptr<Client>> clients_;
};

std::size_t count_in(const std::string& text, std::string_view part) {
  std::size_t count = 0;
  for (std::size_t at = text.find(part); at != std::string::npos; at = text.find(part, at + 1)) {
    ++count;
  }
  return count;
}

}  // namespace

TEST_CASE("a request reaches the handler whole, with who asks", "[control][admin-server]") {
  Bench bench;
  Client& client = bench.client();
  client.request("PUT", "/certificates/a%2Fb?api-version=2024-05-01", writer + "If-Match: \"7\"\r\nContent-Type: application/json\r\n",
                 "{\"properties\":{}}");
  REQUIRE(bench.until_answers(client, 1));
  REQUIRE(bench.seen.size() == 1);
  const AdminRequest& seen = bench.seen[0];
  CHECK(seen.method == "PUT");
  CHECK(seen.target == "/certificates/a%2Fb?api-version=2024-05-01");
  CHECK(seen.authority == "localhost");
  CHECK(seen.scheme == "http");
  CHECK(seen.if_match == "\"7\"");
  CHECK(seen.content_type == "application/json");
  CHECK(seen.body == "{\"properties\":{}}");
  CHECK(seen.role == Role::write);
  CHECK(seen.principal == "w");
}

TEST_CASE("every answer says when, how long, what it is called, and that nobody keeps it", "[control][admin-server]") {
  Bench bench;
  bench.response.fields.emplace_back("ETag", "\"1\"");
  Client& client = bench.client();
  client.request("GET", "/apis", reader);
  REQUIRE(bench.until([&] { return client.has("\"GET /apis\""); }));
  for (const char* field : {"HTTP/1.1 200 OK\r\nDate: ", " GMT\r\n", "Content-Length: 11\r\n", "Cache-Control: no-store\r\n",
                            "X-Content-Type-Options: nosniff\r\n", "x-ms-request-id: ", "ETag: \"1\"\r\n",
                            "Content-Type: application/json; charset=utf-8\r\n"}) {
    CAPTURE(field);
    CHECK(client.has(field));
  }
  client.request("GET", "/backends", stranger);
  REQUIRE(bench.until_answers(client, 2));
  CHECK(count_in(client.received, "x-ms-request-id: ") == 2);
}

TEST_CASE("an answer cannot smuggle a field", "[control][admin-server]") {
  Bench bench;
  bench.response.fields.emplace_back("ETag", "\"1\"\r\nX-Forged: yes");
  Client& client = bench.client();
  client.request("GET", "/apis", reader);
  REQUIRE(bench.until_answers(client, 1));
  CHECK_FALSE(client.has("X-Forged"));
}

TEST_CASE("an answer to HEAD has the length and not the content; 204 has neither", "[control][admin-server]") {
  Bench bench;
  Client& client = bench.client();
  client.request("HEAD", "/apis/x", reader);
  REQUIRE(bench.until([&] { return client.received.ends_with("\r\n\r\n"); }));
  CHECK(client.has("Content-Length: 14\r\n"));
  bench.response.status = 204;
  client.request("DELETE", "/apis/x", writer);
  REQUIRE(bench.until([&] { return client.has(" 204 ") && client.received.ends_with("\r\n\r\n"); }));
  CHECK(count_in(client.received, "Content-Length") == 1);
  CHECK(count_in(client.received, "DELETE") == 0);
}

TEST_CASE("pipelined requests are answered one after the other, in order", "[control][admin-server]") {
  Bench bench;
  bench.working = false;
  Client& client = bench.client();
  for (const char* path : {"/1", "/2", "/3"}) {
    client.request("GET", path, reader);
  }
  REQUIRE(bench.until([&] { return !bench.work.empty(); }));
  bench.io.run_for(std::chrono::seconds(1));
  CHECK(bench.work.size() == 1);
  bench.working = true;
  REQUIRE(bench.until([&] { return client.has("\"GET /3\""); }));
  CHECK(client.received.find("GET /1") < client.received.find("GET /2"));
  CHECK(client.received.find("GET /2") < client.received.find("GET /3"));
}

TEST_CASE("without a token that is known nothing reaches the handler", "[control][admin-server]") {
  Bench bench;
  for (const std::string& fields : {std::string(), stranger, std::string("Authorization: Basic writer\r\n"), writer + writer,
                                    std::string("Authorization: Bearer\r\n"), std::string("Authorization: Bearer writer2\r\n")}) {
    CAPTURE(fields);
    Client& client = bench.client();
    client.request("GET", "/apis", fields);
    REQUIRE(bench.until_answers(client, 1));
    CHECK(client.has("HTTP/1.1 401 "));
    CHECK(client.has("WWW-Authenticate: Bearer\r\n"));
    CHECK(bench.until([&] { return client.has(R"({"error":{"code":"AuthenticationFailed")"); }));
  }
  CHECK(bench.seen.empty());
}

TEST_CASE("a token to read does not write", "[control][admin-server]") {
  Bench bench;
  for (const char* method : {"PUT", "PATCH", "POST", "DELETE", "OPTIONS"}) {
    CAPTURE(method);
    Client& client = bench.client();
    client.request(method, "/apis/x", reader);
    REQUIRE(bench.until([&] { return client.has(R"("code":"AuthorizationFailed")"); }));
    CHECK(client.has("HTTP/1.1 403 "));
  }
  CHECK(bench.seen.empty());
}

TEST_CASE("the body of a request that is refused is never read", "[control][admin-server]") {
  Bench bench;
  Client& client = bench.client();
  client.write("PUT /apis/x HTTP/1.1\r\nHost: a\r\nContent-Length: 100\r\nExpect: 100-continue\r\n\r\n");
  REQUIRE(bench.until([&] { return client.ended; }));
  CHECK(client.has("HTTP/1.1 401 "));
  CHECK(client.has("Connection: close\r\n"));
  CHECK_FALSE(client.has("100 Continue"));
}

TEST_CASE("a body is asked for before it is sent, and may come in chunks", "[control][admin-server]") {
  Bench bench;
  Client& client = bench.client();
  client.write("PUT /apis/x HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\nExpect: 100-continue\r\n" + writer + "\r\n");
  REQUIRE(bench.until([&] { return client.has("HTTP/1.1 100 Continue\r\n\r\n"); }));
  client.write("2\r\n{}\r\n1\r\n \r\n0\r\n\r\n");
  REQUIRE(bench.until([&] { return client.has("HTTP/1.1 200 "); }));
  CHECK(bench.seen.at(0).body == "{} ");
}

TEST_CASE("a body that is too large is refused by its length, or when it gets there", "[control][admin-server]") {
  Bench bench;
  Client& announced = bench.client();
  announced.write("PUT /x HTTP/1.1\r\nHost: a\r\nContent-Length: 8388609\r\n" + writer + "\r\n");
  REQUIRE(bench.until([&] { return announced.ended; }));
  CHECK(announced.has("HTTP/1.1 413 "));
  Client& chunked = bench.client();
  chunked.write("PUT /x HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n" + writer + "\r\n800001\r\n" + std::string(8'388'609, 'x'));
  REQUIRE(bench.until_answers(chunked, 1));
  CHECK(chunked.has("HTTP/1.1 413 "));
  Client& exact = bench.client();
  exact.request("PUT", "/x", writer, std::string(8'388'608, ' '));
  REQUIRE(bench.until_answers(exact, 1));
  CHECK(exact.has("HTTP/1.1 200 "));
  CHECK(bench.seen.at(0).body.size() == 8'388'608);
}

TEST_CASE("large bodies at once are bounded together", "[control][admin-server]") {
  Bench bench;
  bench.working = false;
  std::vector<Client*> clients;
  for (std::uint64_t i = 0; i <= limits::admin_bodies_bytes_max / limits::admin_body_bytes_max; ++i) {
    clients.push_back(&bench.client());
    clients.back()->write("PUT /x HTTP/1.1\r\nHost: a\r\nExpect: 100-continue\r\nContent-Length: 8388608\r\n" + writer + "\r\n");
    REQUIRE(bench.until_answers(*clients.back(), 1));
  }
  CHECK(clients.back()->has("HTTP/1.1 503 "));
  CHECK(clients.front()->has("HTTP/1.1 100 "));
  clients.front()->abort();
  bench.io.run_for(std::chrono::seconds(1));
  Client& next = bench.client();
  next.write("PUT /x HTTP/1.1\r\nHost: a\r\nExpect: 100-continue\r\nContent-Length: 8388608\r\n" + writer + "\r\n");
  REQUIRE(bench.until_answers(next, 1));
  CHECK(next.has("HTTP/1.1 100 "));
}

TEST_CASE("a body that waits for a worker counts after its connection has gone", "[control][admin-server]") {
  Bench bench;
  bench.working = false;
  const std::string body(limits::admin_body_bytes_max, ' ');
  const std::uint64_t room = limits::admin_bodies_bytes_max / limits::admin_body_bytes_max;
  for (std::uint64_t i = 0; i < room; ++i) {
    Client& client = bench.client();
    client.request("PUT", "/x", writer, body);
    REQUIRE(bench.until([&] { return bench.work.size() == i + 1; }));
    client.abort();
    bench.io.run_for(std::chrono::seconds(1));
  }
  const auto first_answer = [&] {
    Client& client = bench.client();
    client.write("PUT /x HTTP/1.1\r\nHost: a\r\nExpect: 100-continue\r\nContent-Length: 8388608\r\n" + writer + "\r\n");
    REQUIRE(bench.until_answers(client, 1));
    return client.received.substr(9, 3);
  };
  CHECK(first_answer() == "503");
  bench.work_all();
  bench.io.run_for(std::chrono::seconds(1));
  CHECK(first_answer() == "100");
}

TEST_CASE("a body has to be JSON by its type", "[control][admin-server]") {
  const auto status = [](const std::string& type) {
    Bench bench;
    Client& client = bench.client();
    client.request("PUT", "/x", writer + (type.empty() ? "" : "Content-Type: " + type + "\r\n"), "{}");
    REQUIRE(bench.until_answers(client, 1));
    return client.received.substr(9, 3);
  };
  CHECK(status("") == "200");
  CHECK(status("application/json") == "200");
  CHECK(status("Application/JSON ; charset=utf-8") == "200");
  CHECK(status("application/merge-patch+json") == "200");
  CHECK(status("text/plain") == "415");
  CHECK(status("application/x-www-form-urlencoded") == "415");
  CHECK(status("application/jsonx") == "415");
}

TEST_CASE("what is not HTTP/1.1 is told so in the form of every error", "[control][admin-server]") {
  const auto answer = [](const std::string& bytes) {
    Bench bench;
    Client& client = bench.client();
    client.write(bytes);
    REQUIRE(bench.until([&] { return client.ended; }));
    CHECK(client.has("{\"error\":{\"code\":\""));
    return client.received.substr(9, 3);
  };
  CHECK(answer("nonsense\r\n\r\n") == "400");
  CHECK(answer("GET / HTTP/1.1\r\nHost: a\r\nContent-Length: 1\r\nContent-Length: 2\r\n\r\n") == "400");
  CHECK(answer("GET / HTTP/1.1\r\nHost: a\r\nX: " + std::string(limits::admin_head_bytes_max, 'x') + "\r\n\r\n") == "431");
  CHECK(answer("TRACE / HTTP/1.1\r\nHost: a\r\n\r\n") == "405");
  CHECK(answer("GET / HTTP/2.7\r\nHost: a\r\n\r\n") == "400");  // clients try a 5xx again
  CHECK(answer("PUT / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: gzip, chunked\r\n\r\n") == "400");
  CHECK(answer("GET / HTTP/1.1\r\nHost: a\r\nExpect: 200-maybe\r\n\r\n") == "417");
}

TEST_CASE("a head that does not come to its end in time is answered 408", "[control][admin-server]") {
  Bench bench;
  Client& slow = bench.client();
  slow.write("GET /apis HTTP/1.1\r\n");
  bench.io.run_for(limits::admin_head_timeout - std::chrono::seconds(1));
  CHECK(slow.answers() == 0);
  bench.io.run_for(std::chrono::seconds(4));
  CHECK(slow.has("HTTP/1.1 408 "));
  CHECK(slow.ended);
}

TEST_CASE("a body that does not come to its end in time is answered 408, however steadily it drips", "[control][admin-server]") {
  Bench bench;
  Client& slow = bench.client();
  slow.write("PUT /apis/x HTTP/1.1\r\nHost: a\r\nContent-Length: 1000\r\n" + writer + "\r\n");
  for (Duration passed{}; passed < limits::admin_body_timeout + std::chrono::seconds(2); passed += std::chrono::seconds(1)) {
    slow.write("x");
    bench.io.run_for(std::chrono::seconds(1));
  }
  CHECK(slow.has("HTTP/1.1 408 "));
  CHECK(bench.seen.empty());
}

TEST_CASE("a connection that says nothing ends, before and between requests", "[control][admin-server]") {
  Bench bench;
  Client& silent = bench.client();
  bench.io.run_for(limits::admin_head_timeout + std::chrono::seconds(1));
  CHECK(silent.ended);
  CHECK(silent.received.empty());
  Client& idle = bench.client();
  idle.request("GET", "/apis", reader);
  REQUIRE(bench.until_answers(idle, 1));
  bench.io.run_for(limits::admin_idle_timeout - std::chrono::seconds(2));
  CHECK_FALSE(idle.ended);
  bench.io.run_for(std::chrono::seconds(4));
  CHECK(idle.ended);
}

TEST_CASE("answers to wrong tokens are slowed; a valid token from the same address is not", "[control][admin-server]") {
  Bench bench;
  for (int i = 0; i < 6; ++i) {
    Client& client = bench.client();
    client.request("GET", "/apis", stranger);
    REQUIRE(bench.until_answers(client, 1));
  }
  Client& wrong = bench.client();
  Client& right = bench.client();
  wrong.request("GET", "/apis", stranger);
  const TimePoint begin = bench.io.now();
  right.request("GET", "/apis", reader);
  REQUIRE(bench.until_answers(right, 1));
  CHECK(right.has("HTTP/1.1 200 "));
  CHECK(bench.io.now() - begin < limits::token_pause_min);
  CHECK(wrong.answers() == 0);
  REQUIRE(bench.until_answers(wrong, 1));
  CHECK(bench.io.now() - begin >= limits::token_pause_max);
}

TEST_CASE("answers that wait are bounded: beyond it they come at once, and the connection ends", "[control][admin-server]") {
  Bench bench;
  std::vector<Client*> waiting;
  for (std::size_t i = 0; i < limits::token_pauses_max + 20; ++i) {
    waiting.push_back(&bench.client());
  }
  // All together, or the first would be answered before the last has come.
  bench.io.run_for(std::chrono::milliseconds(20));
  for (Client* const client : waiting) {
    client->request("GET", "/apis", stranger);
  }
  bench.io.run_for(std::chrono::milliseconds(100));
  const auto ended = std::ranges::count_if(waiting, [](const Client* client) { return client->ended && client->has(" 401 "); });
  CHECK(ended == 20);
  CHECK(std::ranges::count_if(waiting, [](const Client* client) { return client->answers() == 1; }) == 20);
  bench.io.run_for(limits::token_pause_max + std::chrono::seconds(1));
  CHECK(std::ranges::all_of(waiting, [](const Client* client) { return client->has(" 401 "); }));
}

TEST_CASE("who has shown no token makes room for who may; who has, stays", "[control][admin-server]") {
  Bench bench(3);
  Client& trusted = bench.client();
  trusted.request("GET", "/apis", reader);
  REQUIRE(bench.until_answers(trusted, 1));
  Client& first = bench.client();
  bench.io.run_for(std::chrono::milliseconds(50));
  Client& second = bench.client();
  bench.io.run_for(std::chrono::milliseconds(50));
  Client& third = bench.client();
  third.request("GET", "/apis", reader);
  REQUIRE(bench.until_answers(third, 1));
  CHECK(third.has("HTTP/1.1 200 "));
  CHECK(bench.until([&] { return first.ended; }));
  CHECK_FALSE(second.ended);
  CHECK_FALSE(trusted.ended);
  trusted.request("GET", "/apis", reader);
  CHECK(bench.until_answers(trusted, 2));
}

TEST_CASE("with every place taken by who may be there, a further connection is refused", "[control][admin-server]") {
  Bench bench(1);
  Client& trusted = bench.client();
  trusted.request("GET", "/apis", reader);
  REQUIRE(bench.until_answers(trusted, 1));
  Client& further = bench.client();
  REQUIRE(bench.until([&] { return further.ended; }));
  CHECK(further.received.empty());
  CHECK_FALSE(trusted.ended);
}

TEST_CASE("more requests than may wait are told to come back", "[control][admin-server]") {
  Bench bench;
  bench.full = true;
  Client& client = bench.client();
  client.request("PUT", "/apis/x", writer, "{}");
  REQUIRE(bench.until([&] { return client.has(R"("code":"ServiceUnavailable")"); }));
  CHECK(client.has("HTTP/1.1 503 "));
  CHECK(client.has("Retry-After: 1\r\n"));
  bench.full = false;
  client.request("PUT", "/apis/x", writer, "{}");
  REQUIRE(bench.until_answers(client, 2));
  CHECK(client.has("HTTP/1.1 200 "));
}

TEST_CASE("health needs no token; readiness is what the data plane says", "[control][admin-server]") {
  Bench bench;
  bench.ready = false;
  Client& client = bench.client();
  client.request("GET", "/healthz", "");
  REQUIRE(bench.until([&] { return client.received.ends_with(R"({"status":"ok"})"); }));
  CHECK(client.has("HTTP/1.1 200 "));
  client.request("GET", "/readyz?x", "");
  REQUIRE(bench.until_answers(client, 2));
  CHECK(client.has("HTTP/1.1 503 "));
  bench.ready = true;
  client.request("HEAD", "/readyz", "");
  REQUIRE(bench.until_answers(client, 3));
  client.request("DELETE", "/healthz", "");
  REQUIRE(bench.until_answers(client, 4));
  CHECK(client.has("HTTP/1.1 405 "));
  CHECK(client.has("Allow: GET, HEAD\r\n"));
  CHECK(bench.seen.empty());
}

TEST_CASE("a client that goes away while its request is carried out changes nothing for the others", "[control][admin-server]") {
  Bench bench;
  bench.working = false;
  Client& gone = bench.client();
  gone.request("PUT", "/apis/x", writer, "{}");
  REQUIRE(bench.until([&] { return bench.work.size() == 1; }));
  gone.abort();
  bench.io.run_for(std::chrono::seconds(3));
  Client& other = bench.client();
  other.request("GET", "/apis", reader);
  REQUIRE(bench.until([&] { return bench.work.size() == 2; }));
  bench.working = true;
  REQUIRE(bench.until_answers(other, 1));
  CHECK(other.has("GET /apis"));
  CHECK(bench.seen.size() == 2);
}

TEST_CASE("a client that has ended its half still gets its answer", "[control][admin-server]") {
  Bench bench;
  Client& client = bench.client();
  client.request("GET", "/apis", reader);
  client.finish();
  REQUIRE(bench.until([&] { return client.ended; }));
  CHECK(client.has("HTTP/1.1 200 "));
}

TEST_CASE("draining answers what is carried out, ends what waits, and then is done", "[control][admin-server]") {
  Bench bench;
  bench.working = false;
  Client& busy = bench.client();
  Client& idle = bench.client();
  Client& pausing = bench.client();
  busy.request("PUT", "/apis/x", writer, "{}");
  pausing.request("GET", "/apis", stranger);
  REQUIRE(bench.until([&] { return bench.work.size() == 1 && bench.server->connections() == 3; }));
  bool done = false;
  bench.server->drain([&] { done = true; });
  REQUIRE(bench.until([&] { return idle.ended && pausing.ended; }));
  CHECK_FALSE(done);
  bench.working = true;
  REQUIRE(bench.until([&] { return done; }));
  CHECK(bench.until([&] { return busy.ended; }));
  CHECK(busy.has("HTTP/1.1 200 "));
  CHECK(busy.has("Connection: close\r\n"));
}

TEST_CASE("an answer that comes after the server has gone is dropped", "[control][admin-server]") {
  Bench bench;
  bench.working = false;
  bench.client().request("PUT", "/apis/x", writer, "{}");
  REQUIRE(bench.until([&] { return bench.work.size() == 1; }));
  // The bench stops and destroys the server, then the worker works.
}
