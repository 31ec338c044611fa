// SPDX-License-Identifier: GPL-3.0-or-later
// Backends in the file beyond address and TLS: credentials, circuit breakers, pools.
#include <catch2/catch_test_macros.hpp>
#include <chrono>
#include <string>
#include <vector>

#include "signet/config/load.h"

using namespace signet;
using namespace signet::config;
using namespace std::chrono_literals;

namespace {

std::string file_with(const std::string& backend) {
  return R"({ "listeners": [{ "address": "127.0.0.1:8080" }], "backends": [{ "id": "a", )" + backend + " }] }";
}

/// The only error of a backend with these settings, from its pointer on.
std::string error_of(const std::string& settings) {
  const Report report = parse_config("x.json", file_with(settings)).report;
  if (report.errors.size() != 1) {
    return std::to_string(report.errors.size()) + " errors" + (report.errors.empty() ? "" : "; first " + report.errors.front().text());
  }
  return report.errors.front().source.pointer.substr(std::string("/backends/0").size()) + ": " + report.errors.front().message;
}

std::string error_of_single(const std::string& settings) {
  return error_of(R"("url": "https://a.example", )" + settings);
}

Backend read(const std::string& settings) {
  Loaded loaded = parse_config("x.json", file_with(settings));
  for (const Problem& problem : loaded.report.errors) {
    FAIL_CHECK(problem.text());
  }
  REQUIRE(loaded.config.has_value());
  return std::move(loaded.config->backends.at(0));
}

Backend read_single(const std::string& settings) {
  return read(R"("url": "https://a.example", )" + settings);
}

std::string breaker(const std::string& condition, const std::string& rest = R"("tripDuration": "1m")") {
  return R"("circuitBreaker": { "rules": [{ "failureCondition": { )" + condition + " }, " + rest + " }] }";
}

std::string pool(const std::string& services) {
  return R"("type": "Pool", "pool": { "services": [)" + services + "] }";
}

const std::string full_prefix =
    "/subscriptions/6b1c0b9e-0000-0000-0000-000000000000/resourceGroups/rg/providers/Microsoft.ApiManagement/service/gw";

}  // namespace

TEST_CASE("credentials of a back end arrive in the configuration", "[config]") {
  const Backend backend = read_single(R"("resourceId": "https://portal.example/app", "credentials": {
      "query": { "sv": ["xx", "bb"], "empty": [] },
      "header": { "X-Key": ["one", ""], "X-Other": ["two"] },
      "authorization": { "scheme": "Basic", "parameter": "opensesma" } })");
  CHECK(backend.resource_id == "https://portal.example/app");
  REQUIRE(backend.credentials.query.size() == 1);
  CHECK(backend.credentials.query[0].name == "sv");
  CHECK(backend.credentials.query[0].values == std::vector<std::string>{"xx", "bb"});
  REQUIRE(backend.credentials.header.size() == 2);
  CHECK(backend.credentials.header[0].name == "X-Key");
  CHECK(backend.credentials.header[0].values == std::vector<std::string>{"one", ""});
  CHECK(backend.credentials.header[1].name == "X-Other");
  REQUIRE(backend.credentials.authorization.has_value());
  CHECK(backend.credentials.authorization->scheme == "Basic");
  CHECK(backend.credentials.authorization->parameter == "opensesma");
}

TEST_CASE("a secret in the file is warned about, because others may read the file", "[config]") {
  const auto warnings = [](const std::string& credentials) {
    return parse_config("x.json", file_with(R"("url": "https://a.example", "credentials": { )" + credentials + " }"))
        .report.warnings.size();
  };
  CHECK(warnings("") == 0);
  CHECK(warnings(R"("certificateIds": [])") == 0);
  CHECK(warnings(R"("header": { "a": ["b"] })") == 1);
  CHECK(warnings(R"("query": { "a": ["b"] })") == 1);
  CHECK(warnings(R"("authorization": { "scheme": "a", "parameter": "b" })") == 1);
}

TEST_CASE("header fields and query parameters of credentials are checked", "[config]") {
  const auto header = [](const std::string& name, const std::string& value = R"(["v"])") {
    return error_of_single(R"("credentials": { "header": { ")" + name + "\": " + value + " } }");
  };
  CHECK(header("X-Key") == "0 errors");
  for (const char* name : {"", "a b", "a:b", "a\\u0000b", "\xc3\xbc"}) {
    CAPTURE(name);
    CHECK(header(name).find("expected the name of a header field") != std::string::npos);
  }
  for (const char* name : {"Content-Length", "transfer-encoding", "CONNECTION", "Keep-Alive", "Proxy-Connection", "TE", "Trailer",
                           "Upgrade", "Expect", "Proxy-Authorization"}) {
    CAPTURE(name);
    CHECK(header(name).ends_with("expected none of the header fields that belong to a connection or to a message's framing"));
  }
  CHECK(header("host").find("hostHeader decides") != std::string::npos);
  CHECK(header("Content_Length").find("expected \"-\"") != std::string::npos);
  for (const char* value : {"a\\r\\nb", "a\\u0000", " a", "a ", "\\ta", "\\u007f"}) {
    CAPTURE(value);
    CHECK(header("X-Key", std::string("[\"") + value + "\"]")
              .starts_with("/credentials/header/X-Key/0: expected a text of at most 4096 bytes"));
  }
  CHECK(header("X-Key", "[\"" + std::string(4096, 'a') + "\"]") == "0 errors");
  CHECK(header("X-Key", "[\"" + std::string(4097, 'a') + "\"]").find("at most 4096 bytes") != std::string::npos);
  CHECK(error_of_single(R"("credentials": { "header": { "X-A": ["1"], "x-a": ["2"] } })").find("a second time") != std::string::npos);
  CHECK(error_of_single(R"("credentials": { "query": { "a": ["1"], "A": ["2"] } })") == "0 errors");
  CHECK(error_of_single(R"("credentials": { "query": { "a": ["1"], "a": ["2"] } })").find("a second time") != std::string::npos);
  CHECK(error_of_single(R"("credentials": { "query": { "": ["1"] } })").find("expected the name of a query parameter") !=
        std::string::npos);
  CHECK(error_of_single(R"("credentials": { "query": { "a": ["\n"] } })").find("without control characters") != std::string::npos);
}

TEST_CASE("authorization has scheme and parameter, and stands in one place", "[config]") {
  const auto refusal = [](const std::string& text) { return error_of_single(R"("credentials": { "authorization": )" + text + " }"); };
  CHECK(refusal(R"({ "scheme": "Basic" })") == "/credentials/authorization: \"parameter\" is missing");
  CHECK(refusal(R"({ "parameter": "Basic" })") == "/credentials/authorization: \"scheme\" is missing");
  CHECK(refusal(R"({ "scheme": "a b", "parameter": "c" })").find("/scheme: expected the name of an authentication scheme") !=
        std::string::npos);
  CHECK(refusal(R"({ "scheme": "a", "parameter": "c\n" })").find("/parameter: expected a text without control") != std::string::npos);
  CHECK(refusal("{ \"scheme\": \"a\", \"parameter\": \"" + std::string(300, 'p') + "\" }") == "0 errors");
  CHECK(refusal("{ \"scheme\": \"a\", \"parameter\": \"" + std::string(301, 'p') + "\" }").find("1 to 300 characters") !=
        std::string::npos);
  CHECK(error_of_single(R"("credentials": { "header": { "AUTHORIZATION": ["x"] },
                                            "authorization": { "scheme": "a", "parameter": "b" } })")
            .ends_with("not both"));
}

TEST_CASE("no message shows a value of credentials, whatever is wrong with it", "[config]") {
  for (const char* credentials : {
           R"("header": "hunter2")",
           R"("header": ["hunter2"])",
           R"("header": { "X-Key": "hunter2" })",
           R"("header": { "X-Key": [["hunter2"]] })",
           R"("header": { "X-Key": ["hunter2\n"] })",
           R"("header": { "X-Key": { "hunter2": "hunter2" } })",
           R"("query": { "sig": "hunter2" })",
           R"("query": "hunter2")",
           R"("authorization": "Bearer hunter2")",
           R"("authorization": { "scheme": ["hunter2"], "parameter": { "hunter2": "hunter2" } })",
           R"("authorization": { "scheme": "Basic hunter2", "parameter": "hunter2\u0000" })",
       }) {
    CAPTURE(credentials);
    const Report report =
        parse_config("x.json", file_with(R"("url": "https://a.example", "credentials": { )" + std::string(credentials) + " }")).report;
    CHECK_FALSE(report.errors.empty());
    for (const std::vector<Problem>& problems : {report.errors, report.warnings}) {
      for (const Problem& problem : problems) {
        CHECK(problem.text().find("hunter2") == std::string::npos);
      }
    }
  }
}

TEST_CASE("certificates are named by id or by resource id", "[config]") {
  const auto ids = [](const std::string& id) {
    return read_single(R"("credentials": { "certificateIds": [")" + id + "\"] }").credentials.certificate_ids.at(0).value;
  };
  CHECK(ids("c") == "c");
  CHECK(ids("/certificates/c") == "c");
  CHECK(ids(full_prefix + "/certificates/c") == "c");
  CHECK(ids("/SUBSCRIPTIONS/x/resourcegroups/y/Providers/microsoft.apimanagement/Service/z/Certificates/C") == "C");
  const auto refusal = [](const std::string& id) { return error_of_single(R"("credentials": { "certificateIds": [")" + id + "\"] }"); };
  for (const std::string& id :
       {std::string("/c"), std::string("/backends/c"), full_prefix + "/backends/c", full_prefix, full_prefix + "/certificates/",
        full_prefix + "/workspaces/w/certificates/c", std::string("/a") + full_prefix + "/certificates/c"}) {
    CAPTURE(id);
    CHECK(refusal(id).starts_with("/credentials/certificateIds/0: expected an id, or the resource id"));
  }
  CHECK(read_single(R"("credentials": { "certificateIds": [], "certificate": [] })").credentials.certificate_ids.empty());
}

TEST_CASE("a circuit breaker arrives in the configuration", "[config]") {
  const Backend backend = read_single(breaker(
      R"("count": 3, "interval": "PT1H", "errorReasons": ["Server errors"],
          "statusCodeRanges": [{ "min": 500, "max": 599 }, { "min": 429, "max": 429 }])",
      R"("name": "r", "tripDuration": "P1D", "acceptRetryAfter": true)"));
  REQUIRE(backend.circuit_breaker.size() == 1);
  const CircuitBreakerRule& rule = backend.circuit_breaker[0];
  CHECK(rule.name == "r");
  CHECK(rule.failures_max == 3);
  CHECK(rule.percentage == 0);
  CHECK(rule.interval == 1h);
  REQUIRE(rule.statuses.size() == 2);
  CHECK(rule.statuses[0].min == 500);
  CHECK(rule.statuses[0].max == 599);
  CHECK(rule.error_reasons == std::vector<std::string>{"Server errors"});
  CHECK(rule.trip_duration == 24h);
  CHECK(rule.accept_retry_after);
  const CircuitBreakerRule other =
      read_single(breaker(R"("percentage": 50, "interval": "10s", "errorReasons": ["x"])")).circuit_breaker.at(0);
  CHECK(other.failures_max == 0);
  CHECK(other.percentage == 50);
  CHECK_FALSE(other.accept_retry_after);
  CHECK(read_single(R"("circuitBreaker": { "rules": [] })").circuit_breaker.empty());
}

