// SPDX-License-Identifier: GPL-3.0-or-later
#include "config/names.h"

#include <array>
#include <catch2/catch_test_macros.hpp>
#include <string>

using namespace signet::config;

TEST_CASE("a misspelt setting is answered by the nearest known one", "[config]") {
  constexpr std::array<std::string_view, 4> names{"certificates", "certificateAuthorities", "url", "validateCertificateName"};
  CHECK(nearest("certifcates", names) == "certificates");
  CHECK(nearest("certificate", names) == "certificates");
  CHECK(nearest("ulr", names) == "url");
  CHECK(nearest("URL", names) == "url");
  CHECK(nearest("certificate_authorities", names) == "certificateAuthorities");
  CHECK(nearest("colour", names).empty());
  CHECK(nearest("x", names).empty());
  CHECK(suggestion("validatecertificatname", names) == "; did you mean \"validateCertificateName\"?");
  CHECK(suggestion("colour", names).empty());
}

TEST_CASE("an id has the form of the management resources", "[config]") {
  CHECK(is_id("orders-client", 80));
  CHECK(is_id(std::string(80, 'a'), 80));
  CHECK(is_id("shop/orders", 80));
  CHECK_FALSE(is_id(std::string(81, 'a'), 80));
  for (const char* text : {"", " a", "a ", "/a", "a*", "#", "a&b", "a+b", "a:b", "<a>", "a?", "a\nb"}) {
    CAPTURE(text);
    CHECK_FALSE(is_id(text, 80));
  }
}

TEST_CASE("a host is a DNS name or an IPv4 address, and never a number that resolvers take for an address", "[config]") {
  for (const char* text : {"localhost", "orders.internal", "a_b.example", "10.0.0.9", "xn--bcher-kva.example", "a.example."}) {
    CAPTURE(text);
    CHECK(is_host(text));
  }
  for (const char* text : {"", ".", "a..b", "-a.example", "a-.example", "10.1", "1", "256.0.0.1", "::1", "a b",
                           "b\xc3\xbc"
                           "cher.example",
                           "*.example"}) {
    CAPTURE(text);
    CHECK_FALSE(is_host(text));
  }
  CHECK_FALSE(is_host(std::string(64, 'a') + ".example"));
}

TEST_CASE("a path that normalising would change is refused", "[config]") {
  for (const char* text : {"/", "/v2", "/v2/", "/a/b.c/~d", "/a%2Fb", "/a..b", "/..."}) {
    CAPTURE(text);
    CHECK(is_path(text));
  }
  for (const char* text : {"", "v2", "//", "/a//b", "/./a", "/a/..", "/a/%2e%2E/b", "/a b", "/a?b", "/a%2", "/a%zz", "/\xc3\xa4"}) {
    CAPTURE(text);
    CHECK_FALSE(is_path(text));
  }
  CHECK(normal_encoding("a%7eb%2fc%41") == "a~b%2FcA");
}

TEST_CASE("a thumbprint is read in every form in which tools show it", "[config]") {
  const std::string plain = "0123456789ABCDEF0123456789ABCDEF01234567";
  CHECK(normal_thumbprint(plain) == plain);
  CHECK(normal_thumbprint("01:23:45:67:89:ab:cd:ef:01:23:45:67:89:ab:cd:ef:01:23:45:67") == plain);
  CHECK(normal_thumbprint("01 23 45 67 89 AB CD EF 01 23 45 67 89 AB CD EF 01 23 45 67") == plain);
  CHECK(normal_thumbprint(std::string(64, 'a')) == std::string(64, 'A'));
  CHECK(normal_thumbprint(plain.substr(1)).empty());
  CHECK(normal_thumbprint("g" + plain.substr(1)).empty());
}
