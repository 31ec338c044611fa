// SPDX-License-Identifier: GPL-3.0-or-later
// What policies cost a call: its gates are passed, both heads are written with the policy's fields. "none" is the same call without any.
#include <benchmark/benchmark.h>

#include <cstdint>
#include <memory>
#include <stdexcept>
#include <string>
#include <utility>
#include <variant>

#include "signet/config/config.h"
#include "signet/config/files.h"
#include "signet/config/snapshot.h"
#include "gateway/forwarding.h"
#include "heads.h"

namespace {

using namespace signet;

std::string set_headers(int count) {
  std::string steps;
  for (int at = 0; at < count; ++at) {
    steps += "<set-header name='X-Set-" + std::to_string(at) + "' exists-action='override'><value>value " + std::to_string(at) +
             "</value></set-header>";
  }
  return steps;
}

const std::string ip_filter =
    "<ip-filter action='allow'><address>10.0.0.0/8</address><address>198.51.100.0/24</address><address>203.0.113.9</address>"
    "<address>192.0.2.0/24</address></ip-filter>";
const std::string rate_limit = "<rate-limit calls='1000000000' renewal-period='300'/>";

std::shared_ptr<const config::Snapshot> snapshot_of(const std::string& inbound, const std::string& outbound) {
  config::Config config;
  config::Backend backend{.id = "orders"};
  backend.url = config::parse_url("http://orders.internal/v2").value();
  config.backends.push_back(std::move(backend));
  config::Api api{.id = "orders", .path = "orders"};
  api.backend_id.value = "orders";
  api.policy.emplace();
  api.policy->xml = "<policies><inbound><base/>" + inbound + "</inbound><outbound><base/>" + outbound + "</outbound></policies>";
  config.apis.push_back(std::move(api));
  config::SystemFiles files;
  config::Built built = config::build_snapshot(config, files, {});
  if (!built.snapshot) {
    throw std::runtime_error(built.report.errors.front().text());
  }
  return built.snapshot;
}

/// As the exchange does it: one gate after the other.
bool passes(const config::Plan& plan, const Endpoint& caller, std::uint64_t now_s) {
  for (const config::Gate& gate : plan.gates) {
    if (const auto* filter = std::get_if<config::IpFilter>(&gate); filter != nullptr && !filter->admits(caller)) {
      return false;
    }
    const auto* limit = std::get_if<config::RateLimit>(&gate);
    if (limit != nullptr && limit->window->take(limit->calls, limit->renewal_period_s, now_s)) {
      return false;
    }
  }
  return true;
}

void call(benchmark::State& state, const std::string& inbound, const std::string& outbound) {
  const std::shared_ptr<const config::Snapshot> snapshot = snapshot_of(inbound, outbound);
  const config::Plan& plan = *snapshot->route("gateway.example", "/orders")->plan;
  const Endpoint caller = parse_address("192.0.2.7", 40'000).value();
  wire::HttpReader request;
  request.start_request({});
  bench::read_head(request, bench::request_head);
  wire::HttpReader response;
  response.start_response({}, "GET", true);
  bench::read_head(response, bench::response_head);
  ByteBuffer out;
  std::uint64_t now_s = 0;
  for (auto _ : state) {
    benchmark::DoNotOptimize(now_s);
    if (!passes(plan, caller, now_s)) {
      throw std::runtime_error("the policy does not let the call pass");
    }
    gateway::write_forwarded_request(
        request.head(),
        {.target = "/v2/7?x=1", .host = "orders.internal", .caller_text = "192.0.2.7", .fields = &plan.destinations.front().fields}, out);
    benchmark::DoNotOptimize(out.view().data());
    out.clear();
    benchmark::DoNotOptimize(gateway::write_forwarded_response(response.head(), {.fields = &plan.response_fields}, out));
    benchmark::DoNotOptimize(out.view().data());
    out.clear();
  }
}
BENCHMARK_CAPTURE(call, none, "", "")->Name("policy/none");
BENCHMARK_CAPTURE(call, headers, set_headers(5), set_headers(3))->Name("policy/headers");
BENCHMARK_CAPTURE(call, ip_filter, ip_filter, "")->Name("policy/ip_filter");
BENCHMARK_CAPTURE(call, rate_limit, rate_limit, "")->Name("policy/rate_limit");
BENCHMARK_CAPTURE(call, all, ip_filter + rate_limit + set_headers(5), set_headers(3))->Name("policy/all");

}  // namespace
