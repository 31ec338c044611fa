// SPDX-License-Identifier: GPL-3.0-or-later
#include "signet/gateway/access_log.h"

#include <catch2/catch_test_macros.hpp>
#include <chrono>
#include <string>

namespace signet::gateway {

TEST_CASE("One line tells the whole story of a call", "[access_log]") {
  std::string lines;
  AccessLog log([&lines](std::string_view more) { lines += more; });
  log.write({.time = WallTime(std::chrono::seconds(1'700'000'000)),
             .caller = *parse_endpoint("127.0.0.1:4711"),
             .method = "GET",
             .target = "/a",
             .status = 500,
             .request_bytes = 1,
             .response_bytes = 2,
             .duration = std::chrono::microseconds(3),
             .api = "orders",
             .backend = "b",
             .endpoint = *parse_endpoint("[::1]:443"),
             .certificate = "c",
             .tls = "TLSv1.3 resumed",
             .attempts = 1,
             .connection = 7,
             .reused = true,
             .error = "tls_untrusted",
             .detail = "why",
             .activity_id = "id"});
  log.flush();
  CHECK(lines ==
        "2023-11-14T22:13:20Z caller=127.0.0.1:4711 status=500 method=\"GET\" target=\"/a\" request_bytes=1 response_bytes=2 duration_us=3 "
        "api=orders backend=b endpoint=[::1]:443 certificate=c tls=\"TLSv1.3 resumed\" attempts=1 connection=7 reused=true "
        "error=tls_untrusted detail=\"why\" activity=id\n");
}

TEST_CASE("What a peer sent cannot forge a log line", "[access_log]") {
  std::string lines;
  AccessLog log([&lines](std::string_view more) { lines += more; });
  log.write({.target = "/a\" status=200\nfake \\ \x80"});
  log.flush();
  CHECK(lines.find("target=\"/a\\x22 status=200\\x0afake \\x5c \\x80\"") != std::string::npos);
  CHECK(std::count(lines.begin(), lines.end(), '\n') == 1);
}

}  // namespace signet::gateway
