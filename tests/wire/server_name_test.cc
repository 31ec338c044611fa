// SPDX-License-Identifier: GPL-3.0-or-later
#include "signet/wire/server_name.h"

#include <array>
#include <catch2/catch_test_macros.hpp>
#include <string>

using signet::ErrorKind;
using signet::wire::ServerName;

namespace {

ServerName name(std::string_view text) {
  auto parsed = ServerName::parse(text);
  REQUIRE(parsed.has_value());
  return *parsed;
}

}  // namespace

TEST_CASE("a server name has one form, whatever its case, trailing dot or address notation", "[wire]") {
  CHECK(name("Orders.Internal").text() == "orders.internal");
  CHECK(name("orders.internal.").text() == "orders.internal");
  CHECK(name("localhost").text() == "localhost");
  CHECK(name("my_host.corp").text() == "my_host.corp");
  CHECK(name("10.0.0.9").text() == "10.0.0.9");
  CHECK(name("2001:DB8:0::1").text() == "2001:db8::1");
  CHECK(name("10.0.0.9").is_address());
  CHECK(name("::1").is_address());
  CHECK_FALSE(name("orders.internal").is_address());
}

TEST_CASE("what is neither an address nor a DNS name is refused as a server name", "[wire]") {
  const std::string long_label(64, 'a');
  const std::string long_name = std::string(63, 'a') + "." + std::string(63, 'a') + "." + std::string(63, 'a') + "." + std::string(62, 'a');
  for (const std::string& text :
       {std::string(""), std::string("."), std::string("a..b"), std::string(".a"), std::string("a.."), std::string("*.example.com"),
        std::string("-a.example"), std::string("a-.example"),
        std::string("b\xc3\xbc"
                    "cher.example"),
        std::string("a b"), std::string("[::1]"), std::string("fe80::1%eth0"), std::string("10.0.0.256"), std::string("1.2.3"),
        std::string("a.example:443"), std::string("a.example\0", 10), long_label + ".example", long_name}) {
    CAPTURE(text);
    const auto parsed = ServerName::parse(text);
    REQUIRE_FALSE(parsed.has_value());
    CHECK(parsed.error().kind == ErrorKind::config);
  }
  CHECK(ServerName::parse(long_name.substr(1)).has_value());
  CHECK(ServerName::parse(long_label.substr(1) + ".example").has_value());
}

TEST_CASE("a DNS name is matched without regard to case, and only in full", "[wire]") {
  const ServerName orders = name("orders.contoso.example");
  CHECK(orders.matches_dns_name("orders.contoso.example"));
  CHECK(orders.matches_dns_name("ORDERS.Contoso.example"));
  for (const char* presented :
       {"contoso.example", "x.orders.contoso.example", "orders.contoso.exampl", "orders.contoso.example.org", "", "orders"}) {
    CAPTURE(presented);
    CHECK_FALSE(orders.matches_dns_name(presented));
  }
  CHECK_FALSE(orders.matches_dns_name(std::string_view("orders.contoso.example\0.evil.example", 36)));
}

TEST_CASE("a wildcard stands for exactly the left-most label", "[wire]") {
  const ServerName orders = name("orders.contoso.example");
  CHECK(orders.matches_dns_name("*.contoso.example"));
  CHECK(orders.matches_dns_name("*.CONTOSO.example"));
  for (const char* presented : {"*", "*.", "*.example", "*.*.example", "o*.contoso.example", "*s.contoso.example", "orders.*.example",
                                "*.orders.contoso.example", "**.contoso.example", "*.contoso.example.", "*contoso.example"}) {
    CAPTURE(presented);
    CHECK_FALSE(orders.matches_dns_name(presented));
  }
  CHECK_FALSE(name("contoso.example").matches_dns_name("*.contoso.example"));
  CHECK_FALSE(name("a.b.contoso.example").matches_dns_name("*.contoso.example"));
  // Two labels behind the asterisk are needed, even where the name has them.
  CHECK_FALSE(name("contoso.example").matches_dns_name("*.example"));
}

TEST_CASE("an address is matched byte for byte, and never by a DNS name", "[wire]") {
  const std::array four{std::byte{10}, std::byte{0}, std::byte{0}, std::byte{9}};
  std::array<std::byte, 16> mapped{};
  mapped[10] = mapped[11] = std::byte{0xff};
  std::copy(four.begin(), four.end(), mapped.begin() + 12);

  CHECK(name("10.0.0.9").matches_address(four));
  CHECK_FALSE(name("10.0.0.8").matches_address(four));
  CHECK_FALSE(name("10.0.0.9").matches_address(mapped));
  CHECK_FALSE(name("::ffff:10.0.0.9").matches_address(four));
  CHECK(name("::ffff:10.0.0.9").matches_address(mapped));
  CHECK_FALSE(name("10.0.0.9").matches_dns_name("10.0.0.9"));
  CHECK_FALSE(name("orders.internal").matches_address(four));
  CHECK_FALSE(name("10.0.0.9").matches_address({}));
}
