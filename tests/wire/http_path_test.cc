// SPDX-License-Identifier: GPL-3.0-or-later
#include "signet/wire/http_path.h"

#include <catch2/catch_test_macros.hpp>
#include <utility>
#include <vector>

namespace signet::wire {

TEST_CASE("A path is brought to one form before anybody judges it", "[http_path]") {
  const std::vector<std::pair<std::string_view, std::string_view>> rows = {
      {"/", "/"},
      {"/a/b", "/a/b"},
      {"/a/./b/", "/a/b/"},
      {"/a/b/..", "/a/"},
      {"/a/b/../c", "/a/c"},
      {"/a/../b", "/b"},
      {"/a/..", "/"},
      {"/a/.", "/a/"},
      {"/.", "/"},
      {"/a/%2e%2E/b", "/b"},
      {"/%61%7e", "/a~"},
      {"/a%2fb", "/a%2Fb"},
      {"/a/%2F..b/c", "/a/%2F..b/c"},
      {"/a//b", "/a//b"},
      {"/a//../b", "/a/b"},
      {"//a", "//a"},
      {"/a%20b", "/a%20b"},
      {"/\xc3\xa9", "/%C3%A9"},
      {"/a;v=1/b", "/a;v=1/b"},
      {"/...", "/..."},
      {"http://host/a/../b", "/b"},
      {"HTTPS://host", "/"},
  };
  std::string path;
  for (const auto& [target, expected] : rows) {
    INFO(target);
    REQUIRE(normalise_target(target, path));
    CHECK(path == expected);
    // Once is enough: a second reader that normalises again finds nothing more to do.
    std::string again;
    REQUIRE(normalise_target(path, again));
    CHECK(again == path);
  }
}

TEST_CASE("All but unreserved characters are percent-encoded", "[http_path]") {
  CHECK(percent_encode("aZ09-._~") == "aZ09-._~");
  CHECK(percent_encode(" /%?&=+\xc3\xa9[`{@^") == "%20%2F%25%3F%26%3D%2B%C3%A9%5B%60%7B%40%5E");
  CHECK(percent_encode(std::string_view("\0\x7f", 2)) == "%00%7F");
  CHECK(percent_encode("").empty());
}

TEST_CASE("Hexadecimal digits have their value in either case", "[http_path]") {
  for (int value = 0; value < 16; ++value) {
    CHECK(hex_value("0123456789abcdef"[value]) == value);
    CHECK(hex_value("0123456789ABCDEF"[value]) == value);
  }
  for (const char other : {'g', 'G', '/', ':', '@', '`', '\x10', '\xb0', '\0'}) {
    CHECK(hex_value(other) == -1);
  }
}

TEST_CASE("The query is left alone", "[http_path]") {
  std::string path;
  CHECK(normalise_target("/a?x=%2e%2e/..&y", path)->query == "x=%2e%2e/..&y");
  CHECK(path == "/a");
  CHECK(normalise_target("/a?", path)->query == "");
  CHECK_FALSE(normalise_target("/a", path)->query);
  CHECK(normalise_target("http://host?q", path)->query == "q");
  CHECK(path == "/");
}

TEST_CASE("A path that servers understand differently is refused", "[http_path]") {
  std::string path;
  for (const std::string_view target :
       {"/..",   "/a/../..", "/%2e%2e/a", "/a/../../b", "/a/..;x=1/b", "/a/..%2fb",   "/a/%2F../b", "/x%2f.%2Fy", "/a%2f..;p",
        "/.;/a", "/a%00b",   "/a%0d%0ab", "/a%7f",      "/a\\b",       "/a%5c..%5cb", "/a%",        "/a%2",       "/a%zz",
        "/a#b",  "/a?b#c",   "*",         "a",          "ftp://host/", "host:80",     "/?a\x01"}) {
    INFO(target);
    const Result<NormalTarget> result = normalise_target(target, path);
    REQUIRE_FALSE(result);
    CHECK(result.error().kind == ErrorKind::bad_request);
    CHECK(result.error().origin == Origin::caller);
  }
}

}  // namespace signet::wire
