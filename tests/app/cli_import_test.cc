// SPDX-License-Identifier: GPL-3.0-or-later
#include <algorithm>
#include <catch2/catch_test_macros.hpp>
#include <string>

#include "app/cli/arm_expression.h"
#include "app/cli/failure.h"
#include "app/cli/import_mapping.h"

namespace signet::app::cli {

namespace {

Evaluated value_of(const char* text) {
  const ArmScope scope{.parameters = json::parse(R"({"name": "orders", "list": [1, 2], "object": {"Deep": {"x": "y"}}})"),
                       .variables = json::parse(R"({"path": "[concat(parameters('name'), '/v2')]", "loop": "[variables('loop')]"})")};
  return evaluate(text, scope);
}

bool noted(const Imported& imported, const std::string& object, const std::string& text) {
  return std::ranges::any_of(imported.notes, [&](const ImportNote& note) {
    return note.object.find(object) != std::string::npos && note.text.find(text) != std::string::npos;
  });
}

Imported import_of(const char* text, const json& parameters = nullptr) {
  return import_document(json::parse(text), parameters);
}

}  // namespace

TEST_CASE("ARM expressions: the simple ones are carried out", "[cli]") {
  CHECK(value_of("plain").value == "plain");
  CHECK(value_of("[[escaped]").value == "[escaped]");
  CHECK(value_of("[parameters('NAME')]").value == "orders");
  CHECK(value_of("[variables('path')]").value == "orders/v2");
  CHECK(value_of("[concat('it''s', ' ', 1)]").value == "it's 1");
  CHECK(value_of("[format('{0}/{1}{{}}', parameters('name'), 'x')]").value == "orders/x{}");
  CHECK(value_of("[toUpper(parameters('object').deep['x'])]").value == "Y");
  CHECK(value_of("[parameters('list')[1]]").value == 2);
  CHECK(value_of("[resourceId('Microsoft.ApiManagement/service/certificates', 's', 'c')]").value ==
        "/providers/Microsoft.ApiManagement/service/s/certificates/c");
}

TEST_CASE("ARM expressions: what is not known is told, never guessed", "[cli]") {
  for (const char* const text :
       {"[parameters('none')]", "[concat('a', parameters('none'))]", "[guid('x')]", "[parameters('object').none]", "[concat('a']",
        "[variables('loop')]", "[format('{0:D3}', 1)]", "[parameters('list')[7]]", "[parameters('x').y.z]"}) {
    INFO(text);
    CHECK_FALSE(value_of(text).unknown.empty());
  }
  std::string deep = "[";
  for (int level = 0; level < 100'000; ++level) {
    deep += "concat(";
  }
  CHECK_FALSE(value_of((deep + "]").c_str()).unknown.empty());
}

TEST_CASE("Import: nested resources and names by expressions find their place", "[cli]") {
  const Imported imported = import_of(R"({
    "parameters": {"service": {"type": "string"}},
    "resources": [{
      "type": "Microsoft.ApiManagement/service/apis", "name": "[format('{0}/{1}', parameters('service'), 'orders')]",
      "properties": {"path": "orders", "displayName": "Orders", "serviceUrl": "https://x.example"},
      "resources": [
        {"type": "operations", "name": "get", "properties": {"displayName": "Get", "method": "GET", "urlTemplate": "/"},
         "resources": [{"type": "policies", "name": "policy", "properties": {"format": "xml", "value": "<policies />"}}]}
      ]}]})");
  CHECK(imported.notes.empty());
  CHECK(imported.desired.objects.contains({"apis", "orders"}));
  CHECK(imported.desired.objects.contains({"apis", "orders", "operations", "get"}));
  CHECK(imported.desired.objects.contains({"apis", "orders", "operations", "get", "policies", "policy"}));
}

