// SPDX-License-Identifier: GPL-3.0-or-later
#include "signet/wire/tls_engine.h"

#include <catch2/catch_test_macros.hpp>
#include <catch2/generators/catch_generators.hpp>
#include <string>
#include <vector>

#include "signet/wire/tls_memory.h"
#include "support/tls_test_contexts.h"

using namespace signet;
using namespace signet::wire;
using namespace signet::test;
using Event = TlsEngine::Event;

TEST_CASE("client and server prove to each other who they are, and talk", "[wire][tls]") {
  const TlsVersion version = GENERATE(TlsVersion::tls12, TlsVersion::tls13);
  const std::string server_name = GENERATE("server", "server-rsa");
  CAPTURE(to_string(version), server_name);
  TlsPair pair = connected(client_context(identity_settings(version)), server_context(server_settings(server_name)));

  CHECK(pair.client.version() == version);
  CHECK(pair.server.version() == version);
  CHECK(pair.client.cipher().starts_with("TLS_"));
  CHECK(pair.client.cipher() == pair.server.cipher());
  CHECK(pair.client.group() == "X25519");
  CHECK_FALSE(pair.client.resumed());
  CHECK(pair.client.certificate_requested());
  CHECK(pair.client.certificate_sent());
  REQUIRE(pair.client.peer() != nullptr);
  CHECK(pair.client.peer()->leaf.subject.starts_with("CN=Orders"));
  REQUIRE(pair.server.peer() != nullptr);
  const auto client = TestPki::instance().certificate("client");
  CHECK(pair.server.peer()->leaf.subject == client->subject());
  CHECK(pair.server.peer()->leaf.thumbprint_sha256 == client->thumbprint_sha256());

  pair.client_writes("request");
  CHECK(pair.server_reads() == "request");
  pair.server_writes("answer");
  CHECK(pair.client_reads() == "answer");
}

TEST_CASE("the whole chain of the certificate is sent", "[wire][tls]") {
  const TlsVersion version = GENERATE(TlsVersion::tls12, TlsVersion::tls13);
  TlsPair pair = connected(client_context(identity_settings(version)), server_context());
  const auto client = TestPki::instance().certificate("client");
  REQUIRE(client->chain_der().size() == 2);
  CHECK(std::ranges::equal(pair.server.peer()->chain_der, client->chain_der()));
}

TEST_CASE("bytes may come one by one", "[wire][tls]") {
  const TlsVersion version = GENERATE(TlsVersion::tls12, TlsVersion::tls13);
  TlsPair pair(client_context(identity_settings(version)), server_context());
  pair.piece_bytes_max = 1;
  REQUIRE(pair.handshake());
  pair.client_writes("request");
  CHECK(pair.server_reads() == "request");
  pair.server_writes("answer");
  CHECK(pair.client_reads() == "answer");
  pair.server.close_notify(pair.to_client);
  CHECK(pair.client_reads().empty());
  CHECK(pair.client_event == Event::close_notify);
}

TEST_CASE("what is larger than a record arrives whole and in order", "[wire][tls]") {
  const TlsVersion version = GENERATE(TlsVersion::tls12, TlsVersion::tls13);
  TlsPair pair = connected(client_context(identity_settings(version)), server_context());
  std::string body;
  for (int number = 0; body.size() < 200'000; ++number) {
    body += std::to_string(number) + " ";
  }
  pair.client_writes(body);
  CHECK(pair.to_server.size() > body.size());
  CHECK(pair.server_reads() == body);
}

TEST_CASE("a record may be read in pieces, and what waits is pending", "[wire][tls]") {
  TlsPair pair = connected(client_context(identity_settings(TlsVersion::tls13)), server_context());
  pair.client_writes("0123456789");
  MutableByteView input = pair.to_server.mutable_view();
  ByteBuffer plaintext;
  const TlsEngine::Read first = pair.server.read(input, plaintext, 4, pair.to_client);
  CHECK(first.event == Event::data);
  CHECK(plaintext.text() == "0123");
  CHECK(input.empty());
  CHECK(pair.server.pending() == 6);
  const TlsEngine::Read second = pair.server.read(input, plaintext, 100, pair.to_client);
  CHECK(second.size == 6);
  CHECK(plaintext.text() == "0123456789");
  CHECK(pair.server.pending() == 0);
}