TEST_CASE("a circuit breaker's rule says what counts, how often, how long, within the service's limits", "[config]") {
  const auto refusal = [](const std::string& condition) { return error_of_single(breaker(condition)); };
  CHECK(refusal(R"("interval": "10s", "errorReasons": ["x"])").ends_with("expected either count or percentage"));
  CHECK(refusal(R"("count": 1, "percentage": 1, "interval": "10s", "errorReasons": ["x"])")
            .ends_with("/failureCondition/percentage: expected either count or percentage"));
  CHECK(refusal(R"("count": 0, "interval": "10s", "errorReasons": ["x"])").find("from 1 to 10000, found 0") != std::string::npos);
  CHECK(refusal(R"("percentage": 101, "interval": "10s", "errorReasons": ["x"])").find("from 1 to 100, found 101") != std::string::npos);
  CHECK(refusal(R"("count": 1, "errorReasons": ["x"])").ends_with("\"interval\" is missing"));
  CHECK(
      refusal(R"("count": 1, "interval": "PT0.5S", "errorReasons": ["x"])").ends_with("expected a time from 1s to 168h, found \"PT0.5S\""));
  CHECK(refusal(R"("count": 1, "interval": "1500ms", "errorReasons": ["x"])").ends_with("expected a time of whole seconds"));
  CHECK(refusal(R"("count": 1, "interval": "10s")").ends_with("expected statusCodeRanges, errorReasons or both: what counts as a failure"));
  const auto range = [&](const std::string& text) {
    return refusal(R"("count": 1, "interval": "10s", "statusCodeRanges": [)" + text + "]");
  };
  CHECK(range(R"({ "min": 500, "max": 499 })").ends_with("/statusCodeRanges/0/min: min is above max: 500 and 499"));
  CHECK(range(R"({ "min": 199, "max": 500 })").find("from 200 to 599, found 199") != std::string::npos);
  CHECK(range(R"({ "min": 500, "max": 600 })").find("from 200 to 599, found 600") != std::string::npos);
  CHECK(range(R"({ "min": 500 })").ends_with("\"max\" is missing"));
  std::string eleven;
  for (int i = 0; i < 11; ++i) {
    eleven += std::string(i == 0 ? "" : ", ") + R"({ "min": 500, "max": 599 })";
  }
  CHECK(range(eleven).find("expected no more than 10 ranges, found 11") != std::string::npos);
  CHECK(error_of_single(breaker(R"("count": 1, "interval": "10s", "errorReasons": ["x"])", R"("name": "r")"))
            .ends_with("\"tripDuration\" is missing"));
  const std::string rule = R"({ "failureCondition": { "count": 1, "interval": "10s", "errorReasons": ["x"] }, "tripDuration": "1m" })";
  CHECK(error_of_single(R"("circuitBreaker": { "rules": [)" + rule + ", " + rule + "] }")
            .ends_with("/circuitBreaker/rules: expected no more than one rule, found 2"));
}

