// SPDX-License-Identifier: GPL-3.0-or-later
#include "signet/net/resolver.h"

#include <unistd.h>

#include <algorithm>
#include <catch2/catch_test_macros.hpp>
#include <chrono>
#include <cstdlib>
#include <fstream>
#include <future>
#include <memory>
#include <string>
#include <vector>

#include "support/fake_name_server.h"

using namespace signet;
using namespace std::chrono_literals;
using net::Resolver;
using test::FakeNameServer;

namespace {

std::unique_ptr<Resolver> make_resolver(const FakeNameServer& server, Duration timeout = 30s, std::uint32_t outstanding_max = 100) {
  Result<std::unique_ptr<Resolver>> made =
      Resolver::create({.servers = {server.endpoint()}, .timeout = timeout, .outstanding_max = outstanding_max});
  REQUIRE(made.has_value());
  return std::move(*made);
}

std::future<Resolver::Lookup> ask(Resolver& resolver, const std::string& name) {
  auto promise = std::make_shared<std::promise<Resolver::Lookup>>();
  resolver.resolve(name, [promise](Resolver::Lookup lookup) { promise->set_value(std::move(lookup)); });
  return promise->get_future();
}

std::vector<std::string> texts(const std::vector<Endpoint>& endpoints) {
  std::vector<std::string> texts;
  for (const Endpoint& endpoint : endpoints) {
    texts.push_back(endpoint.address_text());
  }
  std::sort(texts.begin(), texts.end());
  return texts;
}

/// A hosts file, for as long as it lives.
class HostsFile {
 public:
  explicit HostsFile(const std::string& text) {
    std::string name = "/tmp/signet-hosts-XXXXXX";
    const int descriptor = mkstemp(name.data());
    REQUIRE(descriptor >= 0);
    ::close(descriptor);
    std::ofstream(name) << text;
    name_ = name;
    setenv("CARES_HOSTS", name_.c_str(), 1);
  }
  HostsFile(const HostsFile&) = delete;
  HostsFile& operator=(const HostsFile&) = delete;
  ~HostsFile() {
    unsetenv("CARES_HOSTS");
    ::unlink(name_.c_str());
  }

 private:
  std::string name_;
};

}  // namespace

TEST_CASE("every address that the name server gives is found, with its time to live", "[net][resolver]") {
  FakeNameServer server;
  server.set("orders.test", {"127.0.0.2", "127.0.0.3"}, 77);
  const auto resolver = make_resolver(server);
  const Resolver::Lookup lookup = ask(*resolver, "orders.test").get();
  CHECK(lookup.outcome == Resolver::Outcome::found);
  CHECK(texts(lookup.endpoints) == std::vector<std::string>{"127.0.0.2", "127.0.0.3"});
  CHECK(lookup.ttl == 77s);
}

TEST_CASE("the hosts file comes before the name server", "[net][resolver]") {
  const HostsFile hosts("127.0.0.9 orders.test\n");
  FakeNameServer server;
  server.set("orders.test", {"127.0.0.2"}, 77);
  const auto resolver = make_resolver(server);
  const Resolver::Lookup lookup = ask(*resolver, "orders.test").get();
  CHECK(lookup.outcome == Resolver::Outcome::found);
  CHECK(texts(lookup.endpoints) == std::vector<std::string>{"127.0.0.9"});
  CHECK(server.asked("orders.test") == 0);
}

TEST_CASE("a name that does not exist is told apart from a name server that fails", "[net][resolver]") {
  FakeNameServer server;
  const auto resolver = make_resolver(server);
  const Resolver::Lookup missing = ask(*resolver, "missing.test").get();
  CHECK(missing.outcome == Resolver::Outcome::not_found);
  CHECK(missing.error.kind == ErrorKind::dns_failure);
  CHECK(missing.error.detail.find("missing.test") != std::string::npos);
  server.set_mood(FakeNameServer::Mood::fails);
  const Resolver::Lookup failed = ask(*resolver, "orders.test").get();
  CHECK(failed.outcome == Resolver::Outcome::failed);
  CHECK(failed.error.kind == ErrorKind::dns_failure);
}

TEST_CASE("a silent name server is given up when the time is over, and the next name is still resolved", "[net][resolver]") {
  const HostsFile hosts("127.0.0.9 other.test\n");
  FakeNameServer server;
  server.set("orders.test", {"127.0.0.2"}, 60);
  server.set_mood(FakeNameServer::Mood::silent);
  const auto resolver = make_resolver(server, 50ms);
  const Resolver::Lookup lookup = ask(*resolver, "orders.test").get();
  CHECK(lookup.outcome == Resolver::Outcome::failed);
  CHECK(lookup.error.kind == ErrorKind::dns_failure);
  CHECK(lookup.error.detail.find("in time") != std::string::npos);
  CHECK(ask(*resolver, "other.test").get().outcome == Resolver::Outcome::found);
}

TEST_CASE("more names at once than allowed are refused, and the others are resolved", "[net][resolver]") {
  FakeNameServer server;
  server.set_mood(FakeNameServer::Mood::silent);
  const auto resolver = make_resolver(server, 30s, 2);
  server.set("a.test", {"127.0.0.2"}, 60);
  server.set("b.test", {"127.0.0.2"}, 60);
  auto first = ask(*resolver, "a.test");
  auto second = ask(*resolver, "b.test");
  const Resolver::Lookup third = ask(*resolver, "c.test").get();
  CHECK(third.outcome == Resolver::Outcome::failed);
  CHECK(third.error.kind == ErrorKind::overload);
  server.set_mood(FakeNameServer::Mood::answers);
  CHECK(first.get().outcome == Resolver::Outcome::found);
  CHECK(second.get().outcome == Resolver::Outcome::found);
}

TEST_CASE("whoever waits when the resolver ends is answered", "[net][resolver]") {
  FakeNameServer server;
  server.set_mood(FakeNameServer::Mood::silent);
  auto resolver = make_resolver(server);
  std::vector<std::future<Resolver::Lookup>> answers;
  for (int i = 0; i < 20; ++i) {
    answers.push_back(ask(*resolver, "name" + std::to_string(i) + ".test"));
  }
  resolver.reset();
  for (auto& answer : answers) {
    REQUIRE(answer.wait_for(0s) == std::future_status::ready);
    CHECK(answer.get().outcome == Resolver::Outcome::failed);
  }
}
