// SPDX-License-Identifier: GPL-3.0-or-later
#include <catch2/catch_test_macros.hpp>
#include <catch2/generators/catch_generators.hpp>
#include <chrono>
#include <ctime>
#include <utility>
#include <vector>

#include <wolfssl/wolfcrypt/settings.h>

#include <wolfssl/wolfcrypt/asn_public.h>

#include "signet/base/endpoint.h"
#include "signet/wire/session_cache.h"
#include "support/tls_test_contexts.h"

using namespace signet;
using namespace signet::wire;
using namespace signet::test;
using Event = TlsEngine::Event;

namespace {

WallTime now() {
  return std::chrono::time_point_cast<std::chrono::seconds>(std::chrono::system_clock::now());
}

std::vector<TlsSession> sessions_of(TlsPair& pair) {
  CHECK(pair.client_reads().empty());  // TLS 1.3 tickets come behind the handshake
  std::vector<TlsSession> sessions;
  while (std::optional<TlsSession> session = pair.client.take_session()) {
    sessions.push_back(std::move(*session));
  }
  return sessions;
}

TlsSession session_of(const std::shared_ptr<TlsContext>& client, const std::shared_ptr<TlsContext>& server) {
  TlsPair pair = connected(client, server);
  std::vector<TlsSession> sessions = sessions_of(pair);
  REQUIRE_FALSE(sessions.empty());
  return std::move(sessions.front());
}

std::time_t three_minutes_later(std::time_t* result) {
  const std::time_t time = std::time(nullptr) + 3 * 60;
  if (result != nullptr) {
    *result = time;
  }
  return time;
}

/// As long as it lives, the engines' clock runs three minutes ahead.
struct Later {
  Later() { wc_SetTimeCb(three_minutes_later); }
  Later(const Later&) = delete;
  Later& operator=(const Later&) = delete;
  ~Later() { wc_SetTimeCb(nullptr); }
};

const Endpoint first_endpoint = *parse_endpoint("127.0.0.1:443");
const Endpoint second_endpoint = *parse_endpoint("127.0.0.2:443");

}  // namespace

TEST_CASE("a session resumes the connection, and remembers what the full handshake proved", "[wire][tls]") {
  const TlsVersion version = GENERATE(TlsVersion::tls12, TlsVersion::tls13);
  CAPTURE(to_string(version));
  const auto client = client_context(identity_settings(version));
  const auto server = server_context();
  TlsPair full = connected(client, server);
  std::vector<TlsSession> sessions = sessions_of(full);
  REQUIRE_FALSE(sessions.empty());
  TlsSession& session = sessions.front();
  CHECK(session.identity_key() == client->identity()->key());
  CHECK(session.single_use() == (version == TlsVersion::tls13));
  CHECK(session.certificate_requested());
  CHECK(session.certificate_sent());
  CHECK(session.peer() == full.client.peer());

  TlsPair resumed = connected(client, server, std::move(session));
  CHECK(resumed.client.resumed());
  CHECK(resumed.server.resumed());
  CHECK(resumed.client.version() == version);
  CHECK(resumed.client.certificate_requested());
  CHECK(resumed.client.certificate_sent());
  CHECK(resumed.client.peer() == full.client.peer());
  CHECK(resumed.server.peer() == nullptr);
  resumed.client_writes("request");
  CHECK(resumed.server_reads() == "request");
  resumed.server_writes("answer");
  CHECK(resumed.client_reads() == "answer");
}

TEST_CASE("a resumed connection gives sessions that resume again, however long the chain", "[wire][tls]") {
  const TlsVersion version = GENERATE(TlsVersion::tls12, TlsVersion::tls13);
  CAPTURE(to_string(version));
  const auto client = client_context(identity_settings(version));
  const auto server = server_context();
  TlsSession session = session_of(client, server);
  for (int round = 0; round < 260; ++round) {  // more than a ticket nonce of one byte can count
    CAPTURE(round);
    TlsPair pair = connected(client, server, std::move(session));
    CHECK(pair.client.resumed());
    std::vector<TlsSession> next = sessions_of(pair);
    REQUIRE_FALSE(next.empty());
    CHECK(next.front().certificate_requested());
    CHECK(next.front().peer() != nullptr);
    session = std::move(next.front());
  }
}

TEST_CASE("a session of TLS 1.2 may be used by several connections at a time", "[wire][tls]") {
  const auto client = client_context(identity_settings(TlsVersion::tls12));
  const auto server = server_context();
  const TlsSession session = session_of(client, server);
  TlsPair first = connected(client, server, session.copy());
  TlsPair second = connected(client, server, session.copy());
  CHECK(first.client.resumed());
  CHECK(second.client.resumed());
}