TEST_CASE("a pool arrives in the configuration", "[config]") {
  const Backend backend =
      read(pool(R"({ "id": "b" }, { "id": "/backends/c", "weight": 3, "priority": 2 }, { "id": ")" + full_prefix + R"(/backends/d" })"));
  CHECK(backend.type == BackendType::pool);
  REQUIRE(backend.pool.size() == 3);
  CHECK(backend.pool[0].backend_id.value == "b");
  CHECK(backend.pool[0].weight == 1);
  CHECK(backend.pool[0].priority == 0);
  CHECK(backend.pool[1].backend_id.value == "c");
  CHECK(backend.pool[1].backend_id.source.pointer == "/backends/0/pool/services/1/id");
  CHECK(backend.pool[1].weight == 3);
  CHECK(backend.pool[1].priority == 2);
  CHECK(backend.pool[2].backend_id.value == "d");
}

TEST_CASE("a pool has 1 to 30 members, each once, and nothing of its own", "[config]") {
  CHECK(error_of(R"("type": "Pool")") == ": \"pool\" is missing");
  CHECK(error_of(pool("")) == "/pool/services: expected 1 to 30 members, found 0");
  CHECK(error_of(R"("type": "Pool", "pool": {})") == "/pool: expected 1 to 30 members, found 0");
  CHECK(error_of(pool(R"({ "weight": 1 })")) == "/pool/services/0: \"id\" is missing");
  CHECK(error_of(pool(R"({ "id": "b" }, { "id": "/backends/b" })")).ends_with("another member of this pool is the same backend"));
  CHECK(error_of(pool(R"({ "id": "/certificates/b" })")).find("expected an id, or the resource id") != std::string::npos);
  CHECK(error_of(pool(R"({ "id": "b", "weight": 101 })")).find("from 0 to 100, found 101") != std::string::npos);
  CHECK(error_of(pool(R"({ "id": "b", "priority": 101 })")).find("from 0 to 100, found 101") != std::string::npos);
  std::string many;
  for (int i = 0; i < 31; ++i) {
    many += std::string(i == 0 ? "" : ", ") + R"({ "id": "b)" + std::to_string(i) + "\" }";
  }
  CHECK(error_of(pool(many)).ends_with("expected 1 to 30 members, found 31"));
  for (const char* setting : {R"("credentials": {})", R"("tls": {})", R"("hostHeader": "caller")", R"("connections": {})",
                              R"("timeouts": {})", R"("replayBufferBytes": 0)", R"("circuitBreaker": {})"}) {
    CAPTURE(setting);
    CHECK(error_of(pool(R"({ "id": "b" })") + ", " + setting).ends_with("a pool has no such setting: expected it at the pool's members"));
  }
  CHECK(error_of_single(R"("pool": { "services": [{ "id": "b" }] })") == R"(/pool: expected it only with "type": "Pool")");
  CHECK(error_of(R"("type": "pool", "url": "https://a.example")") == R"(/type: expected one of "Single", "Pool", found "pool")");
}

TEST_CASE("a pool's URL, which older tools send, is passed over with a warning", "[config]") {
  const Loaded loaded = parse_config("x.json", file_with(pool(R"({ "id": "b" })") + R"(, "url": "https://a.example", "protocol": "http")"));
  REQUIRE(loaded.config.has_value());
  CHECK(loaded.config->backends.at(0).url.host.empty());
  CHECK(loaded.report.warnings.size() == 2);
}

TEST_CASE("sizes are counted in characters, as the service does", "[config]") {
  std::string title;
  for (int i = 0; i < 300; ++i) {
    title += "\xe8\xaf\x81";
  }
  CHECK(error_of_single("\"title\": \"" + title + "\"") == "0 errors");
  CHECK(error_of_single("\"title\": \"" + title + "a\"").ends_with("expected a text of 0 to 300 characters, found 301"));
}
