// SPDX-License-Identifier: GPL-3.0-or-later
#include <barrier>
#include <thread>

#include "control/admin_fixture.h"

using namespace signet;
using namespace signet::control;
using namespace signet::control::test;

namespace {

json backend(const std::string& url = "http://127.0.0.1:8080") {
  return {{"url", url}, {"protocol", "http"}};
}

}  // namespace

TEST_CASE("a backend is made, replaced, patched and deleted", "[control]") {
  Gateway gateway;
  json properties = backend();
  properties["title"] = "Orders";
  const Reply made = gateway.put("/backends/orders", properties);
  INFO(made.text);
  REQUIRE(made.status == 201);
  CHECK(made.body["type"] == "Microsoft.ApiManagement/service/backends");
  CHECK(made.properties("url") == "http://127.0.0.1:8080");
  CHECK(made.properties("title") == "Orders");

  const Reply patched = gateway.patch("/backends/orders", {{"description", "d"}, {"title", nullptr}}, made.etag);
  REQUIRE(patched.status == 200);
  CHECK(patched.properties("description") == "d");
  CHECK(patched.properties("title").is_null());
  CHECK(patched.properties("url") == "http://127.0.0.1:8080");
  CHECK(patched.etag > made.etag);

  CHECK(gateway.patch("/backends/orders", {{"description", "e"}}, made.etag).status == 412);
  CHECK(gateway.put("/backends/orders", backend(), made.etag).code() == "PreconditionFailed");
  CHECK(gateway.remove("/backends/orders", made.etag).status == 412);
  CHECK(gateway.patch("/backends/orders", {{"description", "e"}}, "").status == 400);
  CHECK(gateway.remove("/backends/orders", "").status == 400);
  CHECK(gateway.patch("/backends/none", {{"description", "e"}}).status == 404);
  CHECK(gateway.put("/backends/none", backend(), "\"1\"").status == 412);

  CHECK(gateway.put("/backends/orders", backend(), patched.etag).status == 200);
  CHECK(gateway.get("/backends/orders").properties("description").is_null());
  CHECK(gateway.remove("/backends/orders", "\"0\", *").status == 200);
  CHECK(gateway.remove("/backends/orders").status == 204);
  CHECK(gateway.call("HEAD", "/backends/orders").status == 404);
}