TEST_CASE("a server that cannot read the ticket makes a full handshake", "[wire][tls]") {
  const TlsVersion version = GENERATE(TlsVersion::tls12, TlsVersion::tls13);
  CAPTURE(to_string(version));
  const auto client = client_context(identity_settings(version));
  TlsSession session = session_of(client, server_context());
  const auto restarted = server_context();  // other ticket keys
  TlsPair pair = connected(client, restarted, std::move(session));
  CHECK_FALSE(pair.client.resumed());
  CHECK(pair.client.certificate_requested());
  REQUIRE(pair.server.peer() != nullptr);
  pair.client_writes("request");
  CHECK(pair.server_reads() == "request");
}

TEST_CASE("no session survives the certificates it was made with", "[wire][tls]") {
  const TlsVersion version = GENERATE(TlsVersion::tls12, TlsVersion::tls13);
  const TestPki& pki = TestPki::instance();
  const TlsSession session = session_of(client_context(identity_settings(version)), server_context());
  CHECK(session.expires_at() > now());
  CHECK(session.expires_at() <= pki.certificate("client")->not_after());
  CHECK(session.expires_at() <= now() + std::chrono::days(7));

  // Our certificate has expired, and the server does not mind: nothing to resume later.
  IdentitySettings settings = identity_settings(version);
  settings.certificate = pki.certificate("client-expired");
  TlsServerSettings lenient = server_settings();
  lenient.validate_client_chain = Check::off;
  TlsPair ours = connected(client_context(settings), server_context(lenient));
  CHECK(sessions_of(ours).empty());

  settings = identity_settings(version);
  settings.validate_chain = Check::off;
  TlsPair theirs = connected(client_context(settings), server_context(server_settings("server-expired")));
  CHECK(sessions_of(theirs).empty());
}

TEST_CASE("a session may be resumed as long as its identity allows, counted from the full handshake", "[wire][tls]") {
  const TlsVersion version = GENERATE(TlsVersion::tls12, TlsVersion::tls13);
  CAPTURE(to_string(version));
  IdentitySettings settings = identity_settings(version);
  settings.session_lifetime = std::chrono::minutes(4);
  const auto client = client_context(settings);
  const auto server = server_context();
  const WallTime before = now();
  TlsSession session = session_of(client, server);
  const WallTime end = session.expires_at();
  CHECK(end >= before + std::chrono::minutes(4));
  CHECK(end <= now() + std::chrono::minutes(4));

  // Three minutes later the session is resumed. What comes of that ends with the full handshake's four minutes all the same.
  {
    const Later later;
    TlsPair resumed = connected(client, server, std::move(session));
    CHECK(resumed.client.resumed());
    const std::vector<TlsSession> sessions = sessions_of(resumed);
    REQUIRE_FALSE(sessions.empty());
    CHECK(sessions.front().expires_at() == end);
  }

  settings.session_lifetime = std::chrono::seconds(0);
  TlsPair never = connected(client_context(settings), server);
  CHECK(sessions_of(never).empty());
}

TEST_CASE("a listener without tickets gives no session that resumes", "[wire][tls]") {
  const TlsVersion version = GENERATE(TlsVersion::tls12, TlsVersion::tls13);
  TlsServerSettings settings = server_settings();
  settings.tickets = TlsServerSettings::Tickets::off;
  const auto server = server_context(settings);
  const auto client = client_context(identity_settings(version));
  TlsPair pair = connected(client, server);
  for (TlsSession& session : sessions_of(pair)) {
    CHECK_FALSE(connected(client, server, std::move(session)).client.resumed());
  }
}

TEST_CASE("a missing certificate request is remembered over resumption", "[wire][tls]") {
  const TlsVersion version = GENERATE(TlsVersion::tls12, TlsVersion::tls13);
  TlsServerSettings silent = server_settings();
  silent.client_certificate = ClientCertificate::none;
  const auto server = server_context(silent);
  const auto client = client_context(identity_settings(version));
  TlsSession session = session_of(client, server);
  CHECK_FALSE(session.certificate_requested());
  TlsPair resumed = connected(client, server, std::move(session));
  CHECK(resumed.client.resumed());
  CHECK_FALSE(resumed.client.certificate_requested());
}

TEST_CASE("a certificate may be asked for late on a resumed connection", "[wire][tls]") {
  const TlsVersion version = GENERATE(TlsVersion::tls12, TlsVersion::tls13);
  CAPTURE(to_string(version));
  IdentitySettings settings = identity_settings(version);
  settings.late_authentication = LateAuthentication::allow;
  TlsServerSettings late = server_settings();
  late.client_certificate = ClientCertificate::none;
  late.late_authentication = LateAuthentication::allow;
  const auto server = server_context(late);
  const auto client = client_context(settings);
  TlsPair pair = connected(client, server, session_of(client, server));
  REQUIRE(pair.client.resumed());
  REQUIRE(pair.server.request_certificate(pair.to_client).has_value());
  for (int round = 0; round < 4; ++round) {
    CHECK(pair.client_reads().empty());
    CHECK(pair.server_reads().empty());
  }
  CHECK(pair.client.certificate_requested());
  REQUIRE(pair.server.peer() != nullptr);
  CHECK(pair.client.resumed());
  pair.client_writes("request");
  CHECK(pair.server_reads() == "request");
}

