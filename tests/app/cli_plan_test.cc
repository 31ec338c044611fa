// SPDX-License-Identifier: GPL-3.0-or-later
#include "app/cli/plan.h"

#include <algorithm>
#include <catch2/catch_test_macros.hpp>

namespace signet::app::cli {

namespace {

const Parts orders{"backends", "orders"};

Objects one_backend(const char* properties) {
  return {{orders, normalised(orders, json::parse(properties))}};
}

std::vector<Step> plan(const Objects& wanted, const Objects& actual, PlanOptions options = {}) {
  return make_plan(wanted, actual, {}, options);
}

std::vector<Parts> places(const std::vector<Step>& steps) {
  std::vector<Parts> all;
  std::ranges::transform(steps, std::back_inserter(all), &Step::parts);
  return all;
}

}  // namespace

TEST_CASE("Plan: what an answer adds or spells otherwise is no difference", "[cli]") {
  CHECK(plan(one_backend(R"({"url": "https://x.example", "credentials": {"certificateIds": ["a"]}, "title": null})"),
             one_backend(R"({"url": "https://x.example", "type": "Single", "protocol": "http", "title": "",
                             "credentials": {"certificateIds": ["/subscriptions/s/providers/p/service/x/certificates/a"], "query": {}},
                             "tls": {"validateCertificateChain": true, "validateCertificateName": true}})"))
            .empty());
  const Parts api{"apis", "orders"};
  CHECK(normalised(api, json::parse(R"({"path": "", "apiRevision": "1", "isCurrent": true, "protocols": ["https", "http"],
                                       "subscriptionRequired": false})")) ==
        normalised(api, json::parse(R"({"id": "orders", "path": "", "displayName": "orders", "operations": []})")));
}

TEST_CASE("Plan: each changed property is told with both values", "[cli]") {
  const std::vector<Step> steps = plan(one_backend(R"({"url": "https://new.example", "tls": {"validateCertificateName": false}})"),
                                       one_backend(R"({"url": "https://old.example", "title": "Old", "tls": {"serverName": "x"}})"));
  CHECK(plan_text(steps) ==
        "~ backend orders\n"
        "    − title: \"Old\"\n"
        "    − tls.serverName: \"x\"\n"
        "    + tls.validateCertificateName: false\n"
        "    ~ url: \"https://old.example\" → \"https://new.example\"\n");
  CHECK(plan_summary(steps) == "0 to add, 1 to change, 0 to remove");
}

TEST_CASE("Plan: a masked secret counts as equal until it is to be written again, and no secret is shown", "[cli]") {
  const Objects wanted = one_backend(R"({"url": "https://x.example", "credentials": {"header": {"Key": ["hidden"]}}})");
  const Objects actual = one_backend(R"({"url": "https://x.example", "credentials": {"header": {"Key": ["********"]}}})");
  CHECK(plan(wanted, actual).empty());
  CHECK(plan(wanted, actual, {.rewrite_secrets = true}).size() == 1);
  // Another number of values is seen.
  const Objects more = one_backend(R"({"url": "https://x.example", "credentials": {"header": {"Key": ["hidden", "hidden"]}}})");
  const std::vector<Step> steps = plan(more, actual);
  REQUIRE(steps.size() == 1);
  CHECK(plan_text(steps).find("hidden") == std::string::npos);
  CHECK(plan_json(steps).dump().find("hidden") == std::string::npos);
  // An export of the same gateway has masks on both sides.
  CHECK(plan(actual, actual, {.rewrite_secrets = true}).empty());
}

TEST_CASE("Plan: the text of a policy is not shown, and blanks around it are no change", "[cli]") {
  const Parts parts{"policies", "policy"};
  const auto policy = [&](const char* text) { return Objects{{parts, normalised(parts, {{"value", text}})}}; };
  CHECK(plan(policy("<policies>\r\n</policies>\n"), policy("<policies>\n</policies>")).empty());
  const std::vector<Step> steps = plan(policy("<policies password=\"hidden\" />"), policy("<policies />"));
  CHECK(plan_text(steps) == "~ global policy\n    ~ text: 1 line → 1 line\n");
}

TEST_CASE("Plan: references lead somewhere at every step", "[cli]") {
  const Parts certificate{"certificates", "z"};
  const Parts pool{"backends", "a"};
  const Parts single{"backends", "b"};
  const Parts api{"apis", "a"};
  const Parts operation{"apis", "a", "operations", "o"};
  const Parts policy{"apis", "a", "policies", "policy"};
  const Objects all{{certificate, {{"thumbprint", "A"}}},
                    {pool, normalised(pool, json::parse(R"({"type": "Pool", "pool": {"services": [{"id": "b"}]}})"))},
                    {single, normalised(single, json::parse(R"({"url": "https://x.example"})"))},
                    {api, normalised(api, json::parse(R"({"path": "a"})"))},
                    {operation, normalised(operation, json::parse(R"({"method": "GET", "urlTemplate": "/"})"))},
                    {policy, normalised(policy, json::parse(R"({"value": "<policies />"})"))}};
  CHECK(places(plan(all, {})) == std::vector<Parts>{certificate, single, pool, api, operation, policy});
  CHECK(plan({}, all).empty());
  // What belongs to the API goes with it.
  CHECK(places(plan({}, all, {.prune = true})) == std::vector<Parts>{api, pool, single, certificate});
  // Of an API that stays only what is not wanted goes.
  Objects kept{{api, all.at(api)}};
  CHECK(places(plan(kept, all, {.prune = true})) == std::vector<Parts>{policy, operation, pool, single, certificate});
  // What the gateway's own file defines stays.
  CHECK(places(make_plan({}, all, {certificate, api, operation, policy}, {.prune = true})) == std::vector<Parts>{pool, single});
}

}  // namespace signet::app::cli
