// SPDX-License-Identifier: GPL-3.0-or-later
#include "signet/config/resources.h"

#include <algorithm>
#include <catch2/catch_test_macros.hpp>
#include <string>
#include <vector>

using namespace signet;
using namespace signet::config;

namespace {

std::string joined(const Report& report) {
  std::string text;
  for (const Problem& problem : report.errors) {
    text += (text.empty() ? "" : "\n") + problem.text();
  }
  return text;
}

std::string errors_of_backend(std::string_view properties) {
  Report report;
  (void)parse_backend("b", properties, report);
  return joined(report);
}

std::string errors_of_api(std::string_view properties) {
  Report report;
  (void)parse_api("orders", properties, report);
  return joined(report);
}

std::string errors_of_operation(std::string_view properties) {
  Report report;
  (void)parse_operation("orders", "get", properties, report);
  return joined(report);
}

}  // namespace

TEST_CASE("an error in a resource has the resource's key and the property for a place, and no line", "[config]") {
  CHECK(errors_of_backend(R"({ "url": "https://a.example", "protocol": "http", "tls": { "serverName": "a b" } })")
            .starts_with("/backends/b/tls/serverName: expected a DNS name"));
  CHECK(errors_of_api(R"({ "path": "a/../b" })").starts_with("/apis/orders/path: expected a path"));
  CHECK(errors_of_operation(R"({ "displayName": "g", "method": "G T", "urlTemplate": "/" })") ==
        "/apis/orders/operations/get/method: expected a method such as \"GET\"");
  CHECK(errors_of_backend("[]") == "/backends/b: expected an object");
  CHECK(errors_of_backend("{").starts_with("/backends/b: "));
}

TEST_CASE("a backend over REST needs url and protocol unless it is a pool", "[config]") {
  CHECK(errors_of_backend("{}") == "/backends/b: \"url\" is missing\n/backends/b: \"protocol\" is missing");
  CHECK(errors_of_backend(R"({ "url": "https://a.example", "protocol": "soap" })").empty());
  CHECK(errors_of_backend(R"({ "url": "https://a.example", "protocol": "ftp" })") ==
        R"(/backends/b/protocol: expected one of "http", "soap", found "ftp")");
  CHECK(errors_of_backend(R"({ "type": "Pool", "pool": { "services": [{ "id": "x" }] } })").empty());
  CHECK(errors_of_backend(R"({ "type": "Single", "url": "https://a.example", "protocol": "http" })").empty());
}

TEST_CASE("null and an empty list clear a property of a resource", "[config]") {
  Report report;
  const Backend backend =
      parse_backend("b", R"({ "url": "https://a.example", "protocol": "http", "title": null, "proxy": null, "pool": null,
      "credentials": { "certificateIds": [], "certificate": null, "header": { "X-A": null, "X-B": [] }, "query": null,
                       "authorization": null },
      "tls": { "validateCertificateChain": null, "serverX509Names": [], "serverCertificateThumbprints": null },
      "circuitBreaker": { "rules": [] } })",
                    report);
  CHECK(joined(report).empty());
  CHECK(report.warnings.empty());
  CHECK(backend.credentials.header.empty());
  CHECK(backend.tls.validate_certificate_chain);
  CHECK(backend.circuit_breaker.empty());
  CHECK(errors_of_backend(R"({ "url": null, "protocol": "http" })") == "/backends/b: \"url\" is missing");
  CHECK(errors_of_backend(R"({ "url": "https://a.example", "protocol": "http", "credentials": { "certificateIds": [null] } })") ==
        "/backends/b/credentials/certificateIds/0: expected a string, found null");
}

TEST_CASE("credentials of a resource are no reason for a warning: they rest encrypted", "[config]") {
  Report report;
  (void)parse_backend("b", R"({ "url": "https://a.example", "protocol": "http", "credentials": { "header": { "X-Key": ["s"] } } })",
                      report);
  CHECK(joined(report).empty());
  CHECK(report.warnings.empty());
}

TEST_CASE("the TLS switches of an http back end are passed over, as the service does", "[config]") {
  Report report;
  (void)parse_backend("b", R"({ "url": "http://a.example", "protocol": "http", "tls": { "validateCertificateChain": true } })", report);
  CHECK(joined(report).empty());
  CHECK(report.warnings.size() == 1);
}

TEST_CASE("a proxy, and a Service Fabric cluster, are refused and not passed over", "[config]") {
  CHECK(errors_of_backend(
            R"({ "url": "https://a.example", "protocol": "http", "proxy": { "url": "http://p.example", "password": "hunter2" } })") ==
        R"(/backends/b/proxy: "proxy" is not available in this version)");
  CHECK(errors_of_backend(R"({ "url": "https://a.example", "protocol": "http", "properties": { "serviceFabricCluster": {} } })") ==
        R"(/backends/b/properties: "properties" is not available in this version)");
}

TEST_CASE("an unknown property of a resource is an error with the nearest name", "[config]") {
  CHECK(errors_of_backend(R"({ "url": "https://a.example", "protocol": "http", "titel": "x" })") ==
        R"(/backends/b/titel: unknown setting "titel"; did you mean "title"?)");
  CHECK(errors_of_api(R"({ "path": "a", "servicUrl": "https://a.example" })") ==
        R"(/apis/orders/servicUrl: unknown setting "servicUrl"; did you mean "serviceUrl"?)");
  CHECK(errors_of_operation(R"({ "method": "GET", "urlTemplat": "/" })").find(R"(did you mean "urlTemplate"?)") != std::string::npos);
}

TEST_CASE("an API over REST may name no back end: its policy can", "[config]") {
  Report report;
  const Api none = parse_api("orders", R"({ "displayName": "Orders", "path": "orders" })", report);
  CHECK(joined(report).empty());
  CHECK(none.backend_id.value.empty());
  CHECK(none.service_url.value.empty());
  CHECK(none.display_name == "Orders");
  CHECK(errors_of_api(R"({ "path": "orders", "serviceUrl": "" })").empty());
  CHECK(errors_of_api(R"({ "path": "orders", "serviceUrl": null })").empty());
  CHECK(errors_of_api(R"({ "path": "orders", "serviceUrl": "x" })").starts_with("/apis/orders/serviceUrl: expected a URL"));
  CHECK(errors_of_api(R"({ "path": "orders", "serviceUrl": "https://a.example", "backendId": "b" })") ==
        "/apis/orders/serviceUrl: expected either backendId or serviceUrl");
  CHECK(errors_of_api("{}") == "/apis/orders: \"path\" is missing");
  const Api named = parse_api("orders", R"({ "path": "orders", "backendId": "/backends/b", "certificateId": "/certificates/c" })", report);
  CHECK(named.backend_id.value == "b");
  CHECK(named.certificate_id.value == "c");
}

TEST_CASE("what the service answers about an API is passed over when it comes back", "[config]") {
  CHECK(errors_of_api(R"({ "path": "orders", "displayName": "Orders", "serviceUrl": "https://a.example", "protocols": ["https"],
      "description": "d", "authenticationSettings": { "oAuth2": null, "openid": null, "oAuth2AuthenticationSettings": [] },
      "subscriptionKeyParameterNames": { "header": "k", "query": "q" }, "type": "http", "apiType": "http", "apiRevision": "1",
      "apiVersion": "", "isCurrent": true, "isOnline": true, "apiRevisionDescription": "", "apiVersionDescription": "",
      "apiVersionSetId": null, "subscriptionRequired": false, "termsOfServiceUrl": "https://a.example/terms",
      "contact": { "name": "n" }, "license": { "name": "l" }, "provisioningState": "Succeeded" })")
            .empty());
}

TEST_CASE("what would change something about an API, and cannot, is refused with a sentence", "[config]") {
  const auto refusal = [](const std::string& property) { return errors_of_api(R"({ "path": "orders", )" + property + " }"); };
  CHECK(refusal(R"("subscriptionRequired": true)") ==
        "/apis/orders/subscriptionRequired: subscriptions are not available in this version: expected false");
  CHECK(refusal(R"("type": "soap")") == "/apis/orders/type: expected \"http\": APIs of other types are not available in this version");
  CHECK(refusal(R"("apiType": "graphql")").starts_with("/apis/orders/apiType: expected \"http\""));
  CHECK(refusal(R"("protocols": ["wss"])") == R"(/apis/orders/protocols/0: expected one of "http", "https", found "wss")");
  CHECK(refusal(R"("authenticationSettings": { "oAuth2": { "authorizationServerId": "x" } })") ==
        "/apis/orders/authenticationSettings: authentication of callers is not available in this version: expected null");
  for (const std::string name : {"apiVersionSet", "apiVersionSetId", "format", "sourceApiId", "value", "wsdlSelector"}) {
    CHECK(refusal("\"" + name + "\": \"x\"") == "/apis/orders/" + name + ": \"" + name + "\" is not available in this version");
  }
}

TEST_CASE("protocols say which calls an API takes", "[config]") {
  struct Case {
    const char* properties;
    bool http;
    bool https;
  };
  for (const Case& c :
       {Case{R"({ "path": "a" })", true, true}, Case{R"({ "path": "a", "protocols": [] })", true, true},
        Case{R"({ "path": "a", "protocols": null })", true, true}, Case{R"({ "path": "a", "protocols": ["http"] })", true, false},
        Case{R"({ "path": "a", "protocols": ["https"] })", false, true},
        Case{R"({ "path": "a", "protocols": ["https", "http"] })", true, true}}) {
    CAPTURE(c.properties);
    Report report;
    const Api api = parse_api("a", c.properties, report);
    CHECK(report.ok());
    CHECK(api.takes_http == c.http);
    CHECK(api.takes_https == c.https);
  }
}

TEST_CASE("an operation over REST may carry its description in full", "[config]") {
  Report report;
  const Operation operation = parse_operation("orders", "get", R"({ "displayName": "Get", "method": "GET", "urlTemplate": "/{id}",
      "description": "d", "templateParameters": [{ "name": "id", "type": "string", "required": true, "values": [] }],
      "request": { "queryParameters": [], "headers": [], "representations": [] }, "responses": [{ "statusCode": 200 }],
      "policies": null })",
                                              report);
  CHECK(joined(report).empty());
  CHECK(operation.id == "get");
  CHECK(operation.method == "GET");
  CHECK(operation.url_template == "/{id}");
  CHECK(errors_of_operation(R"({ "method": "GET", "urlTemplate": "/", "policies": "<policies/>" })") ==
        R"(/apis/orders/operations/get/policies: "policies" is not available in this version)");
}

TEST_CASE("a resource's id is checked like one of the file", "[config]") {
  Report report;
  (void)parse_backend("a#b", R"({ "url": "https://a.example", "protocol": "http" })", report);
  CHECK(joined(report).find("expected an id of 1 to 80 characters") != std::string::npos);
}