TEST_CASE("the cache gives a TLS 1.3 ticket once, the newest first", "[wire][tls]") {
  const auto client = client_context(identity_settings(TlsVersion::tls13));
  const auto server = server_context();
  const IdentityKey& key = client->identity()->key();
  SessionCache cache({.entries_max = 4, .sessions_per_entry_max = 2});
  CHECK_FALSE(cache.take(first_endpoint, key, now()).has_value());
  std::vector<WallTime> ends;
  for (int count = 0; count < 3; ++count) {
    cache.put(first_endpoint, session_of(client, server));
  }
  CHECK(cache.size() == 2);
  CHECK_FALSE(cache.take(second_endpoint, key, now()).has_value());
  CHECK_FALSE(cache.take(first_endpoint, IdentityKey{}, now()).has_value());
  CHECK(cache.take(first_endpoint, key, now()).has_value());
  CHECK(cache.take(first_endpoint, key, now()).has_value());
  CHECK_FALSE(cache.take(first_endpoint, key, now()).has_value());
  CHECK(cache.size() == 0);
}

TEST_CASE("the cache gives a TLS 1.2 session again and again, and keeps only the newest", "[wire][tls]") {
  const auto client = client_context(identity_settings(TlsVersion::tls12));
  const auto server = server_context();
  const IdentityKey& key = client->identity()->key();
  SessionCache cache;
  cache.put(first_endpoint, session_of(client, server));
  cache.put(first_endpoint, session_of(client, server));
  CHECK(cache.size() == 1);
  for (int count = 0; count < 3; ++count) {
    std::optional<TlsSession> session = cache.take(first_endpoint, key, now());
    REQUIRE(session.has_value());
    CHECK(connected(client, server, std::move(session)).client.resumed());
  }
  CHECK(cache.size() == 1);
}

TEST_CASE("the cache gives no session that has expired", "[wire][tls]") {
  const TlsVersion version = GENERATE(TlsVersion::tls12, TlsVersion::tls13);
  const auto client = client_context(identity_settings(version));
  const IdentityKey& key = client->identity()->key();
  TlsSession session = session_of(client, server_context());
  const WallTime end = session.expires_at();
  SessionCache cache;
  cache.put(first_endpoint, std::move(session));
  CHECK_FALSE(cache.take(first_endpoint, key, end).has_value());
  CHECK(cache.size() == 0);
}

TEST_CASE("the cache forgets the pair that was not used for longest, one pair, or a whole identity", "[wire][tls]") {
  const auto one = client_context(identity_settings(TlsVersion::tls13));
  IdentitySettings other_settings = identity_settings(TlsVersion::tls13);
  other_settings.certificate = nullptr;
  const auto other = client_context(other_settings);
  TlsServerSettings open = server_settings();
  open.client_certificate = ClientCertificate::request;
  const auto server = server_context(open);
  const auto key = [](const auto& context) { return context->identity()->key(); };

  SessionCache small({.entries_max = 2, .sessions_per_entry_max = 8});
  small.put(first_endpoint, session_of(one, server));
  small.put(first_endpoint, session_of(one, server));
  small.put(second_endpoint, session_of(one, server));
  CHECK(small.take(first_endpoint, key(one), now()).has_value());  // now the second one is older
  small.put(first_endpoint, session_of(other, server));
  CHECK_FALSE(small.take(second_endpoint, key(one), now()).has_value());
  CHECK(small.take(first_endpoint, key(one), now()).has_value());
  CHECK(small.take(first_endpoint, key(other), now()).has_value());

  SessionCache cache;
  for (const Endpoint& endpoint : {first_endpoint, second_endpoint}) {
    cache.put(endpoint, session_of(one, server));
    cache.put(endpoint, session_of(one, server));
    cache.put(endpoint, session_of(other, server));
  }
  cache.forget(first_endpoint, key(one));
  CHECK(cache.size() == 4);
  const auto is_one = [&](const IdentityKey& retired) { return retired == key(one); };
  CHECK(cache.purge_if(is_one) == 2);
  CHECK(cache.purge_if(is_one) == 0);
  CHECK(cache.size() == 2);
  CHECK_FALSE(cache.take(second_endpoint, key(one), now()).has_value());
  CHECK(cache.purge_if([&](const IdentityKey& each) { return each == key(one); }) == 0);
  CHECK(cache.take(second_endpoint, key(other), now()).has_value());
  CHECK(cache.purge_if([&](const IdentityKey& each) { return each != key(one); }) == 1);
  CHECK(cache.size() == 0);
}
