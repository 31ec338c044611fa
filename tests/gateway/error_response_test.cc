// SPDX-License-Identifier: GPL-3.0-or-later
#include "signet/gateway/error_response.h"

#include <catch2/catch_test_macros.hpp>
#include <catch2/matchers/catch_matchers_string.hpp>
#include <set>
#include <string>

#include "gateway/retry.h"

namespace signet::gateway {

namespace {

using Catch::Matchers::ContainsSubstring;

constexpr auto last_kind = static_cast<int>(ErrorKind::internal);

std::string written(const Error& error, const ErrorResponseOptions& options = {}) {
  ByteBuffer out;
  write_error_response(error, options, out);
  return std::string(out.text());
}

}  // namespace

TEST_CASE("Every kind of error has a status, a code, a message and an error type of RFC 9209", "[error_response]") {
  std::set<std::string_view> codes;
  for (int kind = 0; kind <= last_kind; ++kind) {
    const ErrorAnswer answer = error_answer(static_cast<ErrorKind>(kind));
    INFO(to_string(static_cast<ErrorKind>(kind)));
    CHECK(answer.status >= 400);
    CHECK(answer.status < 600);
    CHECK(codes.insert(answer.code).second);
    CHECK(answer.message.ends_with('.'));
    CHECK_FALSE(answer.proxy_error.empty());
  }
}

TEST_CASE("TLS failures towards a back end are 500, or 502 where that is set", "[error_response]") {
  for (const ErrorKind kind :
       {ErrorKind::tls_untrusted, ErrorKind::tls_expired, ErrorKind::tls_name_mismatch, ErrorKind::tls_certificate, ErrorKind::tls_alert,
        ErrorKind::tls_protocol, ErrorKind::no_certificate, ErrorKind::identity_refused, ErrorKind::certificate_not_requested}) {
    CHECK(error_answer(kind).status == 500);
    CHECK(error_answer(kind, 502).status == 502);
  }
  CHECK(error_answer(ErrorKind::connect_refused).status == 502);
  CHECK(error_answer(ErrorKind::backend_timeout).status == 504);
  CHECK(error_answer(ErrorKind::connect_timeout).status == 504);
  CHECK(error_answer(ErrorKind::no_route).status == 404);
  CHECK(error_answer(ErrorKind::head_too_large).status == 431);
  CHECK(error_answer(ErrorKind::body_too_large).status == 413);
  CHECK(error_answer(ErrorKind::caller_timeout).status == 408);
  CHECK(error_answer(ErrorKind::overload).status == 503);
}

TEST_CASE("What an operator is told stays out of the caller's answer", "[error_response]") {
  const Error error{
      .kind = ErrorKind::identity_refused, .origin = Origin::identity, .tls_alert = 46, .detail = "CN=secret-backend said no"};
  const std::string text = written(error, {.now = WallTime(std::chrono::seconds(784'111'777)), .activity_id = "0123"});
  CHECK_THAT(text, ContainsSubstring("\r\nDate: Sun, 06 Nov 1994 08:49:37 GMT\r\n"));
  CHECK_THAT(text, ContainsSubstring("HTTP/1.1 500 Internal Server Error\r\n"));
  CHECK_THAT(text, ContainsSubstring("Proxy-Status: signet; error=tls_alert_received; alert-id=46\r\n"));
  CHECK_THAT(text, ContainsSubstring("Connection: close\r\n"));
  CHECK_THAT(text, ContainsSubstring(R"({"statusCode":500,"code":"BackendRefusedClientCertificate","message":")"));
  CHECK_THAT(text, ContainsSubstring(R"("activityId":"0123"})"));
  CHECK_THAT(text, !ContainsSubstring("secret"));
}

TEST_CASE("Who is sent away for a while is told for how long", "[error_response]") {
  const Error suspended{.kind = ErrorKind::identity_suspended, .origin = Origin::identity, .retry_after_s = 17};
  CHECK_THAT(written(suspended), ContainsSubstring("HTTP/1.1 503 Service Unavailable\r\n"));
  CHECK_THAT(written(suspended), ContainsSubstring("\r\nRetry-After: 17\r\n"));
  CHECK_THAT(written(Error{.kind = ErrorKind::overload}), ContainsSubstring("\r\nRetry-After: 1\r\n"));
}

TEST_CASE("An answer to HEAD has the fields of the body and no body", "[error_response]") {
  const Error error{.kind = ErrorKind::no_route, .origin = Origin::caller};
  const std::string full = written(error, {.after = AfterAnswer::keep_alive});
  const std::string head = written(error, {.after = AfterAnswer::keep_alive, .head_only = true});
  CHECK(full.starts_with(head));
  CHECK(head.ends_with("\r\n\r\n"));
  CHECK_THAT(full.substr(head.size()), ContainsSubstring("\"code\":\"OperationNotFound\""));
  CHECK_THAT(head, ContainsSubstring("Content-Length: " + std::to_string(full.size() - head.size()) + "\r\n"));
  CHECK_THAT(head, !ContainsSubstring("Connection:"));
}

TEST_CASE("Overload says when to come back", "[error_response]") {
  CHECK_THAT(written({.kind = ErrorKind::overload}), ContainsSubstring("Retry-After: 1\r\n"));
}

TEST_CASE("A call is sent again only if repeating it can do no harm", "[retry]") {
  const Error lost{.kind = ErrorKind::connection_lost, .origin = Origin::backend};
  const RetrySituation safe{.method = "GET", .connection_reused = true, .body_kept = true};
  const auto changed = [&](auto change) {
    RetrySituation situation = safe;
    change(situation);
    return may_retry(lost, situation);
  };
  for (const std::string_view method : {"GET", "HEAD", "PUT", "DELETE", "OPTIONS", "TRACE"}) {
    CHECK(changed([&](RetrySituation& s) { s.method = method; }));
  }
  CHECK_FALSE(changed([](RetrySituation& s) { s.connection_reused = false; }));
  CHECK_FALSE(changed([](RetrySituation& s) { s.replayed = true; }));
  CHECK_FALSE(changed([](RetrySituation& s) { s.body_kept = false; }));
  CHECK_FALSE(changed([](RetrySituation& s) { s.response_begun = true; }));
  for (const Error& final : {Error{.kind = ErrorKind::identity_refused, .origin = Origin::identity},
                             Error{.kind = ErrorKind::backend_timeout, .origin = Origin::backend},
                             Error{.kind = ErrorKind::bad_response, .origin = Origin::backend},
                             Error{.kind = ErrorKind::connection_lost, .origin = Origin::internal}}) {
    CHECK_FALSE(may_retry(final, safe));
  }
}

TEST_CASE("A call that may not be repeated is sent again only if the back end ended before it took any of it", "[retry]") {
  const Error lost{.kind = ErrorKind::connection_lost, .origin = Origin::backend};
  for (const std::string_view method : {"POST", "PATCH", "LOCK", "get"}) {
    const RetrySituation untaken{.method = method, .connection_reused = true, .body_kept = true, .peer_ended = true, .nothing_taken = true};
    CHECK(may_retry(lost, untaken));
    const auto changed = [&](auto change) {
      RetrySituation situation = untaken;
      change(situation);
      return may_retry(lost, situation);
    };
    CHECK_FALSE(changed([](RetrySituation& s) { s.peer_ended = false; }));  // a bare reset
    CHECK_FALSE(changed([](RetrySituation& s) { s.nothing_taken = false; }));
    CHECK_FALSE(changed([](RetrySituation& s) { s.connection_reused = false; }));
    CHECK_FALSE(changed([](RetrySituation& s) { s.replayed = true; }));
    CHECK_FALSE(changed([](RetrySituation& s) { s.body_kept = false; }));
    CHECK_FALSE(changed([](RetrySituation& s) { s.response_begun = true; }));
  }
}

}  // namespace signet::gateway
