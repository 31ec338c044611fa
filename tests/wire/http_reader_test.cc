// SPDX-License-Identifier: GPL-3.0-or-later
#include "signet/wire/http_reader.h"

#include <catch2/catch_test_macros.hpp>
#include <chrono>
#include <optional>
#include <string>
#include <vector>

namespace signet::wire {

namespace {

struct Outcome {
  bool head = false;
  bool complete = false;
  std::optional<ErrorKind> error;
  std::string body;
  std::size_t consumed = 0;
};

/// Feeds `text` in pieces of `step` bytes until the message ends, one way or the other.
Outcome feed(HttpReader& reader, std::string_view text, std::size_t step) {
  Outcome outcome;
  std::size_t end = 0;
  while (!outcome.complete && !outcome.error) {
    if (outcome.consumed == end) {
      if (end == text.size()) {
        break;
      }
      end = std::min(end + step, text.size());
    }
    bool more = true;
    while (more) {
      const HttpReader::Step read = reader.read(as_bytes(text.substr(outcome.consumed, end - outcome.consumed)));
      outcome.consumed += read.consumed;
      switch (read.event) {
        case HttpReader::Event::need_more: more = false; break;
        case HttpReader::Event::head_complete: outcome.head = true; break;
        case HttpReader::Event::body: outcome.body += as_text(read.body); break;
        case HttpReader::Event::message_complete:
          outcome.complete = true;
          more = false;
          break;
        case HttpReader::Event::failed:
          outcome.error = reader.error().kind;
          more = false;
          break;
      }
    }
  }
  return outcome;
}

Outcome request(HttpReader& reader, std::string_view text, std::size_t step = 1'000'000, HttpReader::Limits limits = {}) {
  reader.start_request(limits);
  return feed(reader, text, step);
}

Outcome response(HttpReader& reader, std::string_view text, std::string_view method = "GET", bool upgrade = false,
                 std::size_t step = 1'000'000) {
  reader.start_response({}, method, upgrade);
  return feed(reader, text, step);
}

constexpr std::string_view get = "GET / HTTP/1.1\r\nHost: a\r\n\r\n";

}  // namespace

TEST_CASE("A request is read the same in one piece and byte by byte", "[http_reader]") {
  constexpr std::string_view text =
      "POST /a?b=1 HTTP/1.1\r\nHost: example.com:80\r\nX-Empty:\r\nAccept:  text/plain  \r\nTransfer-Encoding: chunked\r\n\r\n"
      "4;ext=1\r\nWiki\r\n5\r\npedia\r\n0\r\nX-Sum: abc\r\n\r\n";
  for (const std::size_t step : {std::size_t{1'000'000}, std::size_t{1}, std::size_t{2}, std::size_t{3}, std::size_t{7}}) {
    HttpReader reader;
    const Outcome outcome = request(reader, text, step);
    REQUIRE(outcome.complete);
    CHECK(outcome.consumed == text.size());
    CHECK(outcome.body == "Wikipedia");
    CHECK(reader.head().method() == "POST");
    CHECK(reader.head().target() == "/a?b=1");
    CHECK(reader.head().host() == "example.com:80");
    CHECK(reader.head().framing() == BodyFraming::chunked);
    CHECK(reader.head().keep_alive());
    REQUIRE(reader.head().fields().size() == 4);
    CHECK(reader.head().fields().all()[1].value.empty());
    CHECK(reader.head().fields().find("accept")->value == "text/plain");
    REQUIRE(reader.trailers().size() == 1);
    CHECK(reader.trailers().all()[0].value == "abc");
  }
}

TEST_CASE("Reading stops exactly at the end of a message", "[http_reader]") {
  HttpReader reader;
  for (const std::size_t step : {std::size_t{1'000'000}, std::size_t{1}}) {
    const std::string two = std::string(get) + "GET /second HTTP/1.1\r\n";
    const Outcome first = request(reader, two, step);
    CHECK(first.complete);
    CHECK(first.consumed == get.size());
    const Outcome body = request(reader, "PUT / HTTP/1.1\r\nHost: a\r\nContent-Length: 3\r\n\r\nabcGET", step);
    CHECK(body.complete);
    CHECK(body.body == "abc");
    CHECK(body.consumed == 49);
    const Outcome answer =
        response(reader, "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n1\r\nx\r\n0\r\n\r\nsurplus", "GET", false, step);
    CHECK(answer.complete);
    CHECK(answer.consumed == 47 + 6 + 5);
  }
}

namespace {

struct Row {
  const char* what;
  std::string text;
  ErrorKind kind;
};

constexpr ErrorKind bad = ErrorKind::bad_request;

std::string with(std::string_view fields, std::string_view body = "") {
  return "POST / HTTP/1.1\r\nHost: a\r\n" + std::string(fields) + "\r\n" + std::string(body);
}

void check_refused(const std::vector<Row>& rows) {
  for (const Row& row : rows) {
    INFO(row.what);
    for (const std::size_t step : {std::size_t{1'000'000}, std::size_t{1}}) {
      HttpReader reader;
      const Outcome outcome = request(reader, row.text, step);
      REQUIRE(outcome.error);
      CHECK(*outcome.error == row.kind);
      CHECK(reader.error().origin == Origin::caller);
      CHECK_FALSE(outcome.complete);
    }
  }
}

}  // namespace

TEST_CASE("Fields and bodies that two readers could understand differently are refused", "[http_reader]") {
  check_refused({
      {"Content-Length and Transfer-Encoding, RFC 9112 §6.1", with("Content-Length: 5\r\nTransfer-Encoding: chunked\r\n", "0\r\n\r\n"),
       bad},
      {"Transfer-Encoding and Content-Length, RFC 9112 §6.1", with("Transfer-Encoding: chunked\r\nContent-Length: 5\r\n", "0\r\n\r\n"),
       bad},
      {"two equal Content-Length, RFC 9112 §6.3", with("Content-Length: 1\r\nContent-Length: 1\r\n", "a"), bad},
      {"two different Content-Length, RFC 9112 §6.3", with("Content-Length: 1\r\nContent-Length: 2\r\n", "ab"), bad},
      {"list in Content-Length, RFC 9112 §6.3", with("Content-Length: 1, 1\r\n", "a"), bad},
      {"signed Content-Length, RFC 9110 §8.6", with("Content-Length: +1\r\n", "a"), bad},
      {"negative Content-Length, RFC 9110 §8.6", with("Content-Length: -1\r\n", "a"), bad},
      {"hexadecimal Content-Length, RFC 9110 §8.6", with("Content-Length: 0x1\r\n", "a"), bad},
      {"empty Content-Length, RFC 9110 §8.6", with("Content-Length:\r\n"), bad},
      {"Content-Length over 64 bits, RFC 9110 §8.6", with("Content-Length: 18446744073709551616\r\n"), bad},
      {"chunked twice, RFC 9112 §6.1", with("Transfer-Encoding: chunked, chunked\r\n", "0\r\n\r\n"), bad},
      {"gzip and chunked, RFC 9112 §6.1", with("Transfer-Encoding: gzip, chunked\r\n", "0\r\n\r\n"), ErrorKind::transfer_coding_refused},
      {"two Transfer-Encoding fields", with("Transfer-Encoding: chunked\r\nTransfer-Encoding: identity\r\n", "0\r\n\r\n"), bad},
      {"misspelt chunked", with("Transfer-Encoding: xchunked\r\n", "0\r\n\r\n"), ErrorKind::transfer_coding_refused},
      {"Transfer-Encoding in HTTP/1.0, RFC 9112 §6.1", "POST / HTTP/1.0\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n", bad},
      {"obs-fold, RFC 9112 §5.2", with("X-A: 1\r\n 2\r\n"), bad},
      {"obs-fold with a tab, RFC 9112 §5.2", with("X-A: 1\r\n\t2\r\n"), bad},
      {"bare CR in a value, RFC 9112 §2.2", with("X-A: 1\r2\r\n"), bad},
      {"bare LF after a field, RFC 9112 §2.2", with("X-A: 1\nX-B: 2\r\n"), bad},
      {"bare LF after the request line, RFC 9112 §2.2", "GET / HTTP/1.1\nHost: a\r\n\r\n", bad},
      {"NUL in a value, RFC 9110 §5.5", with(std::string_view("X-A: 1\0 2\r\n", 11)), bad},
      {"whitespace before the colon, RFC 9112 §5.1", with("X-A : 1\r\n"), bad},
      {"whitespace before the first field, RFC 9112 §2.2", "GET / HTTP/1.1\r\n Host: a\r\n\r\n", bad},
      {"no name, RFC 9110 §5.1", with(": 1\r\n"), bad},
      {"a field without colon", with("X-A\r\n"), bad},
      {"no chunk size, RFC 9112 §7.1", with("Transfer-Encoding: chunked\r\n", "\r\n"), bad},
      {"a chunk size that is not hexadecimal, RFC 9112 §7.1", with("Transfer-Encoding: chunked\r\n", "g\r\n"), bad},
      {"a chunk size with 0x, RFC 9112 §7.1", with("Transfer-Encoding: chunked\r\n", "0x1\r\na\r\n0\r\n\r\n"), bad},
      {"a chunk size over 64 bits, RFC 9112 §7.1", with("Transfer-Encoding: chunked\r\n", "10000000000000001\r\na"), bad},
      {"a chunk size with a space, RFC 9112 §7.1", with("Transfer-Encoding: chunked\r\n", "1 \r\na\r\n0\r\n\r\n"), bad},
      {"a chunk longer than its size, RFC 9112 §7.1", with("Transfer-Encoding: chunked\r\n", "1\r\nab\r\n0\r\n\r\n"), bad},
      {"a chunk that ends in LF, RFC 9112 §7.1", with("Transfer-Encoding: chunked\r\n", "1\r\na\n0\r\n\r\n"), bad},
      {"a chunk size that ends in LF, RFC 9112 §7.1", with("Transfer-Encoding: chunked\r\n", "1\na\r\n0\r\n\r\n"), bad},
  });
}

TEST_CASE("Request lines and hosts that two readers could understand differently are refused", "[http_reader]") {
  check_refused({
      {"no Host, RFC 9112 §3.2", "GET / HTTP/1.1\r\n\r\n", bad},
      {"two Host fields, RFC 9112 §3.2", "GET / HTTP/1.1\r\nHost: a\r\nHost: a\r\n\r\n", bad},
      {"a Host with a path, RFC 9110 §7.2", "GET / HTTP/1.1\r\nHost: a/b\r\n\r\n", bad},
      {"a Host with user information, RFC 9110 §4.2.4", "GET / HTTP/1.1\r\nHost: u@a\r\n\r\n", bad},
      {"a Host with a comma", "GET / HTTP/1.1\r\nHost: a,b\r\n\r\n", bad},
      {"a Host with a port that is none", "GET / HTTP/1.1\r\nHost: a:b\r\n\r\n", bad},
      {"two spaces in the request line, RFC 9112 §3", "GET  / HTTP/1.1\r\nHost: a\r\n\r\n", bad},
      {"two spaces before the version, RFC 9112 §3", "GET /  HTTP/1.1\r\nHost: a\r\n\r\n", bad},
      {"HTTP/0.9, RFC 9112 §2.3", "GET /\r\n\r\n", ErrorKind::version_refused},
      {"HTTP/2.0, RFC 9110 §15.6.6", "GET / HTTP/2.0\r\nHost: a\r\n\r\n", ErrorKind::version_refused},
      {"the preface of HTTP/2", "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n", ErrorKind::version_refused},
      {"CONNECT", "CONNECT a:1 HTTP/1.1\r\nHost: a:1\r\n\r\n", ErrorKind::method_refused},
      {"TRACE", "TRACE / HTTP/1.1\r\nHost: a\r\n\r\n", ErrorKind::method_refused},
      {"an unknown method, RFC 9110 §9.1", "FROBNICATE / HTTP/1.1\r\nHost: a\r\n\r\n", ErrorKind::method_refused},
      {"RTSP", "GET / RTSP/1.0\r\nHost: a\r\n\r\n", ErrorKind::version_refused},
      {"ICE", "SOURCE / ICE/1.0\r\nHost: a\r\n\r\n", ErrorKind::version_refused},
      {"an empty host in the target, RFC 9110 §4.2.1", "GET http:///x HTTP/1.1\r\nHost: a\r\n\r\n", bad},
      {"a TLS ClientHello", "\x16\x03\x01\x02", bad},
      {"another expectation, RFC 9110 §10.1.1", with("Expect: tea\r\n"), ErrorKind::expectation_failed},
  });
}

TEST_CASE("Both spellings of a body's length in one answer are refused", "[http_reader]") {
  for (const std::string_view text : {
           "HTTP/1.1 200 OK\r\nContent-Length: 1\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n",
           "HTTP/1.1 200 OK\r\nContent-Length: 1\r\nContent-Length: 1\r\n\r\na",
           "HTTP/1.1 200 OK\r\nTransfer-Encoding: gzip\r\n\r\n",
           "HTTP/1.1 200 OK\r\nX-A: 1\r\n 2\r\n\r\n",
           "HTTP/1.1 200 OK\r\nX-A: 1\n\r\n",
           "HTTP/2.0 200 OK\r\n\r\n",
           "HTTP/1.1 99 No\r\n\r\n",
           "HTTP/1.1 700 No\r\n\r\n",
           "HTTP/1.1 101 Switching Protocols\r\nConnection: upgrade\r\nUpgrade: websocket\r\n\r\n",
           "SSH-2.0-OpenSSH_9.2\r\n",
           "RTSP/1.0 200 OK\r\n\r\n",
           "ICE/1.0 200 OK\r\n\r\n",
           "HTTP/1.0 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n",
       }) {
    INFO(text);
    for (const std::size_t step : {std::size_t{1'000'000}, std::size_t{1}}) {
      HttpReader reader;
      const Outcome outcome = response(reader, text, "GET", false, step);
      REQUIRE(outcome.error);
      CHECK(*outcome.error == ErrorKind::bad_response);
      CHECK(reader.error().origin == Origin::backend);
    }
  }
}

TEST_CASE("A sender says in Keep-Alive how long it keeps a connection at rest", "[http_reader]") {
  HttpReader reader;
  const auto timeout = [&reader](const std::string& fields) {
    CHECK(response(reader, "HTTP/1.1 204 No Content\r\n" + fields + "\r\n").complete);
    return reader.head().keep_alive_timeout();
  };
  using std::chrono::seconds;
  CHECK(timeout("Keep-Alive: timeout=5\r\n") == seconds(5));
  CHECK(timeout("keep-alive: max=100 ,\tTimeout=75\r\n") == seconds(75));
  CHECK(timeout("Keep-Alive: max=1\r\nKeep-Alive: timeout=0\r\n") == seconds(0));
  CHECK(timeout("Keep-Alive: timeout=4294967295\r\n") == seconds(4'294'967'295));
  for (const std::string none : {"", "max=100", "timeout", "timeout=", "timeout=-1", "timeout=1.5", "timeout=5s", "timeout=4294967296",
                                 "xtimeout=5", "timeout = 5"}) {
    CHECK(timeout("Keep-Alive: " + none + "\r\n") == std::nullopt);
  }
  CHECK(timeout("Proxy-Connection: timeout=5\r\nConnection: keep-alive\r\n") == std::nullopt);
}

TEST_CASE("Which answers have a body follows from method and status", "[http_reader]") {
  HttpReader reader;
  CHECK(response(reader, "HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\n", "HEAD").complete);
  CHECK(reader.head().content_length() == 9);
  CHECK(reader.head().keep_alive());
  CHECK(response(reader, "HTTP/1.1 304 Not Modified\r\nContent-Length: 9\r\n\r\n").complete);
  CHECK(response(reader, "HTTP/1.1 204 No Content\r\n\r\n").complete);
  CHECK(reader.head().keep_alive());
  CHECK(response(reader, "HTTP/1.1 204 No Content\r\nContent-Length: 9\r\n\r\n").complete);
  CHECK_FALSE(reader.head().keep_alive());
  CHECK(response(reader, "HTTP/1.1 100 Continue\r\n\r\n").complete);
  CHECK(response(reader, "HTTP/1.1 103 Early Hints\r\nLink: </a>\r\n\r\n").complete);
  CHECK(
      response(reader, "HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n\r\n\x81", "GET", true).complete);
  const Outcome until_close = response(reader, "HTTP/1.1 200 OK\r\n\r\nall there is");
  CHECK_FALSE(until_close.complete);
  CHECK(until_close.body == "all there is");
  CHECK_FALSE(reader.head().keep_alive());
  CHECK(reader.finish().event == HttpReader::Event::message_complete);
}

TEST_CASE("A message that is cut off is an error, not an end", "[http_reader]") {
  for (const std::string_view text : {"HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nabc",
                                      "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n", "HTTP/1.1 200"}) {
    HttpReader reader;
    CHECK_FALSE(response(reader, text).complete);
    CHECK(reader.finish().event == HttpReader::Event::failed);
    CHECK(reader.error().kind == ErrorKind::bad_response);
  }
}

TEST_CASE("Heads, trailers and chunk extensions are bounded", "[http_reader]") {
  HttpReader reader;
  const HttpReader::Limits limits{.head_bytes_max = 100, .fields_max = 4};
  const std::string fits = "GET / HTTP/1.1\r\nHost: a\r\nX: " + std::string(100 - 32, 'x') + "\r\n\r\n";
  REQUIRE(fits.size() == 100);
  CHECK(request(reader, fits, 1'000, limits).complete);
  for (const std::size_t step : {std::size_t{1'000}, std::size_t{1}}) {
    CHECK(request(reader, "GET / HTTP/1.1\r\nHost: a\r\nX: " + std::string(100 - 31, 'x') + "\r\n\r\n", step, limits).error ==
          ErrorKind::head_too_large);
    CHECK(request(reader, "GET / HTTP/1.1\r\nHost: a\r\nA:1\r\nB:1\r\nC:1\r\nD:1\r\n\r\n", step, limits).error ==
          ErrorKind::head_too_large);
    CHECK(request(reader, "PUT / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n0\r\nX: " + std::string(200, 'x') + "\r\n\r\n",
                  step, limits)
              .error == ErrorKind::head_too_large);
    std::string extensions = "PUT / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n";
    for (int i = 0; i < 60; ++i) {
      extensions += "1;ab\r\nx\r\n";
    }
    CHECK(request(reader, extensions, step, limits).error == ErrorKind::head_too_large);
  }
}

TEST_CASE("Persistence follows version and Connection", "[http_reader]") {
  HttpReader reader;
  request(reader, "GET / HTTP/1.1\r\nHost: a\r\nConnection: x, Close\r\n\r\n");
  CHECK_FALSE(reader.head().keep_alive());
  request(reader, "GET / HTTP/1.0\r\n\r\n");
  CHECK_FALSE(reader.head().keep_alive());
  request(reader, "GET / HTTP/1.0\r\nConnection: Keep-Alive\r\n\r\n");
  CHECK(reader.head().keep_alive());
}

TEST_CASE("Only a complete WebSocket handshake counts as an upgrade", "[http_reader]") {
  HttpReader reader;
  const auto upgrade = [&](std::string_view line, std::string_view fields) {
    const Outcome outcome = request(reader, std::string(line) + "\r\nHost: a\r\n" + std::string(fields) + "\r\n");
    return outcome.head && reader.head().is_websocket_upgrade();
  };
  CHECK(upgrade("GET / HTTP/1.1", "Connection: keep-alive, Upgrade\r\nUpgrade: WebSocket\r\n"));
  CHECK_FALSE(upgrade("GET / HTTP/1.1", "Upgrade: websocket\r\n"));
  CHECK_FALSE(upgrade("GET / HTTP/1.1", "Connection: upgrade\r\nUpgrade: h2c\r\n"));
  CHECK_FALSE(upgrade("GET / HTTP/1.1", "Connection: upgrade\r\nUpgrade: websocket\r\nUpgrade: h2c\r\n"));
  CHECK_FALSE(upgrade("POST / HTTP/1.1", "Connection: upgrade\r\nUpgrade: websocket\r\n"));
  CHECK_FALSE(upgrade("GET / HTTP/1.1", "Connection: upgrade\r\nUpgrade: websocket\r\nContent-Length: 1\r\n"));
  // An upgrade that is not relayed is an ordinary request: its body is read as one, and the next request is found.
  const Outcome outcome =
      request(reader, "POST / HTTP/1.1\r\nHost: a\r\nConnection: upgrade\r\nUpgrade: h2c\r\nContent-Length: 2\r\n\r\nabGET");
  CHECK(outcome.complete);
  CHECK(outcome.body == "ab");
}

TEST_CASE("A target in absolute-form names the host", "[http_reader]") {
  HttpReader reader;
  CHECK(request(reader, "GET http://b.example:81/x HTTP/1.1\r\nHost: a\r\n\r\n").complete);
  CHECK(reader.head().host() == "b.example:81");
  CHECK(request(reader, "GET http://u@b.example/x HTTP/1.1\r\nHost: a\r\n\r\n").error == ErrorKind::bad_request);
}

TEST_CASE("Fields that claim an identity or a route are recognised in every spelling", "[http_head]") {
  CHECK(field_id("Host") == FieldId::host);
  CHECK(field_id("TRANSFER-ENCODING") == FieldId::transfer_encoding);
  CHECK(field_id("X-Forwarded-For") == FieldId::x_forwarded_for);
  CHECK(field_id("X-Forwarded-Port") == FieldId::x_forwarded_other);
  CHECK(field_id("X-Forwarded-Client-Cert") == FieldId::client_identity);
  CHECK(field_id("X-SSL-Client-Verify-And-A-Long-Tail-Behind-It") == FieldId::client_identity);
  CHECK(field_id("Client-Cert") == FieldId::client_identity);
  for (const std::string_view name :
       {"SSL-Client-Cert", "X-ClientCert", "X-Client-Certificate", "X-Tls-Client-Cert", "X-Amzn-Mtls-Clientcert"}) {
    CHECK(field_id(name) == FieldId::client_identity);
  }
  CHECK(field_id("SSL_CLIENT_S_DN") == FieldId::disguised);
  CHECK(field_id("Client_Cert") == FieldId::disguised);
  CHECK(field_id("X_Forwarded_For") == FieldId::disguised);
  CHECK(field_id("Content_Length") == FieldId::disguised);
  CHECK(field_id("X-Forwarded") == FieldId::other);
  CHECK(field_id("Accept") == FieldId::other);
  CHECK(field_id("X_Trace") == FieldId::other);
}

}  // namespace signet::wire
