// SPDX-License-Identifier: GPL-3.0-or-later
#include "signet/net/session_depot.h"

#include <atomic>
#include <catch2/catch_test_macros.hpp>
#include <catch2/generators/catch_generators.hpp>
#include <chrono>
#include <memory>
#include <optional>
#include <thread>
#include <utility>
#include <vector>

#include "signet/base/byte_buffer.h"
#include "signet/wire/tls_engine.h"
#include "support/tls_test_contexts.h"

namespace signet::net {

namespace {

using wire::TlsContext;
using wire::TlsEngine;
using wire::TlsSession;
using wire::TlsVersion;

WallTime now() {
  return std::chrono::floor<std::chrono::seconds>(std::chrono::system_clock::now());
}

const Endpoint endpoint = *parse_endpoint("127.0.0.1:443");
const Endpoint other_endpoint = *parse_endpoint("127.0.0.2:443");

struct Connected {
  bool complete = false;
  bool resumed = false;
  std::vector<TlsSession> sessions;
};

/// A whole connection, without an assertion: threads make it.
Connected connect(const std::shared_ptr<TlsContext>& client_context, const std::shared_ptr<TlsContext>& server_context,
                  std::optional<TlsSession> offered = std::nullopt) {
  TlsEngine client = TlsEngine::client(client_context, std::move(offered));
  TlsEngine server = TlsEngine::server(server_context);
  ByteBuffer to_client;
  ByteBuffer to_server;
  const auto step = [](TlsEngine& engine, TlsEngine::Event& event, ByteBuffer& in, ByteBuffer& out) {
    if (event == TlsEngine::Event::want_input) {
      ByteView input = in.view();
      const std::size_t size = input.size();
      event = engine.handshake(input, out);
      in.consume(size - input.size());
    }
  };
  TlsEngine::Event client_event = TlsEngine::Event::want_input;
  TlsEngine::Event server_event = TlsEngine::Event::want_input;
  for (int flight = 0; flight < 4; ++flight) {
    step(client, client_event, to_client, to_server);
    step(server, server_event, to_server, to_client);
  }
  Connected result;
  result.complete = client_event == TlsEngine::Event::handshake_complete && server_event == TlsEngine::Event::handshake_complete;
  if (!result.complete) {
    return result;
  }
  ByteBuffer plaintext;
  MutableByteView input = to_client.mutable_view();
  static_cast<void>(client.read(input, plaintext, 1024, to_server));
  result.resumed = client.resumed();
  while (std::optional<TlsSession> session = client.take_session()) {
    result.sessions.push_back(std::move(*session));
  }
  return result;
}

TlsSession session_of(const std::shared_ptr<TlsContext>& client, const std::shared_ptr<TlsContext>& server) {
  Connected connected = connect(client, server);
  REQUIRE_FALSE(connected.sessions.empty());
  return std::move(connected.sessions.front());
}

}  // namespace

TEST_CASE("The depot gives a session to whoever asks for its endpoint and identity: a ticket once, a TLS 1.2 session again",
          "[net][sessions]") {
  const TlsVersion version = GENERATE(TlsVersion::tls12, TlsVersion::tls13);
  const auto client = test::client_context(test::identity_settings(version));
  const auto server = test::server_context();
  const wire::IdentityKey& key = client->identity()->key();
  SessionDepot depot;
  depot.put(endpoint, session_of(client, server));
  CHECK_FALSE(depot.take(other_endpoint, key, now()).has_value());
  CHECK_FALSE(depot.take(endpoint, wire::IdentityKey{}, now()).has_value());
  std::optional<TlsSession> session = depot.take(endpoint, key, now());
  REQUIRE(session.has_value());
  CHECK(connect(client, server, std::move(session)).resumed);
  CHECK(depot.take(endpoint, key, now()).has_value() == (version == TlsVersion::tls12));
  depot.forget(endpoint, key);
  CHECK(depot.size() == 0);
}

TEST_CASE("A session leaves the depot when it expires, and so with its certificate at the latest", "[net][sessions]") {
  const TlsVersion version = GENERATE(TlsVersion::tls12, TlsVersion::tls13);
  const auto client = test::client_context(test::identity_settings(version));
  const wire::IdentityKey& key = client->identity()->key();
  TlsSession session = session_of(client, test::server_context());
  const WallTime end = session.expires_at();
  CHECK(end <= test::TestPki::instance().certificate("client")->not_after());
  CHECK(end <= test::TestPki::instance().certificate("server")->not_after());
  SessionDepot depot;
  depot.put(endpoint, std::move(session));
  CHECK_FALSE(depot.take(endpoint, key, end).has_value());
  CHECK(depot.size() == 0);
}

TEST_CASE("The depot forgets identities that go out of use, and takes none of their sessions from a shard that lags behind",
          "[net][sessions]") {
  const TlsVersion version = GENERATE(TlsVersion::tls12, TlsVersion::tls13);
  const auto client = test::client_context(test::identity_settings(version));
  const auto server = test::server_context();
  const wire::IdentityKey& key = client->identity()->key();
  SessionDepot depot;
  depot.put(endpoint, session_of(client, server));
  CHECK(depot.retain({wire::IdentityKey{}}) == 1);
  CHECK_FALSE(depot.take(endpoint, key, now()).has_value());
  depot.put(endpoint, session_of(client, server));
  CHECK(depot.size() == 0);
  CHECK(depot.retain({key}) == 0);
  depot.put(endpoint, session_of(client, server));
  CHECK(depot.retain({key}) == 0);
  CHECK(depot.take(endpoint, key, now()).has_value());
}

TEST_CASE("The depot has a limit", "[net][sessions]") {
  const auto client = test::client_context(test::identity_settings(TlsVersion::tls13));
  const auto server = test::server_context();
  SessionDepot depot({.entries_max = 1, .sessions_per_entry_max = 2});
  for (int i = 0; i < 3; ++i) {
    depot.put(endpoint, session_of(client, server));
  }
  CHECK(depot.size() == 2);
  depot.put(other_endpoint, session_of(client, server));
  CHECK(depot.size() == 1);
  CHECK_FALSE(depot.take(endpoint, client->identity()->key(), now()).has_value());

  SessionDepot as_shipped;
  for (std::size_t i = 0; i < limits::depot_sessions_max + 2; ++i) {
    as_shipped.put(endpoint, session_of(client, server));
  }
  CHECK(as_shipped.size() == limits::depot_sessions_max);
}

TEST_CASE("A session that one thread has made resumes on another", "[net][sessions]") {
  const TlsVersion version = GENERATE(TlsVersion::tls12, TlsVersion::tls13);
  const auto client = test::client_context(test::identity_settings(version));
  const auto second_client = test::client_context(test::identity_settings(version));
  const auto server = test::server_context();
  SessionDepot depot;
  std::thread([&] {
    for (TlsSession& session : connect(client, server).sessions) {
      depot.put(endpoint, std::move(session));
    }
  }).join();
  std::optional<TlsSession> session = depot.take(endpoint, second_client->identity()->key(), now());
  REQUIRE(session.has_value());
  const Connected resumed = connect(second_client, server, std::move(session));
  CHECK(resumed.complete);
  CHECK(resumed.resumed);
}

TEST_CASE("Threads that put, take and forget at once find every ticket once, and every connection works", "[net][sessions]") {
  const TlsVersion version = GENERATE(TlsVersion::tls12, TlsVersion::tls13);
  constexpr int threads_count = 2;
  constexpr int rounds = 24;
  SessionDepot depot;
  std::atomic<int> complete = 0;
  std::atomic<int> left = 0;
  const wire::IdentityKey key = test::client_context(test::identity_settings(version))->identity()->key();
  {
    std::vector<std::pair<std::shared_ptr<TlsContext>, std::shared_ptr<TlsContext>>> contexts;
    for (int i = 0; i < threads_count; ++i) {
      contexts.emplace_back(test::client_context(test::identity_settings(version)), test::server_context());
    }
    std::vector<std::thread> threads;
    for (int i = 0; i < threads_count; ++i) {
      threads.emplace_back([&, i, contexts = contexts[static_cast<std::size_t>(i)]] {
        for (int round = 0; round < rounds; ++round) {
          // Half of these come from the other thread's server: they are offered in vain.
          Connected connected = connect(contexts.first, contexts.second, depot.take(endpoint, key, now()));
          complete += connected.complete ? 1 : 0;
          for (TlsSession& session : connected.sessions) {
            depot.put(endpoint, std::move(session));
          }
          if (round % 8 == 7 && i == 0) {
            depot.forget(endpoint, key);
            depot.retain({key});
          }
        }
      });
    }
    for (std::thread& thread : threads) {
      thread.join();
    }
  }
  CHECK(complete == threads_count * rounds);

  if (version == TlsVersion::tls13) {
    const auto client = test::client_context(test::identity_settings(version));
    const auto server = test::server_context();
    depot.forget(endpoint, key);
    for (std::size_t i = 0; i < limits::depot_sessions_max; ++i) {
      depot.put(endpoint, session_of(client, server));
    }
    std::vector<std::thread> takers;
    for (int i = 0; i < threads_count; ++i) {
      takers.emplace_back([&] {
        while (depot.take(endpoint, key, now())) {
          ++left;
        }
      });
    }
    for (std::thread& taker : takers) {
      taker.join();
    }
    CHECK(left == static_cast<int>(limits::depot_sessions_max));
  }
}

}  // namespace signet::net
