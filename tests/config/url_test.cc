// SPDX-License-Identifier: GPL-3.0-or-later
#include <catch2/catch_test_macros.hpp>
#include <string>

#include "signet/config/config.h"

using namespace signet::config;

TEST_CASE("a back end's URL is taken apart, with the scheme's port filled in", "[config]") {
  CHECK(*parse_url("https://orders.internal:8443/v2") == Url{Scheme::https, "orders.internal", 8443, "/v2", "orders.internal:8443"});
  CHECK(*parse_url("HTTPS://Orders.Internal") == Url{Scheme::https, "orders.internal", 443, "", "orders.internal"});
  CHECK(*parse_url("http://10.0.0.9/") == Url{Scheme::http, "10.0.0.9", 80, "/", "10.0.0.9"});
  CHECK(*parse_url("https://[2001:DB8:0::1]:9443/a/") == Url{Scheme::https, "2001:db8::1", 9443, "/a/", "[2001:db8::1]:9443"});
}

TEST_CASE("the scheme's own port does not stand in Host", "[config]") {
  CHECK(parse_url("https://a.example:443/")->authority == "a.example");
  CHECK(parse_url("http://a.example:80")->authority == "a.example");
  CHECK(parse_url("http://a.example:443")->authority == "a.example:443");
  CHECK(parse_url("https://[::1]:443")->authority == "[::1]");
}

TEST_CASE("a URL that says more or less than where to go is refused with what was expected", "[config]") {
  const auto refusal = [](const char* text) {
    const auto url = parse_url(text);
    return url ? std::string() : url.error().detail;
  };
  for (const char* text : {"", "https", "https:", "https:/a", "orders.internal", "ftp://a.example", "//a.example", "://a"}) {
    CAPTURE(text);
    CHECK(refusal(text).starts_with("expected a URL that starts with"));
  }
  for (const char* text : {"https://", "https:///v2", "https://:443", "https://[::1", "https://[]", "https://[10.0.0.1]", "https://::1",
                           "https://a b", "https://10.1", "https://[::1]x:1/",
                           "https://b\xc3\xbc"
                           "cher.example"}) {
    CAPTURE(text);
    CHECK_FALSE(refusal(text).empty());
  }
  for (const char* text : {"https://a:", "https://a:0", "https://a:65536", "https://a:x", "https://a:+1", "https://[::1]443"}) {
    CAPTURE(text);
    CHECK(refusal(text) == "expected a port from 1 to 65535 behind the URL's host");
  }
  CHECK(refusal("https://a/?x=1") == "expected a URL without query and fragment");
  CHECK(refusal("https://a/#x") == "expected a URL without query and fragment");
  CHECK(refusal("https://user:pass@a/").starts_with("expected a URL without a user"));
  CHECK(refusal("https://a/../b").starts_with("expected a URL whose path"));
}
