// SPDX-License-Identifier: GPL-3.0-or-later
#include "signet/config/internal_address.h"

#include <array>
#include <catch2/catch_test_macros.hpp>
#include <vector>

using namespace signet;
using config::internal_address_fault;

TEST_CASE("link-local addresses are refused in whatever form, and others are not", "[config]") {
  const auto refused = [](std::string_view address) { return !internal_address_fault(*parse_address(address, 80), {}, {}).empty(); };
  for (const char* address : {"169.254.0.0", "169.254.255.255", "::ffff:169.254.1.1", "64:ff9b::a9fe:101", "fe80::1", "febf::1"}) {
    CAPTURE(address);
    CHECK(refused(address));
  }
  for (const char* address : {"169.253.255.255", "169.255.0.0", "127.0.0.1", "10.0.0.1", "::1", "fec0::1", "fe7f::1", "64:ff9b::a00:1"}) {
    CAPTURE(address);
    CHECK_FALSE(refused(address));
  }
}

TEST_CASE("the management listener's own addresses are refused at its port alone", "[config]") {
  const std::array own{*parse_endpoint("0.0.0.0:9443"), *parse_endpoint("10.0.0.7:9443")};
  const auto refused = [&](std::string_view endpoint) { return !internal_address_fault(*parse_endpoint(endpoint), {}, own).empty(); };
  for (const char* endpoint :
       {"127.0.0.1:9443", "127.9.9.9:9443", "0.0.0.0:9443", "[::]:9443", "[::1]:9443", "10.0.0.7:9443", "[::ffff:10.0.0.7]:9443"}) {
    CAPTURE(endpoint);
    CHECK(refused(endpoint));
  }
  for (const char* endpoint : {"127.0.0.1:9444", "10.0.0.8:9443", "10.0.0.7:80"}) {
    CAPTURE(endpoint);
    CHECK_FALSE(refused(endpoint));
  }
}

TEST_CASE("what is allowed covers an address in each of its forms", "[config]") {
  const std::array own{*parse_endpoint("127.0.0.1:9443")};
  const std::vector<config::Cidr> allowed{*config::parse_cidr("169.254.1.0/24"), *config::parse_cidr("127.0.0.1")};
  CHECK(internal_address_fault(*parse_address("169.254.1.1", 80), allowed, own).empty());
  CHECK(internal_address_fault(*parse_address("::ffff:169.254.1.1", 80), allowed, own).empty());
  CHECK_FALSE(internal_address_fault(*parse_address("169.254.2.1", 80), allowed, own).empty());
  CHECK(internal_address_fault(own[0], allowed, own).empty());
}
