// SPDX-License-Identifier: GPL-3.0-or-later
#include "control/admin_fixture.h"

using namespace signet;
using namespace signet::control;
using namespace signet::control::test;

namespace {

const json orders{{"displayName", "Orders"}, {"path", "orders"}, {"serviceUrl", "http://127.0.0.1:8080"}};
const json get_order{{"displayName", "Get"}, {"method", "GET"}, {"urlTemplate", "/{id}"}};
constexpr std::string_view document = "<policies><inbound><base /></inbound></policies>";

json policy(std::string_view text = document) {
  return {{"format", "xml"}, {"value", text}};
}

}  // namespace

TEST_CASE("an API is made, answered as the service does, patched and deleted with all that belongs to it", "[control]") {
  Gateway gateway;
  const Reply made = gateway.put("/apis/orders", orders);
  INFO(made.text);
  REQUIRE(made.status == 201);
  CHECK(made.body["type"] == "Microsoft.ApiManagement/service/apis");
  CHECK(made.properties("apiRevision") == "1");
  CHECK(made.properties("isCurrent") == true);
  CHECK(made.properties("subscriptionRequired") == false);
  CHECK(made.properties("protocols") == json::array({"http", "https"}));
  CHECK(gateway.reconciler->view()->snapshot->route("", "/orders/1") != nullptr);
  CHECK(gateway.get("/apis/orders;rev=1").body == made.body);
  CHECK(gateway.get("/apis/orders;rev=2").status == 404);

  CHECK(gateway.put("/apis/orders", gateway.get("/apis/orders").body["properties"]).status == 200);
  CHECK(gateway.patch("/apis/orders", {{"displayName", "More orders"}}).properties("path") == "orders");
  CHECK(gateway.put("/apis/other", orders).status == 400);
  json subscription = orders;
  subscription["subscriptionRequired"] = true;
  CHECK(gateway.put("/apis/orders", subscription).target() == "subscriptionRequired");

  gateway.make("/apis/orders/operations/get", get_order);
  gateway.make("/apis/orders-more", {{"displayName", "More"}, {"path", "more"}, {"serviceUrl", "http://127.0.0.1:8080"}});
  CHECK(gateway.call("DELETE", "/apis/orders?deleteRevisions=true", {}, "*").status == 200);
  CHECK(gateway.get("/apis/orders/operations").status == 404);
  CHECK(gateway.get("/apis/orders-more").status == 200);
  CHECK(gateway.store.list("apis/orders/")->empty());
  CHECK(gateway.reconciler->view()->snapshot->route("", "/orders/1") == nullptr);
}

TEST_CASE("operations belong to an API", "[control]") {
  Gateway gateway;
  CHECK(gateway.put("/apis/orders/operations/get", get_order).status == 404);
  CHECK(gateway.get("/apis/orders/operations").body["error"]["message"] == "API not found.");
  gateway.make("/apis/orders", orders);
  const Reply made = gateway.put("/apis/orders/operations/get", get_order);
  INFO(made.text);
  REQUIRE(made.status == 201);
  CHECK(made.body["type"] == "Microsoft.ApiManagement/service/apis/operations");
  CHECK(made.body["id"].get<std::string>().ends_with("/apis/orders/operations/get"));
  CHECK(gateway.get("/apis/orders/operations").body["count"] == 1);
  const Reply patched = gateway.patch("/apis/orders/operations/get", {{"displayName", "Read"}}, made.etag);
  CHECK(patched.properties("displayName") == "Read");
  CHECK(patched.properties("method") == "GET");
  CHECK(gateway.remove("/apis/orders/operations/get", made.etag).status == 412);
  CHECK(gateway.remove("/apis/orders/operations/get", patched.etag).status == 200);
  CHECK(gateway.remove("/apis/orders/operations/get").status == 204);
}

TEST_CASE("policies of three scopes are kept, and shown in the form asked for", "[control]") {
  Gateway gateway;
  gateway.make("/apis/orders", orders);
  gateway.make("/apis/orders/operations/get", get_order);
  for (const std::string scope : {"", "/apis/orders", "/apis/orders/operations/get"}) {
    INFO(scope);
    const std::string path = scope + "/policies/policy";
    CHECK(gateway.get(path).status == 404);
    CHECK(gateway.get(scope + "/policies").body["count"] == 0);
    const Reply made = gateway.put(path, policy());
    INFO(made.text);
    CHECK(made.status == 201);
    CHECK(made.body["name"] == "policy");
    CHECK(made.body["type"].get<std::string>().ends_with("/policies"));
    CHECK(gateway.put(path, policy()).status == 200);
    const Reply shown = gateway.get(path + "?format=rawxml");
    CHECK(shown.properties("value") == document);
    CHECK(shown.properties("format") == "rawxml");
    CHECK(shown.body.contains("properties.value") == (scope == "/apis/orders"));
    CHECK(gateway.call("HEAD", path).etag == shown.etag);
    CHECK(gateway.get(scope + "/policies").body["count"] == 1);
    CHECK(gateway.get(path + "?format=json").status == 400);
    CHECK(gateway.remove(path).status == 200);
    CHECK(gateway.remove(path).status == 204);
  }
  CHECK(gateway.put("/apis/none/policies/policy", policy()).status == 404);
  CHECK(gateway.put("/apis/orders/operations/none/policies/policy", policy()).status == 404);
  CHECK(gateway.get("/policies/other").status == 404);
}

TEST_CASE("a policy for one API goes with an operation or an API", "[control]") {
  Gateway gateway;
  gateway.make("/apis/orders", orders);
  gateway.make("/apis/orders/operations/get", get_order);
  gateway.make("/apis/orders/operations/get/policies/policy", policy());
  CHECK(gateway.remove("/apis/orders/operations/get").status == 200);
  CHECK(gateway.store.list("apis/orders/")->empty());
}

TEST_CASE("a policy body is looked at before anything is written", "[control]") {
  Gateway gateway;
  CHECK(gateway.put("/policies/policy", json::object()).target() == "value");
  CHECK(gateway.put("/policies/policy", {{"value", 7}}).target() == "value");
  CHECK(gateway.put("/policies/policy", {{"format", "xml-link"}, {"value", "x"}}).target() == "format");
  CHECK(gateway.put("/policies/policy", policy(std::string(300'000, 'x'))).status == 400);
  const json dotted{{"properties.value", document}, {"properties.format", "rawxml"}};
  CHECK(gateway.call("PUT", "/policies/policy", dotted.dump()).status == 201);
  CHECK(gateway.get("/policies/policy").properties("value") == document);
}

TEST_CASE("APIs of the configuration file, and what belongs to them, are read-only", "[control]") {
  Gateway gateway(R"({ "listeners": [{ "address": "127.0.0.1:0" }],
    "apis": [{ "id": "legacy", "path": "legacy", "serviceUrl": "http://127.0.0.1:8080" }] })");
  const Reply shown = gateway.get("/apis/legacy");
  CHECK(shown.status == 200);
  CHECK(shown.properties("displayName") == "legacy");
  CHECK(shown.properties("serviceUrl") == "http://127.0.0.1:8080");
  CHECK(gateway.put("/apis/legacy", orders).status == 409);
  CHECK(gateway.remove("/apis/legacy").status == 409);
  CHECK(gateway.put("/apis/legacy/operations/get", get_order).status == 409);
  CHECK(gateway.put("/apis/legacy/policies/policy", policy()).status == 409);
  gateway.make("/apis/orders", orders);
  CHECK(gateway.get("/apis").body["count"] == 2);
}
