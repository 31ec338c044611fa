// SPDX-License-Identifier: GPL-3.0-or-later
#include "gateway/field_edits.h"

#include <catch2/catch_test_macros.hpp>
#include <catch2/matchers/catch_matchers_string.hpp>
#include <string>

#include "signet/wire/http_reader.h"
#include "gateway/canned_response.h"
#include "gateway/forwarding.h"

namespace signet::gateway {

namespace {

using Catch::Matchers::ContainsSubstring;
using config::NameEdits;

std::string forwarded(std::string_view fields, const NameEdits& edits, ForwardRequestOptions options = {}) {
  wire::HttpReader reader;
  reader.start_request({});
  const std::string text = "GET /x HTTP/1.1\r\nHost: front.example\r\n" + std::string(fields) + "\r\n";
  REQUIRE(reader.read(as_bytes(text)).event == wire::HttpReader::Event::head_complete);
  options.target = "/x";
  options.host = "back.example";
  options.caller_text = "192.0.2.7";
  options.fields = &edits;
  ByteBuffer out;
  write_forwarded_request(reader.head(), options, out);
  return std::string(out.text());
}

std::string answered(std::string_view head, const NameEdits& edits) {
  wire::HttpReader reader;
  reader.start_response({}, "GET", true);
  REQUIRE(reader.read(as_bytes(head)).event == wire::HttpReader::Event::head_complete);
  ByteBuffer out;
  static_cast<void>(write_forwarded_response(reader.head(), {.fields = &edits}, out));
  return std::string(out.text());
}

const NameEdits override_key = {{.name = "X-Key", .drop = true, .if_absent = {}, .added = {"ours"}}};

}  // namespace

TEST_CASE("What a policy drops is dropped in every spelling", "[field_edits]") {
  for (const char* name : {"X-Key", "x-key", "X_Key", "x_KEY"}) {
    INFO(name);
    const std::string out = forwarded(std::string(name) + ": theirs\r\nX-Keys: stays\r\n", override_key);
    CHECK_THAT(out, !ContainsSubstring("theirs"));
    CHECK_THAT(out, ContainsSubstring("X-Keys: stays\r\n"));
    CHECK_THAT(out, ContainsSubstring("\r\nX-Key: ours\r\n"));
  }
}

TEST_CASE("A caller cannot take away what a policy adds", "[field_edits]") {
  CHECK_THAT(forwarded("Connection: close, X-Key\r\nX-Key: theirs\r\n", override_key), ContainsSubstring("\r\nX-Key: ours\r\n"));
  const NameEdits skip = {{.name = "X-Key", .if_absent = {"ours"}, .added = {}}};
  CHECK_THAT(forwarded("Connection: X-Key\r\nX-Key: theirs\r\n", skip), ContainsSubstring("\r\nX-Key: ours\r\n"));
}

TEST_CASE("A field is added if there is none, or behind those that there are", "[field_edits]") {
  const NameEdits skip = {{.name = "X-Key", .if_absent = {"a", "b"}, .added = {"c"}}};
  CHECK_THAT(forwarded("", skip), ContainsSubstring("\r\nX-Key: a\r\nX-Key: b\r\nX-Key: c\r\n\r\n"));
  const std::string there = forwarded("x-key: theirs\r\n", skip);
  CHECK_THAT(there, ContainsSubstring("\r\nx-key: theirs\r\n"));
  CHECK_THAT(there, ContainsSubstring("\r\nX-Key: c\r\n\r\n"));
  CHECK_THAT(there, !ContainsSubstring("X-Key: a"));
  // In a value, or as the end of another name, it is not there.
  CHECK_THAT(forwarded("X-Other: X-Key: z\r\nNot-X-Key: z\r\n", skip), ContainsSubstring("X-Key: a\r\n"));
}

TEST_CASE("What the gateway adds of itself can be dropped, and stands there for a policy", "[field_edits]") {
  NameEdits edits;
  for (const char* name : {"X-Forwarded-For", "X-Forwarded-Host", "X-Forwarded-Proto", "Forwarded", "Via"}) {
    edits.push_back({.name = name, .drop = true, .if_absent = {}, .added = {}});
  }
  const std::string out =
      forwarded("X-Forwarded-For: 10.0.0.1\r\n", edits, {.peer_trust = PeerTrust::trusted, .forwarded = config::ForwardedHeaders::both});
  CHECK(out == "GET /x HTTP/1.1\r\nHost: back.example\r\n\r\n");
  CHECK_THAT(forwarded("", {{.name = "X-Forwarded-Proto", .if_absent = {"mine"}, .added = {}}}), !ContainsSubstring("mine"));
}

TEST_CASE("Answers are edited; how a WebSocket is agreed on is not", "[field_edits]") {
  const NameEdits edits = {{.name = "Server", .drop = true, .if_absent = {}, .added = {"signet"}},
                           {.name = "Sec-WebSocket-Accept", .drop = true, .if_absent = {}, .added = {}}};
  CHECK(answered("HTTP/1.1 200 OK\r\nServer: s\r\nContent-Length: 2\r\n\r\n", edits) ==
        "HTTP/1.1 200 OK\r\nContent-Length: 2\r\nServer: signet\r\n\r\n");
  CHECK(answered("HTTP/1.1 103 Early Hints\r\nServer: s\r\n\r\n", edits) == "HTTP/1.1 103 Early Hints\r\nServer: s\r\n\r\n");
  CHECK(answered("HTTP/1.1 101 Switching Protocols\r\nServer: s\r\nConnection: upgrade\r\nUpgrade: websocket\r\n"
                 "Sec-WebSocket-Accept: k\r\n\r\n",
                 edits) ==
        "HTTP/1.1 101 Switching Protocols\r\nSec-WebSocket-Accept: k\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n"
        "Server: signet\r\n\r\n");
}

TEST_CASE("A dropped name is dropped from trailers too", "[field_edits]") {
  wire::HttpReader reader;
  reader.start_response({}, "GET", false);
  constexpr std::string_view text = "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n0\r\nX_Key: theirs\r\nX-Sum: 1\r\n\r\n";
  const wire::HttpReader::Step head = reader.read(as_bytes(text));
  REQUIRE(reader.read(as_bytes(text.substr(head.consumed))).event == wire::HttpReader::Event::message_complete);
  ByteBuffer out;
  write_forwarded_trailers(reader.trailers(), &override_key, out);
  CHECK(out.text() == "0\r\nX-Sum: 1\r\n\r\n");
}

TEST_CASE("Under another method no WebSocket is asked for", "[field_edits]") {
  constexpr std::string_view upgrade = "Connection: Upgrade\r\nUpgrade: websocket\r\nSec-WebSocket-Key: k\r\nSec-WebSocket-Version: 13\r\n";
  const NameEdits none;
  CHECK_THAT(forwarded(upgrade, none, {.method = "GET"}), ContainsSubstring("Upgrade: websocket\r\n"));
  CHECK_THAT(forwarded(upgrade, none, {.method = "POST"}), !ContainsSubstring("Upgrade: websocket\r\n"));
}

TEST_CASE("An answer to HEAD that was fetched by GET keeps its length and has no framing of its own", "[field_edits]") {
  wire::HttpReader reader;
  reader.start_response({}, "GET", false);
  REQUIRE(reader.read(as_bytes(std::string_view("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n"))).event ==
          wire::HttpReader::Event::head_complete);
  ByteBuffer out;
  CHECK(write_forwarded_response(reader.head(), {.body = answer_body("HEAD", "GET")}, out) == ForwardedFraming::as_is);
  CHECK(out.text() == "HTTP/1.1 200 OK\r\n\r\n");
  CHECK(answer_body("HEAD", "HEAD") == AnswerBody::same);
  CHECK(answer_body("GET", "POST") == AnswerBody::same);
  CHECK(answer_body("GET", "HEAD") == AnswerBody::none_comes);
}

TEST_CASE("A policy's answer is written whole, without a body where none may be", "[field_edits]") {
  const auto written = [](const config::CannedResponse& canned, CannedResponseOptions options) {
    ByteBuffer out;
    options.now = WallTime(std::chrono::seconds(784'111'777));
    const std::size_t body = write_canned_response(canned, options, out);
    CHECK(body == out.text().size() - out.text().find("\r\n\r\n") - 4);
    return std::string(out.text());
  };
  const config::CannedResponse canned{.status = 403, .reason = "No", .fields = {{"X-A", "1"}}, .body = "text"};
  const std::string head = "HTTP/1.1 403 No\r\nDate: Sun, 06 Nov 1994 08:49:37 GMT\r\nX-A: 1\r\nContent-Length: 4\r\n";
  CHECK(written(canned, {.after = AfterAnswer::keep_alive}) == head + "\r\ntext");
  CHECK(written(canned, {.head_only = true}) == head + "Connection: close\r\n\r\n");
  CHECK(written(canned, {.after = AfterAnswer::keep_alive, .old_caller = true}) == head + "Connection: keep-alive\r\n\r\ntext");
  CHECK(written({.status = 204, .body = "text"}, {.after = AfterAnswer::keep_alive}) ==
        "HTTP/1.1 204 No Content\r\nDate: Sun, 06 Nov 1994 08:49:37 GMT\r\n\r\n");
}

}  // namespace signet::gateway