TEST_CASE("what is wrong with a backend is said by property, and nothing changes", "[control]") {
  Gateway gateway;
  const Reply missing = gateway.put("/backends/b", json::object());
  CHECK(missing.status == 400);
  CHECK(missing.target() == "url");
  CHECK(gateway.put("/backends/b", {{"url", "ftp://x"}, {"protocol", "http"}}).target() == "url");
  json unknown = backend("https://orders.example");
  unknown["credentials"] = {
      {"certificateIds", {"/subscriptions/1/resourceGroups/r/providers/Microsoft.ApiManagement/service/s/certificates/x"}}};
  const Reply reference = gateway.put("/backends/b", unknown);
  CHECK(reference.status == 400);
  CHECK(reference.target() == "credentials");
  CHECK(reference.detail() == "Certificate with id 'x' not found.");
  json proxy = backend();
  proxy["proxy"] = {{"url", "http://proxy.example"}, {"password", "proxy-secret"}};
  const Reply refused = gateway.put("/backends/b", proxy);
  CHECK(refused.status == 400);
  CHECK(refused.text.find("proxy-secret") == std::string::npos);
  CHECK(gateway.put("/backends/b", json{{"url", std::string(2001, 'a')}, {"protocol", "http"}}).status == 400);
  CHECK(gateway.call("PUT", "/backends/b", "{").target() == "body");
  CHECK(gateway.call("PUT", "/backends/b", "[]").target() == "body");
  CHECK(gateway.call("PUT", "/backends/b", "{}").target() == "properties");
  CHECK(gateway.call("PUT", "/backends/b", std::string(100'000, '[')).target() == "body");
  CHECK(gateway.call("PUT", "/backends/b", "{\"properties\":{\"title\":\"\xff\"}}").status == 400);
  CHECK(gateway.get("/backends").body["count"] == 0);
  CHECK(gateway.applied == 1);
}

TEST_CASE("credentials are masked, and the mask sent back keeps what is stored", "[control]") {
  Gateway gateway;
  json properties = backend();
  properties["credentials"] = {{"header", {{"x-key", {"header-secret-1", "header-secret-2"}}}},
                               {"query", {{"code", {"query-secret"}}}},
                               {"authorization", {{"scheme", "Basic"}, {"parameter", "basic-secret"}}}};
  const Reply made = gateway.put("/backends/orders", properties);
  INFO(made.text);
  REQUIRE(made.status == 201);
  CHECK(made.text.find("secret") == std::string::npos);
  CHECK(made.properties("credentials")["header"]["x-key"].size() == 2);
  CHECK(made.properties("credentials")["authorization"]["scheme"] == "Basic");

  const auto in_force = [&] { return gateway.reconciler->view()->snapshot->config().backends.at(0).credentials; };
  CHECK(in_force().header.at(0).values == std::vector<std::string>{"header-secret-1", "header-secret-2"});

  json round_trip = gateway.get("/backends/orders").body["properties"];
  round_trip["title"] = "changed";
  round_trip["credentials"]["header"]["x-key"][1] = "new";
  REQUIRE(gateway.put("/backends/orders", round_trip).status == 200);
  CHECK(in_force().header.at(0).values == std::vector<std::string>{"header-secret-1", "new"});
  CHECK(in_force().query.at(0).values == std::vector<std::string>{"query-secret"});
  CHECK(in_force().authorization->parameter == "basic-secret");

  REQUIRE(gateway.patch("/backends/orders", {{"credentials", {{"query", {{"code", nullptr}, {"more", {"query-more"}}}}}}}).status == 200);
  REQUIRE(in_force().query.size() == 1);
  CHECK(in_force().query.at(0).name == "more");
  CHECK(in_force().authorization->parameter == "basic-secret");

  json other = backend();
  other["credentials"] = {{"header", {{"y-key", {round_trip["credentials"]["header"]["x-key"][0]}}}}};
  const Reply refused = gateway.put("/backends/orders", other);
  CHECK(refused.status == 400);
  CHECK(refused.target() == "credentials");
  CHECK(gateway.put("/backends/new", round_trip).status == 400);

  gateway.start();
  CHECK(in_force().header.at(0).values == std::vector<std::string>{"header-secret-1", "new"});
  CHECK(gateway.get("/backends").text.find("secret") == std::string::npos);
}

TEST_CASE("a backend that an API or a pool names is not deleted", "[control]") {
  Gateway gateway;
  gateway.make("/backends/orders", backend());
  gateway.make("/apis/orders", {{"displayName", "Orders"}, {"path", "orders"}, {"backendId", "orders"}});
  const Reply refused = gateway.remove("/backends/orders");
  CHECK(refused.status == 409);
  CHECK(refused.target().ends_with("/apis/orders"));
  CHECK(refused.detail() == "API 'orders' uses it");
  CHECK(gateway.remove("/apis/orders").status == 200);
  CHECK(gateway.remove("/backends/orders").status == 200);
}

TEST_CASE("internal addresses are refused in all their forms", "[control]") {
  Gateway gateway(Gateway::plain_file, {*parse_endpoint("127.0.0.1:9443")});
  for (const char* const place : {"169.254.169.254/latest", "[fe80::1]/", "[::ffff:169.254.169.254]/", "127.0.0.1:9443", "localhost:9443/",
                                  "LOCALHOST.:9443", "[::ffff:127.0.0.1]:9443", "0.0.0.0:9443", "[::]:9443"}) {
    const std::string url = std::string("https://") + place;
    INFO(url);
    const Reply refused = gateway.put("/backends/b", backend(url));
    INFO(refused.text);
    CHECK(refused.status == 400);
    CHECK(refused.target() == "url");
    CHECK(gateway.put("/apis/a", {{"displayName", "a"}, {"path", "a"}, {"serviceUrl", url}}).target() == "serviceUrl");
  }
  CHECK(gateway.put("/backends/b", backend("http://127.0.0.1:9444")).status == 201);
  CHECK(gateway.patch("/backends/b", {{"url", std::string("http://") + "169.254.1.1"}}).status == 400);
}

TEST_CASE("reconnect is handed on with its delay", "[control]") {
  Gateway gateway;
  gateway.make("/backends/orders", backend());
  const Reply accepted = gateway.call("POST", "/backends/orders/reconnect");
  CHECK(accepted.status == 202);
  CHECK(accepted.text.empty());
  CHECK(gateway.call("POST", "/backends/orders/reconnect", R"({"properties":{"after":"PT2M"}})").status == 202);
  CHECK(gateway.call("POST", "/backends/orders/reconnect", R"({"properties":{"after":"P1DT1S"}})").status == 400);
  CHECK(gateway.call("POST", "/backends/orders/reconnect", R"({"properties":{"after":"2m"}})").target() == "after");
  CHECK(gateway.call("POST", "/backends/none/reconnect").status == 404);
  REQUIRE(gateway.reconnects.size() == 2);
  CHECK(gateway.reconnects[0].second == std::chrono::seconds(0));
  CHECK(gateway.reconnects[1] == std::pair<std::string, std::chrono::seconds>("orders", 120));
}

TEST_CASE("of two writers with one ETag exactly one wins", "[control]") {
  Gateway gateway;
  gateway.make("/backends/orders", backend());
  for (int round = 0; round < 20; ++round) {
    const std::string etag = gateway.get("/backends/orders").etag;
    std::array<std::uint16_t, 2> statuses{};
    std::barrier start(2);
    {
      std::array<std::jthread, 2> writers;
      for (std::size_t at = 0; at < 2; ++at) {
        writers[at] = std::jthread([&, at] {
          start.arrive_and_wait();
          statuses[at] = gateway.patch("/backends/orders", {{"title", std::to_string(at)}}, etag).status;
        });
      }
    }
    std::ranges::sort(statuses);
    CHECK(statuses == std::array<std::uint16_t, 2>{200, 412});
  }
}

TEST_CASE("a backend of the configuration file is shown with its secrets masked, and read-only", "[control]") {
  Gateway gateway(R"({ "listeners": [{ "address": "127.0.0.1:0" }],
    "backends": [{ "id": "orders", "url": "http://127.0.0.1:8080/v2", "title": "Orders" }] })");
  const Reply shown = gateway.get("/backends/orders");
  CHECK(shown.status == 200);
  CHECK(shown.properties("url") == "http://127.0.0.1:8080/v2");
  CHECK(gateway.put("/backends/orders", backend()).status == 409);
  CHECK(gateway.patch("/backends/orders", {{"title", "x"}}).status == 409);
  CHECK(gateway.remove("/backends/orders").status == 409);
  CHECK(gateway.get("/backends").body["count"] == 1);
}

TEST_CASE("a store that cannot be written is said so, and nothing is in force", "[control]") {
  Gateway gateway;
  gateway.store.fail_commits(StoreError{.kind = StoreError::Kind::full, .detail = "disk full"});
  CHECK(gateway.put("/backends/b", backend()).status == 507);
  gateway.store.fail_commits(StoreError{.kind = StoreError::Kind::unavailable, .detail = "read-only"});
  CHECK(gateway.put("/backends/b", backend()).status == 503);
  gateway.store.fail_commits(StoreError{.kind = StoreError::Kind::conflict, .detail = "x"});
  CHECK(gateway.put("/backends/b", backend()).status == 409);
  gateway.store.fail_commits(StoreError{.kind = StoreError::Kind::too_large, .detail = "x"});
  CHECK(gateway.put("/backends/b", backend()).status == 400);  // the caller's fault: clients try a 5xx again
  gateway.store.fail_commits(std::nullopt);
  CHECK(gateway.get("/backends/b").status == 404);
  CHECK(gateway.put("/backends/b", backend()).status == 201);
}
