// SPDX-License-Identifier: GPL-3.0-or-later
#include "signet/config/router.h"

#include <catch2/catch_test_macros.hpp>
#include <string>
#include <vector>

#include "signet/config/snapshot.h"

using namespace signet::config;

namespace {

Router::Entry entry(std::string id, std::string path, std::vector<std::string> hosts = {}) {
  return {.hosts = std::move(hosts), .route = Route{.api_id = std::move(id), .path = std::move(path)}};
}

/// The id of the API that takes the call, or "none".
std::string taker(const Router& router, std::string_view host, std::string_view path) {
  const Route* route = router.route(host, path);
  return route == nullptr ? "none" : route->api_id;
}

std::string target(std::string_view base_path, std::string api_path, std::string_view path, std::optional<std::string_view> query = {}) {
  Upstream upstream;
  upstream.base_path = base_path;
  std::vector<Router::Entry> entries;
  entries.push_back(entry("a", std::move(api_path)));
  const Router router(std::move(entries));
  const Route* route = router.route("", path);
  REQUIRE(route != nullptr);
  std::string out;
  append_target(*route, upstream, path, query, out);
  return out;
}

}  // namespace

TEST_CASE("the longest path wins, on whole segments", "[config]") {
  const Router router({entry("orders", "/orders"), entry("lines", "/orders/lines"), entry("shop", "/shop/eu/orders")});
  CHECK(taker(router, "", "/orders") == "orders");
  CHECK(taker(router, "", "/orders/") == "orders");
  CHECK(taker(router, "", "/orders/7") == "orders");
  CHECK(taker(router, "", "/orders/lines") == "lines");
  CHECK(taker(router, "", "/orders/lines/1/2/3") == "lines");
  CHECK(taker(router, "", "/orders/lines2") == "orders");
  CHECK(taker(router, "", "/orders2") == "none");
  CHECK(taker(router, "", "/order") == "none");
  CHECK(taker(router, "", "/Orders") == "none");
  CHECK(taker(router, "", "/") == "none");
  CHECK(taker(router, "", "//orders") == "none");
  CHECK(taker(router, "", "/shop/eu/orders/1") == "shop");
  CHECK(taker(router, "", "/shop/eu") == "none");
  CHECK(taker(router, "", "/orders;x=1/lines") == "none");
  CHECK(router.route("", "/orders/lines/1")->matched_length == 13);
}

TEST_CASE("an empty path takes what no other API takes", "[config]") {
  const Router router({entry("all", ""), entry("orders", "/orders")});
  CHECK(taker(router, "", "/") == "all");
  CHECK(taker(router, "", "/x/y") == "all");
  CHECK(taker(router, "", "//") == "all");
  CHECK(taker(router, "", "/orders/1") == "orders");
  CHECK(router.route("", "/x")->matched_length == 0);
}

TEST_CASE("an API that names the host comes before any that does not", "[config]") {
  const Router router({entry("any", "/orders/lines"), entry("a", "", {"a.example", "b.example"}), entry("c", "/orders", {"c.example"})});
  CHECK(taker(router, "a.example", "/orders/lines") == "a");
  CHECK(taker(router, "b.example", "/") == "a");
  CHECK(taker(router, "c.example", "/orders/lines/1") == "c");
  CHECK(taker(router, "d.example", "/orders/lines") == "any");
  CHECK(taker(router, "d.example", "/") == "none");
  CHECK(taker(router, "", "/orders/lines") == "any");
}

TEST_CASE("a call to a named host falls back to APIs for any host", "[config]") {
  const Router router({entry("any", "/x"), entry("c", "/orders", {"c.example"})});
  CHECK(taker(router, "c.example", "/x/1") == "any");
}

TEST_CASE("hosts are compared without port, case and trailing dot", "[config]") {
  const Router router({entry("a", "", {"a.example"}), entry("six", "", {"[::1]"})});
  for (const char* host : {"a.example", "A.Example", "a.example:8080", "A.EXAMPLE.:80", "a.example.", "a.example:"}) {
    CAPTURE(host);
    CHECK(taker(router, host, "/") == "a");
  }
  CHECK(taker(router, "[::1]", "/") == "six");
  CHECK(taker(router, "[::1]:8080", "/") == "six");
  for (const char* host : {"", ".", ":80", "b.a.example", "a.exampl", "a.example.org", "::1"}) {
    CAPTURE(host);
    CHECK(taker(router, host, "/") == "none");
  }
}

TEST_CASE("every one of many routes is found under its own host and path", "[config]") {
  std::vector<Router::Entry> entries;
  for (int host = 0; host < 20; ++host) {
    for (int path = 0; path < 50; ++path) {
      entries.push_back(
          entry(std::to_string(host) + "-" + std::to_string(path), "/p/" + std::to_string(path), {"h" + std::to_string(host)}));
    }
  }
  const Router router(std::move(entries));
  for (int host = 0; host < 20; ++host) {
    for (int path = 0; path < 50; ++path) {
      CHECK(taker(router, "h" + std::to_string(host), "/p/" + std::to_string(path) + "/x") ==
            std::to_string(host) + "-" + std::to_string(path));
    }
  }
}

TEST_CASE("no API takes anything when there are none", "[config]") {
  CHECK(Router().route("a", "/") == nullptr);
  CHECK(Router(std::vector<Router::Entry>{}).route("", "/") == nullptr);
}

TEST_CASE("the API's path is taken off and the rest appended to the back end's", "[config]") {
  CHECK(target("/v2", "/orders", "/orders/7", "x=1") == "/v2/7?x=1");
  CHECK(target("/v2/", "/orders", "/orders/7") == "/v2/7");
  CHECK(target("/v2", "/orders", "/orders") == "/v2");
  CHECK(target("/v2/", "/orders", "/orders") == "/v2/");
  CHECK(target("/v2", "/orders", "/orders/") == "/v2/");
  CHECK(target("", "/orders", "/orders/7") == "/7");
  CHECK(target("", "/orders", "/orders") == "/");
  CHECK(target("/", "/orders", "/orders") == "/");
  CHECK(target("/", "/orders", "/orders/") == "/");
  CHECK(target("", "", "/orders/7") == "/orders/7");
  CHECK(target("/v2", "", "/") == "/v2/");
  CHECK(target("", "", "/", "") == "/?");
}