TEST_CASE("Import: what lowers protection, and what cannot be, is told", "[cli]") {
  const Imported imported = import_of(R"([
    {"id": "/x/service/s/apis/a", "name": "a", "path": "a", "subscriptionRequired": true,
     "authenticationSettings": {"oAuth2": {"id": "o"}}},
    {"id": "/x/service/s/apis/a;rev=2", "name": "a;rev=2", "path": "a", "isCurrent": false},
    {"id": "/x/service/s/apis/w", "name": "w", "path": "w", "type": "websocket"},
    {"id": "/x/service/s/apis/w/operations/o", "name": "o", "method": "GET", "urlTemplate": "/"},
    {"id": "/x/service/s/apis/a/policies/policy", "name": "policy", "format": "rawxml-link", "value": "https://x.example/p.xml"},
    {"id": "/x/service/s/loggers/l", "name": "l"},
    {"id": "/x/service/s/certificates/c", "name": "c", "thumbprint": "ab"},
    {"id": "/x/service/s/backends/b", "name": "b", "url": "https://x.example", "proxy": {"url": "http://p.example"}, "title": null}
  ])");
  CHECK(noted(imported, "API a", "subscription key"));
  CHECK(noted(imported, "API a", "authenticationSettings"));
  CHECK(noted(imported, "API a;rev=2", "revision"));
  CHECK(noted(imported, "API w", "websocket"));
  CHECK(noted(imported, "operation w/o", "its API is not"));
  CHECK(noted(imported, "policy of API a", "link"));
  CHECK(noted(imported, "loggers/l", "there are no loggers here"));
  CHECK(noted(imported, "backend b", "proxy"));
  REQUIRE(imported.needed.size() == 1);
  CHECK(imported.needed[0].thumbprint == "AB");
  CHECK(imported.desired.objects.size() == 2);
  CHECK_FALSE(imported.desired.objects.at({"apis", "a"}).contains("subscriptionRequired"));
}

TEST_CASE("Import: named values are put into policies if they are told", "[cli]") {
  const Imported imported = import_of(R"({"namedValues": [{"name": "v", "displayName": "verb", "value": "PUT", "secret": false},
                                                          {"name": "key", "displayName": "key", "secret": true}],
    "apis": [{"name": "a", "path": "a"}, {"name": "b", "path": "b"}],
    "policies": [{"id": "/x/service/s/apis/a/policies/policy", "properties":
                  {"value": "<policies><inbound><set-method>{{verb}}</set-method><set-method>{{verb}}</set-method></inbound></policies>"}},
                 {"id": "/x/service/s/apis/b/policies/policy", "properties": {"value": "<policies>{{key}}</policies>"}}]})");
  CHECK(imported.desired.objects.at({"apis", "a", "policies", "policy"})["value"] ==
        "<policies><inbound><set-method>PUT</set-method><set-method>PUT</set-method></inbound></policies>");
  CHECK_FALSE(imported.desired.objects.contains({"apis", "b", "policies", "policy"}));
  CHECK(noted(imported, "policy of API b", "named value key"));
}

TEST_CASE("Import: a policy that cannot be here is left out, with its place in the document", "[cli]") {
  const Imported imported = import_of(R"([{"id": "/x/service/s/policies/policy",
                                           "properties": {"value": "<policies><inbound><validate-jwt /></inbound></policies>"}}])");
  CHECK(imported.desired.objects.empty());
  CHECK(noted(imported, "global policy", "Error in element 'validate-jwt' on line 1"));
}

TEST_CASE("Import: a parameters file gives what the template does not", "[cli]") {
  const char* const text = R"({"parameters": {"url": {"type": "string"}}, "resources": [
      {"type": "Microsoft.ApiManagement/service/backends", "name": "s/b",
       "properties": {"url": "[parameters('url')]", "protocol": "http"}}]})";
  CHECK(noted(import_of(text), "backend b", "parameters('url')"));
  const Imported imported = import_of(text, json::parse(R"({"parameters": {"url": {"value": "https://x.example"}}})"));
  CHECK(imported.notes.empty());
  CHECK(imported.desired.objects.at({"backends", "b"})["url"] == "https://x.example");
}

TEST_CASE("Import: a document of another kind is refused", "[cli]") {
  for (const char* const text : {"{}", "[]", "3", R"({"resources": []})", R"([{"name": "x"}])"}) {
    CHECK_THROWS_AS(import_of(text), Failure);
  }
}

}  // namespace signet::app::cli
