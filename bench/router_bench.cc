// SPDX-License-Identifier: GPL-3.0-or-later
// Which API takes a call, among 10, 1,000 and 10,000: the calls go round the APIs, so that the tables are not only met in the caches.
#include <benchmark/benchmark.h>

#include <cstddef>
#include <cstdint>
#include <string>
#include <utility>
#include <vector>

#include "signet/config/router.h"

namespace {

using namespace signet;

/// Of API number `at`: "/area12/service7/v1".
std::string api_path(std::size_t at) {
  return "/area" + std::to_string(at % 97) + "/service" + std::to_string(at) + "/v1";
}

config::Router router_of(std::size_t apis) {
  std::vector<config::Router::Entry> entries;
  for (std::size_t at = 0; at < apis; ++at) {
    entries.push_back({.hosts = {}, .route = {.api_id = "api" + std::to_string(at), .path = api_path(at)}});
  }
  return config::Router(std::move(entries));
}

/// 1,024 paths of calls, an odd stride apart. `tail` stands behind the API's own path.
std::vector<std::string> calls_to(std::size_t apis, const std::string& tail) {
  std::vector<std::string> paths;
  for (std::size_t at = 0; at < 1024; ++at) {
    paths.push_back(api_path(at * 7919 % apis) + tail);
  }
  return paths;
}

void route(benchmark::State& state, const std::string& tail) {
  const auto apis = static_cast<std::size_t>(state.range(0));
  const config::Router router = router_of(apis);
  const std::vector<std::string> paths = calls_to(apis, tail);
  std::size_t at = 0;
  for (auto _ : state) {
    benchmark::DoNotOptimize(router.route("gateway.example:8080", paths[at++ % paths.size()]));
  }
}
// What is asked for lies two segments below the API, or is a neighbour that no API takes.
BENCHMARK_CAPTURE(route, hit, "/orders/7")->Name("router/hit")->ArgName("apis")->Arg(10)->Arg(1'000)->Arg(10'000);
BENCHMARK_CAPTURE(route, miss, "0/orders/7")->Name("router/miss")->ArgName("apis")->Arg(10)->Arg(1'000)->Arg(10'000);

}  // namespace
