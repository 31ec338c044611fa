// SPDX-License-Identifier: GPL-3.0-or-later
#include "gateway/call_target.h"

#include <catch2/catch_test_macros.hpp>
#include <string>

#include "signet/config/snapshot.h"

namespace signet::gateway {

namespace {

/// Target for the back end of a call to /api… with `query`.
struct Target {
  config::Upstream upstream;
  config::Plan plan;
  config::Destination destination;
  config::TemplateValues values;

  std::string of(std::string_view path, std::optional<std::string_view> query) {
    const config::Route route{.api_id = "a", .path = "/api", .matched_length = 4};
    destination.upstream = &upstream;
    std::string out;
    append_call_target({.route = route, .plan = plan, .destination = destination, .path = path, .query = query, .values = values}, out);
    return out;
  }
};

}  // namespace

TEST_CASE("Without a policy a target is what it was", "[call_target]") {
  Target target;
  target.upstream.base_path = "/v2";
  CHECK(target.of("/api/x", "a=1&&b") == "/v2/x?a=1&&b");
  CHECK(target.of("/api/x", "") == "/v2/x?");
  CHECK(target.of("/api", std::nullopt) == "/v2");
}

TEST_CASE("A query parameter that a policy drops goes in every spelling", "[call_target]") {
  Target target;
  target.destination.query = {{.name = "api%20key", .drop = true, .if_absent = {}, .added = {"o%26"}}};
  for (const char* name : {"api%20key", "api+key", "API%20KEY", "%61pi%20ke%79", "%41pi%20key"}) {
    INFO(name);
    CHECK(target.of("/api/x", "a=1&" + std::string(name) + "=evil&b=2") == "/x?a=1&b=2&api%20key=o%26");
    CHECK(target.of("/api/x", std::string(name)) == "/x?api%20key=o%26");
  }
  CHECK(target.of("/api/x", "api%20keys=1") == "/x?api%20keys=1&api%20key=o%26");
  CHECK(target.of("/api/x", std::nullopt) == "/x?api%20key=o%26");
  CHECK(target.of("/api/x", "a=1;api+key=evil;b=2&c=3") == "/x?a=1;b=2&c=3&api%20key=o%26");
  CHECK(target.of("/api/x", "api+key=evil;b=2;c=3") == "/x?b=2;c=3&api%20key=o%26");
  CHECK(target.of("/api/x", "b=2&api+key=evil;c=3") == "/x?b=2&c=3&api%20key=o%26");
  CHECK(target.of("/api/x", "b=2;api+key=evil&c=3") == "/x?b=2&c=3&api%20key=o%26");
  CHECK(target.of("/api/x", "&b;;c&") == "/x?b;;c&&api%20key=o%26");
  target.destination.query.front().added.clear();
  CHECK(target.of("/api/x", "api+key=1") == "/x");
  CHECK(target.of("/api/x", "api+key=1&api+key=2&c=%zz%2") == "/x?c=%zz%2");
}

TEST_CASE("A query parameter is added if there is none, or behind the others", "[call_target]") {
  Target target;
  target.destination.query = {{.name = "v", .if_absent = {"1"}, .added = {}}, {.name = "w", .if_absent = {}, .added = {"2", "3"}}};
  CHECK(target.of("/api", "a") == "/?a&v=1&w=2&w=3");
  CHECK(target.of("/api", "V=9&w=0") == "/?V=9&w=0&w=2&w=3");
}

TEST_CASE("A path is rewritten with what the template's parameters stand for", "[call_target]") {
  Target target;
  target.upstream.base_path = "/base/";
  target.values.values[0] = "7%2F8";
  target.values.count = 1;
  target.plan.rewrite = config::Rewrite{.path = {{.text = "/orders/", .parameter = {}}, {.text = {}, .parameter = 0}},
                                        .query = {{.text = "id=", .parameter = {}}, {.text = {}, .parameter = 0}},
                                        .copy_query = true};
  CHECK(target.of("/api/anything", "a=1") == "/base/orders/7%2F8?id=7%2F8&a=1");
  CHECK(target.of("/api/anything", std::nullopt) == "/base/orders/7%2F8?id=7%2F8");
  target.plan.rewrite->copy_query = false;
  CHECK(target.of("/api/anything", "a=1") == "/base/orders/7%2F8?id=7%2F8");
  target.plan.rewrite->query.clear();
  CHECK(target.of("/api/anything", "a=1") == "/base/orders/7%2F8");
}

TEST_CASE("What a template's parameter holds stays one value in a query, and no host in a path", "[call_target]") {
  Target target;
  target.values.values[0] = "7&role=admin+x;y";
  target.values.values[1] = "/evil.example/x";
  target.values.count = 2;
  target.plan.rewrite = config::Rewrite{.path = {{.text = "/", .parameter = {}}, {.text = {}, .parameter = 1}},
                                        .query = {{.text = "id=", .parameter = {}}, {.text = {}, .parameter = 0}}};
  CHECK(target.of("/api/x", std::nullopt) == "/evil.example/x?id=7%26role%3Dadmin%2Bx%3By");
}

}  // namespace signet::gateway
