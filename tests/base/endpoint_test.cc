// SPDX-License-Identifier: GPL-3.0-or-later
#include "signet/base/endpoint.h"

#include <catch2/catch_test_macros.hpp>

using signet::Endpoint;
using signet::parse_address;
using signet::parse_endpoint;

TEST_CASE("an endpoint's text reads back as the same endpoint", "[base]") {
  for (const char* text : {"127.0.0.1:8080", "[::1]:443", "10.1.2.3:0", "[fe80::1]:65535"}) {
    CAPTURE(text);
    const auto endpoint = parse_endpoint(text);
    REQUIRE(endpoint.has_value());
    CHECK(endpoint->text() == text);
  }
}

TEST_CASE("what is not an address and a port is not an endpoint", "[base]") {
  for (const char* text : {"", ":", "127.0.0.1", "127.0.0.1:", "127.0.0.1:65536", "127.0.0.1:-1", "127.0.0.1:80x", "localhost:80", "::1:80",
                           "[127.0.0.1]:80", "[::1:80", "256.0.0.1:80", "1.2.3:80"}) {
    CAPTURE(text);
    CHECK_FALSE(parse_endpoint(text).has_value());
  }
}

TEST_CASE("loopback is 127.0.0.0/8, ::1 and the mapped form", "[base]") {
  CHECK(parse_endpoint("127.8.9.1:1")->is_loopback());
  CHECK(parse_endpoint("[::1]:1")->is_loopback());
  CHECK(parse_address("::ffff:127.0.0.1", 1)->is_loopback());
  CHECK_FALSE(parse_endpoint("10.0.0.1:1")->is_loopback());
  CHECK_FALSE(parse_endpoint("[::]:1")->is_loopback());
}
