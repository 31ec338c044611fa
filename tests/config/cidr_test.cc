// SPDX-License-Identifier: GPL-3.0-or-later
#include "signet/config/cidr.h"

#include <catch2/catch_test_macros.hpp>

using namespace signet::config;
using signet::parse_address;

TEST_CASE("a block contains its addresses and no others, whatever the port", "[config]") {
  const Cidr block = *parse_cidr("10.16.0.0/12");
  CHECK(block.contains(*parse_address("10.16.0.0", 1)));
  CHECK(block.contains(*parse_address("10.31.255.255", 65535)));
  CHECK_FALSE(block.contains(*parse_address("10.32.0.0", 1)));
  CHECK_FALSE(block.contains(*parse_address("10.15.255.255", 1)));
  CHECK_FALSE(block.contains(*parse_address("::1", 1)));
  const Cidr six = *parse_cidr("fd00::/9");
  CHECK(six.contains(*parse_address("fd7f::1", 1)));
  CHECK_FALSE(six.contains(*parse_address("fd80::1", 1)));
}

TEST_CASE("an address without a prefix is a block of one; /0 takes all of its family", "[config]") {
  CHECK(parse_cidr("127.0.0.1")->contains(*parse_address("127.0.0.1", 1)));
  CHECK_FALSE(parse_cidr("127.0.0.1")->contains(*parse_address("127.0.0.2", 1)));
  CHECK(parse_cidr("::1")->text() == "::1/128");
  CHECK(parse_cidr("0.0.0.0/0")->contains(*parse_address("203.0.113.1", 1)));
  CHECK_FALSE(parse_cidr("0.0.0.0/0")->contains(*parse_address("2001:db8::1", 1)));
}

TEST_CASE("an IPv4 address in IPv6 form counts as the IPv4 address", "[config]") {
  CHECK(parse_cidr("10.0.0.0/8")->contains(*parse_address("::ffff:10.1.2.3", 1)));
  CHECK(*parse_cidr("::ffff:10.0.0.0/104") == *parse_cidr("10.0.0.0/8"));
  CHECK_FALSE(parse_cidr("::/0")->contains(*parse_address("::ffff:10.1.2.3", 1)));
}

TEST_CASE("a block that could mean two things is refused", "[config]") {
  for (const char* text : {"", "/8", "10.0.0.0/", "10.0.0.0/33", "10.0.0.0/-1", "10.0.0.0/8x", "10.0.0.1/8", "::/129", "fd00::1/8",
                           "localhost", "10.0.0.0/256", "::ffff:0.0.0.0/95", "10.0.0.0/8/8"}) {
    CAPTURE(text);
    CHECK_FALSE(parse_cidr(text).has_value());
  }
}
