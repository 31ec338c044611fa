// SPDX-License-Identifier: GPL-3.0-or-later
#include "gateway/forwarding.h"

#include <catch2/catch_test_macros.hpp>
#include <catch2/matchers/catch_matchers_string.hpp>
#include <string>

#include "signet/wire/http_reader.h"

namespace signet::gateway {

namespace {

using Catch::Matchers::ContainsSubstring;
using Catch::Matchers::EndsWith;

/// What the back end gets for a caller's fields (each with its line end).
std::string forwarded(std::string_view fields, ForwardRequestOptions options = {}, std::string_view line = "GET /x HTTP/1.1") {
  wire::HttpReader reader;
  reader.start_request({});
  const std::string text = std::string(line) + "\r\nHost: front.example\r\n" + std::string(fields) + "\r\n";
  REQUIRE(reader.read(as_bytes(text)).event == wire::HttpReader::Event::head_complete);
  options.target = "/v2/x";
  options.host = "back.example";
  options.caller_text = "192.0.2.7";
  ByteBuffer out;
  write_forwarded_request(reader.head(), options, out);
  return std::string(out.text());
}

std::string answered(std::string_view head, ForwardedFraming framing, ForwardResponseOptions options = {},
                     std::string_view method = "GET") {
  wire::HttpReader reader;
  reader.start_response({}, method, true);
  REQUIRE(reader.read(as_bytes(head)).event == wire::HttpReader::Event::head_complete);
  ByteBuffer out;
  CHECK(write_forwarded_response(reader.head(), options, out) == framing);
  return std::string(out.text());
}

}  // namespace

TEST_CASE("A request is written anew for the back end", "[forwarding]") {
  CHECK(forwarded("Accept: a\r\nX-Own: 1\r\n") ==
        "GET /v2/x HTTP/1.1\r\nHost: back.example\r\nAccept: a\r\nX-Own: 1\r\nVia: 1.1 signet\r\nX-Forwarded-For: 192.0.2.7\r\n"
        "X-Forwarded-Host: front.example\r\nX-Forwarded-Proto: http\r\n\r\n");
}

TEST_CASE("Fields of one connection end at the gateway", "[forwarding]") {
  const std::string out = forwarded(
      "Connection: keep-alive, X-Mine\r\nX-Mine: 1\r\nKeep-Alive: timeout=5\r\nTE: trailers\r\nProxy-Connection: keep-alive\r\n"
      "Proxy-Authorization: Basic x\r\nUpgrade: h2c\r\nX-Yours: 2\r\n");
  for (const char* name : {"Connection", "X-Mine", "Keep-Alive", "TE:", "Proxy-", "Upgrade"}) {
    INFO(name);
    CHECK_THAT(out, !ContainsSubstring(name));
  }
  CHECK_THAT(out, ContainsSubstring("X-Yours: 2\r\n"));
}

TEST_CASE("Nobody but the gateway says who the caller is", "[forwarding]") {
  for (const PeerTrust trust : {PeerTrust::untrusted, PeerTrust::trusted}) {
    const std::string out = forwarded(
        "Client-Cert: :x:\r\nClient-Cert-Chain: :x:\r\nX-Forwarded-Client-Cert: x\r\nX-ARR-ClientCert: x\r\nX-SSL-Client-Verify: "
        "SUCCESS\r\n"
        "Client_Cert: x\r\nX_SSL_CLIENT_CERT: x\r\nX_Forwarded_For: x\r\n",
        {.peer_trust = trust});
    for (const char* name : {"lient", "SSL", "X_"}) {
      INFO(name);
      CHECK_THAT(out, !ContainsSubstring(name));
    }
  }
}

TEST_CASE("The way of a call is believed of trusted proxies only", "[forwarding]") {
  constexpr std::string_view fields =
      "X-Forwarded-For: 10.0.0.1\r\nX-Forwarded-Host: evil\r\nX-Forwarded-Proto: https\r\nX-Forwarded-Port: 1\r\nForwarded: "
      "for=10.0.0.1\r\n"
      "X-Real-IP: 10.0.0.1\r\n";
  const std::string untrusted = forwarded(fields);
  CHECK_THAT(untrusted, ContainsSubstring("X-Forwarded-For: 192.0.2.7\r\n"));
  CHECK_THAT(untrusted, !ContainsSubstring("10.0.0.1"));
  CHECK_THAT(untrusted, !ContainsSubstring("evil"));
  CHECK_THAT(untrusted, !ContainsSubstring("X-Forwarded-Port"));
  const std::string trusted = forwarded(fields, {.peer_trust = PeerTrust::trusted});
  CHECK_THAT(trusted, ContainsSubstring("X-Forwarded-For: 10.0.0.1, 192.0.2.7\r\n"));
  CHECK_THAT(trusted, ContainsSubstring("X-Forwarded-Host: evil\r\n"));
  CHECK_THAT(trusted, ContainsSubstring("X-Forwarded-Proto: https\r\n"));
  CHECK_THAT(trusted, !ContainsSubstring("X-Forwarded-Host: front.example"));
  CHECK_THAT(trusted, ContainsSubstring("Forwarded: for=10.0.0.1\r\n"));
}

TEST_CASE("What is told about the caller can be chosen", "[forwarding]") {
  const std::string none = forwarded("", {.forwarded = config::ForwardedHeaders::none});
  CHECK_THAT(none, !ContainsSubstring("orwarded"));
  const std::string standard = forwarded("", {.forwarded = config::ForwardedHeaders::forwarded});
  CHECK_THAT(standard, ContainsSubstring("\r\nForwarded: for=192.0.2.7;host=\"front.example\";proto=http\r\n"));
  CHECK_THAT(standard, !ContainsSubstring("X-Forwarded"));
  const std::string ipv6 = forwarded("", {.caller_family = Endpoint::Family::ipv6, .forwarded = config::ForwardedHeaders::both});
  CHECK_THAT(ipv6, ContainsSubstring("Forwarded: for=\"[192.0.2.7]\""));
}

TEST_CASE("A body keeps its framing towards the back end", "[forwarding]") {
  CHECK_THAT(forwarded("Content-Length: 5\r\nExpect: 100-continue\r\n", {}, "POST /x HTTP/1.1"),
             ContainsSubstring("Content-Length: 5\r\nExpect: 100-continue\r\n"));
  CHECK_THAT(forwarded("Content-Length: 0\r\n", {}, "POST /x HTTP/1.1"), ContainsSubstring("Content-Length: 0\r\n"));
  const std::string chunked = forwarded("Transfer-Encoding: chunked\r\nTrailer: X-Sum\r\n", {}, "POST /x HTTP/1.1");
  CHECK_THAT(chunked, ContainsSubstring("Transfer-Encoding: chunked\r\n"));
  CHECK_THAT(chunked, ContainsSubstring("Trailer: X-Sum\r\n"));
  CHECK_THAT(forwarded("Connection: Upgrade\r\nUpgrade: websocket\r\nSec-WebSocket-Key: k\r\n"),
             ContainsSubstring("Sec-WebSocket-Key: k\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n"));
}

TEST_CASE("An answer is written anew for the caller", "[forwarding]") {
  CHECK(answered("HTTP/1.1 200 Fine\r\nServer: s\r\nConnection: close, X-A\r\nX-A: 1\r\nKeep-Alive: x\r\nContent-Length: 2\r\n\r\n",
                 ForwardedFraming::as_is) == "HTTP/1.1 200 Fine\r\nServer: s\r\nContent-Length: 2\r\n\r\n");
  CHECK(answered("HTTP/1.1 103 Early Hints\r\nLink: l\r\n\r\n", ForwardedFraming::as_is) == "HTTP/1.1 103 Early Hints\r\nLink: l\r\n\r\n");
  CHECK(answered("HTTP/1.1 204 No Content\r\n\r\n", ForwardedFraming::as_is) == "HTTP/1.1 204 No Content\r\n\r\n");
  CHECK(answered("HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\n", ForwardedFraming::as_is, {}, "HEAD") ==
        "HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\n");
  CHECK(answered("HTTP/1.1 101 Switching Protocols\r\nConnection: upgrade\r\nUpgrade: websocket\r\nSec-WebSocket-Accept: k\r\n\r\n",
                 ForwardedFraming::as_is) ==
        "HTTP/1.1 101 Switching Protocols\r\nSec-WebSocket-Accept: k\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n\r\n");
}

TEST_CASE("The end of an answer's body is told in the caller's version", "[forwarding]") {
  const ForwardResponseOptions old_caller{.caller_version_minor = 0};
  for (const char* head : {"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n", "HTTP/1.0 200 OK\r\n\r\n"}) {
    INFO(head);
    CHECK_THAT(answered(head, ForwardedFraming::chunked), EndsWith("Transfer-Encoding: chunked\r\n\r\n"));
    CHECK_THAT(answered(head, ForwardedFraming::until_close, old_caller), EndsWith("OK\r\nConnection: close\r\n\r\n"));
  }
  CHECK_THAT(answered("HTTP/1.1 200 OK\r\nContent-Length: 1\r\n\r\n", ForwardedFraming::as_is, old_caller),
             EndsWith("Connection: keep-alive\r\n\r\n"));
  CHECK_THAT(answered("HTTP/1.1 200 OK\r\nContent-Length: 1\r\n\r\n", ForwardedFraming::as_is, {.keep_alive = KeepAlive::no}),
             EndsWith("Connection: close\r\n\r\n"));
}

TEST_CASE("Trailer fields that mean something in a head are left out", "[forwarding]") {
  wire::HttpReader reader;
  reader.start_response({}, "GET", false);
  constexpr std::string_view text =
      "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n0\r\nX-Sum: 1\r\nSet-Cookie: a\r\nHost: h\r\nClient-Cert: "
      "x\r\n\r\n";
  const wire::HttpReader::Step head = reader.read(as_bytes(text));
  REQUIRE(reader.read(as_bytes(text.substr(head.consumed))).event == wire::HttpReader::Event::message_complete);
  ByteBuffer out;
  write_forwarded_trailers(reader.trailers(), nullptr, out);
  CHECK(out.text() == "0\r\nX-Sum: 1\r\n\r\n");
}

}  // namespace signet::gateway
