// SPDX-License-Identifier: GPL-3.0-or-later
#include "control/internal_address.h"

#include <array>
#include <catch2/catch_test_macros.hpp>

using namespace signet;
using namespace signet::control;

TEST_CASE("allowInternalBackends opens what it covers and nothing else", "[control]") {
  const std::string metadata = std::string("http://") + "169.254.169.254";
  const std::array own{*parse_endpoint("127.0.0.1:9443")};
  config::Config config;
  CHECK_FALSE(internal_address_fault(metadata, config, own).empty());
  config.allow_internal_backends.push_back(*config::parse_cidr("169.254.169.254"));
  CHECK(internal_address_fault(metadata, config, own).empty());
  CHECK_FALSE(internal_address_fault(std::string("http://") + "169.254.169.253", config, own).empty());
  CHECK_FALSE(internal_address_fault("https://localhost:9443", config, own).empty());
  config.allow_internal_backends.push_back(*config::parse_cidr("127.0.0.0/8"));
  CHECK(internal_address_fault("https://localhost:9443", config, own).empty());
}

TEST_CASE("a management listener on all addresses is reached through the loopback ones", "[control]") {
  const std::array own{*parse_endpoint("0.0.0.0:9443")};
  const config::Config config;
  CHECK_FALSE(internal_address_fault("https://127.0.0.2:9443", config, own).empty());
  CHECK_FALSE(internal_address_fault("https://[::1]:9443", config, own).empty());
  CHECK(internal_address_fault("https://127.0.0.2:9444", config, own).empty());
  CHECK(internal_address_fault("https://orders.example:9443", config, own).empty());
}