TEST_CASE("tickets, new keys, empty records and data that came together are read together", "[wire][tls]") {
  TlsPair pair = connected(client_context(identity_settings(TlsVersion::tls13)), server_context());
  CHECK(pair.client_reads().empty());
  while (pair.client.take_session()) {
  }
  std::string expected;
  for (const std::size_t size : {1U, 16'384U, 40'000U, 16'385U}) {
    const std::string part(size, static_cast<char>('a' + size % 26));
    pair.server_writes(part);
    pair.server.update_keys(pair.to_client);
    expected += part;
  }
  pair.server.close_notify(pair.to_client);
  CHECK(pair.client_reads() == expected);
  CHECK(pair.client_event == Event::close_notify);
  CHECK(pair.client.pending() == 0);
}

TEST_CASE("a record that was changed on its way is told, and nothing of it is data", "[wire][tls]") {
  const TlsVersion version = GENERATE(TlsVersion::tls12, TlsVersion::tls13);
  const std::size_t at = GENERATE(5U, 300U, 16'384U, 16'400U);  // header and before, middle, end, tag
  TlsPair pair = connected(client_context(identity_settings(version)), server_context());
  CHECK(pair.client_reads().empty());
  const std::string body(16'384, 'x');
  pair.server_writes(body);
  const std::size_t second = pair.to_client.size();
  pair.server_writes(body);
  REQUIRE(second + at < pair.to_client.size());
  pair.to_client.mutable_view()[second + at] ^= std::byte{1};
  CHECK(pair.client_reads() == body);
  CHECK(pair.client_event == Event::failed);
  CHECK(pair.client.error().kind == ErrorKind::tls_protocol);
  CHECK_FALSE(pair.to_server.empty());  // an alert says so
}

TEST_CASE("a record that claims to be longer than any may be is refused before it has come", "[wire][tls]") {
  const TlsVersion version = GENERATE(TlsVersion::tls12, TlsVersion::tls13);
  const bool whole = GENERATE(false, true);
  TlsPair pair = connected(client_context(identity_settings(version)), server_context());
  CHECK(pair.client_reads().empty());
  pair.to_client.append(std::string_view("\x17\x03\x03\xff\xff", 5));
  pair.to_client.append(std::string(whole ? 0xffff : 100, 'x'));
  CHECK(pair.client_reads().empty());
  CHECK(pair.client_event == Event::failed);
}

TEST_CASE("records that were cut anywhere are put together again", "[wire][tls]") {
  const TlsVersion version = GENERATE(TlsVersion::tls12, TlsVersion::tls13);
  TlsPair pair = connected(client_context(identity_settings(version)), server_context());
  CHECK(pair.client_reads().empty());
  std::string body;
  for (int number = 0; body.size() < 100'000; ++number) {
    body += std::to_string(number) + " ";
  }
  // Pieces of every kind: parts of a record, whole records with the beginning of the next, several.
  for (const std::size_t piece : {7U, 1000U, 16'390U, 16'406U, 16'407U, 20'000U, 33'000U, 66'816U}) {
    CAPTURE(piece);
    pair.piece_bytes_max = piece;
    pair.server_writes(body);
    CHECK(pair.client_reads() == body);
  }
}

TEST_CASE("application data behind the last handshake message is left for read", "[wire][tls]") {
  const TlsVersion version = GENERATE(TlsVersion::tls12, TlsVersion::tls13);
  TlsPair pair(client_context(identity_settings(version)), server_context());
  // The client's Finished and its request come together, where the protocol allows it.
  ByteView nothing;
  while (pair.client.handshake(nothing, pair.to_server) == Event::want_input) {
    ByteView to_server = pair.to_server.view();
    pair.server.handshake(to_server, pair.to_client);
    pair.to_server.clear();
    ByteView to_client = pair.to_client.view();
    const Event event = pair.client.handshake(to_client, pair.to_server);
    pair.to_client.consume(pair.to_client.size() - to_client.size());
    if (event == Event::handshake_complete) {
      break;
    }
  }
  pair.client_writes("at once");
  if (version == TlsVersion::tls13) {
    ByteView input = pair.to_server.view();
    CHECK(pair.server.handshake(input, pair.to_client) == Event::handshake_complete);
    CHECK_FALSE(input.empty());
    pair.to_server.consume(pair.to_server.size() - input.size());
  }
  CHECK(pair.server_reads() == "at once");
}

TEST_CASE("an end of stream without close_notify is a truncation, with it a proper end", "[wire][tls]") {
  const TlsVersion version = GENERATE(TlsVersion::tls12, TlsVersion::tls13);
  TlsPair cut = connected(client_context(identity_settings(version)), server_context());
  CHECK(cut.client_reads().empty());
  CHECK(cut.client.end_of_stream() == Event::failed);
  CHECK(cut.client.error().kind == ErrorKind::connection_lost);
  CHECK(cut.client.error().origin == Origin::backend);
  MutableByteView nothing;
  ByteBuffer plaintext;
  CHECK(cut.client.read(nothing, plaintext, 1, cut.to_server).event == Event::failed);
  CHECK_FALSE(cut.client.write(as_bytes("x"), cut.to_server).has_value());

  TlsPair whole = connected(client_context(identity_settings(version)), server_context());
  whole.server_writes("last words");
  whole.server.close_notify(whole.to_client);
  CHECK(whole.client_reads() == "last words");
  CHECK(whole.client_event == Event::close_notify);
  CHECK(whole.client.end_of_stream() == Event::close_notify);
  // The other direction is open still (RFC 8446 §6.1).
  whole.client_writes("more");
  CHECK(whole.server_reads() == "more");
}

TEST_CASE("an end of stream in the handshake is a lost connection", "[wire][tls]") {
  TlsPair pair(client_context(identity_settings(TlsVersion::tls13)), server_context());
  ByteView nothing;
  CHECK(pair.client.handshake(nothing, pair.to_server) == Event::want_input);
  CHECK(pair.client.end_of_stream() == Event::failed);
  CHECK(pair.client.error().kind == ErrorKind::connection_lost);
  CHECK(pair.client.handshake(nothing, pair.to_server) == Event::failed);
}

TEST_CASE("what is not TLS, or was changed on its way, is a protocol error", "[wire][tls]") {
  TlsPair pair(client_context(identity_settings(TlsVersion::tls13)), server_context());
  ByteView nothing;
  CHECK(pair.client.handshake(nothing, pair.to_server) == Event::want_input);
  ByteView http = as_bytes("HTTP/1.1 400 Bad Request\r\n\r\n");
  CHECK(pair.client.handshake(http, pair.to_server) == Event::failed);
  CHECK(pair.client.error().kind == ErrorKind::tls_protocol);
  CHECK(pair.client.error().origin == Origin::backend);

  TlsPair changed = connected(client_context(identity_settings(TlsVersion::tls13)), server_context());
  CHECK(changed.client_reads().empty());
  changed.server_writes("answer");
  ByteVector record(changed.to_client.view().begin(), changed.to_client.view().end());
  record.back() ^= std::byte{1};
  changed.to_client.clear();
  changed.to_client.append(record);
  CHECK(changed.client_reads().empty());
  CHECK(changed.client_event == Event::failed);
  CHECK(changed.client.error().kind == ErrorKind::tls_protocol);
}

TEST_CASE("versions without overlap do not connect, and the server says so with an alert", "[wire][tls]") {
  IdentitySettings settings = identity_settings(TlsVersion::tls12);
  TlsServerSettings newer = server_settings();
  newer.min_version = TlsVersion::tls13;
  TlsPair pair(client_context(std::move(settings)), server_context(std::move(newer)));
  CHECK_FALSE(pair.handshake());
  REQUIRE(pair.client_event == Event::failed);
  CHECK(pair.client.error().kind == ErrorKind::tls_alert);
  CHECK(pair.client.error().tls_alert != 0);
  REQUIRE(pair.server_event == Event::failed);
  CHECK(pair.server.error().kind == ErrorKind::tls_protocol);
  CHECK(pair.server.error().origin == Origin::caller);
}

TEST_CASE("the key share of the first group is sent, and others are agreed on", "[wire][tls]") {
  const TlsGroup group = GENERATE(TlsGroup::x25519, TlsGroup::secp256r1, TlsGroup::secp384r1, TlsGroup::x25519_mlkem768);
  CAPTURE(to_string(group));
  IdentitySettings settings = identity_settings(TlsVersion::tls13);
  settings.groups = {group};
  TlsServerSettings server = server_settings();
  server.groups = {TlsGroup::x25519, TlsGroup::secp256r1, TlsGroup::secp384r1, TlsGroup::x25519_mlkem768};
  TlsPair pair = connected(client_context(settings), server_context(server));
  CHECK(pair.client.group() == to_string(group));

  // A HelloRetryRequest where the server does not take the first.
  settings.groups = {group == TlsGroup::secp384r1 ? TlsGroup::x25519 : TlsGroup::secp384r1, group};
  server.groups = {group};
  TlsPair again = connected(client_context(settings), server_context(server));
  CHECK(again.client.group() == to_string(group));
}

TEST_CASE("the server name is indicated if it is a DNS name, and an address is not", "[wire][tls]") {
  const TlsVersion version = GENERATE(TlsVersion::tls12, TlsVersion::tls13);
  const auto first_flight = [&](const char* name) {
    IdentitySettings settings = identity_settings(version);
    settings.server_name = name;
    TlsEngine client = TlsEngine::client(client_context(settings));
    ByteView nothing;
    ByteBuffer output;
    CHECK(client.handshake(nothing, output) == Event::want_input);
    return std::string(output.text());
  };
  CHECK(first_flight("orders.internal").find("orders.internal") != std::string::npos);
  CHECK(first_flight("127.0.0.1").find("127.0.0.1") == std::string::npos);
}

TEST_CASE("ALPN agrees on the first protocol that both speak", "[wire][tls]") {
  const TlsVersion version = GENERATE(TlsVersion::tls12, TlsVersion::tls13);
  IdentitySettings settings = identity_settings(version);
  settings.alpn = {"h2", "http/1.1"};
  TlsServerSettings server = server_settings();
  server.alpn = {"http/1.1"};
  TlsPair pair = connected(client_context(settings), server_context(server));
  CHECK(pair.client.alpn() == "http/1.1");
  CHECK(pair.server.alpn() == "http/1.1");

  TlsPair silent = connected(client_context(settings), server_context());
  CHECK(silent.client.alpn().empty());
}

TEST_CASE("keys may be changed on an open connection", "[wire][tls]") {
  TlsPair pair = connected(client_context(identity_settings(TlsVersion::tls13)), server_context());
  CHECK(pair.client_reads().empty());
  pair.client.update_keys(pair.to_server);
  CHECK_FALSE(pair.to_server.empty());
  pair.client_writes("under the new key");
  CHECK(pair.server_reads() == "under the new key");
  pair.server_writes("and back");
  CHECK(pair.client_reads() == "and back");

  TlsPair old = connected(client_context(identity_settings(TlsVersion::tls12)), server_context());
  old.client.update_keys(old.to_server);
  CHECK(old.to_server.empty());
}

TEST_CASE("an open connection allocates nothing from the system", "[wire][tls]") {
  const TlsVersion version = GENERATE(TlsVersion::tls12, TlsVersion::tls13);
  TlsPair pair = connected(client_context(identity_settings(version)), server_context());
  const std::string body(10'000, 'x');
  const auto exchange = [&] {
    pair.client_writes("request");
    CHECK(pair.server_reads() == "request");
    pair.server_writes(body);
    CHECK(pair.client_reads() == body);
  };
  exchange();
  const TlsMemoryStatistics before = tls_memory_statistics();
  for (int round = 0; round < 10; ++round) {
    exchange();
  }
  CHECK(tls_memory_statistics().system_allocations == before.system_allocations);
  CHECK(tls_memory_statistics().bytes_in_use == before.bytes_in_use);
}
