// SPDX-License-Identifier: GPL-3.0-or-later
#include "signet/gateway/backend_counters.h"

#include <catch2/catch_test_macros.hpp>
#include <memory>
#include <string>
#include <vector>

#include "signet/config/files.h"
#include "signet/config/load.h"
#include "sim/sim_io.h"

namespace signet::gateway {

namespace {

std::shared_ptr<const config::Snapshot> snapshot(const std::string& backends, const std::string& apis) {
  const std::string text = R"({"listeners": [{"address": "127.0.0.1:0"}], "backends": [)" + backends + R"(], "apis": [)" + apis + "]}";
  config::SystemFiles files;
  const config::Loaded loaded = config::parse_config("test.json", text);
  for (const config::Problem& problem : loaded.report.errors) {
    FAIL(problem.text());
  }
  config::Built built = config::build_snapshot(*loaded.config, files, {});
  REQUIRE(built.snapshot != nullptr);
  return built.snapshot;
}

std::vector<std::string> names(const BackendCounters& counters, const net::ConnectionPool& pool) {
  std::vector<std::string> found;
  for (const BackendStatus& backend : counters.status(pool)) {
    found.push_back(backend.name);
  }
  return found;
}

const std::string orders = R"({"id": "orders", "url": "http://127.0.0.1:81/"})";
const std::string billing = R"({"id": "billing", "url": "http://127.0.0.1:82/"})";
const std::string by_url = R"({"id": "a", "path": "a", "serviceUrl": "http://127.0.0.1:83/x"},
                              {"id": "b", "path": "b", "serviceUrl": "http://127.0.0.1:83/y"})";

}  // namespace

TEST_CASE("Back ends are counted under their id, serviceUrls under scheme, host and port", "[gateway]") {
  sim::SimIo io(1);
  const net::ConnectionPool pool(io);
  BackendCounters counters;
  const auto first = snapshot(orders + "," + billing, by_url);
  counters.retain(*first);
  CHECK(names(counters, pool) == std::vector<std::string>{"orders", "billing", "http://127.0.0.1:83"});
  CHECK(counters.of(*first->upstreams()[2]) == counters.of(*first->upstreams()[3]));
  CHECK(counters.of(*first->upstreams()[0]) != counters.of(*first->upstreams()[1]));
}

TEST_CASE("Counts go on through a reload, and end when the configuration no longer has the back end", "[gateway]") {
  sim::SimIo io(1);
  const net::ConnectionPool pool(io);
  BackendCounters counters;
  const auto first = snapshot(orders + "," + billing, by_url);
  counters.retain(*first);
  counters.of(*first->upstreams()[0])->opened = 7;
  counters.of(*first->upstreams()[1])->opened = 8;
  const auto second = snapshot(orders, by_url);
  counters.retain(*second);
  CHECK(names(counters, pool) == std::vector<std::string>{"orders", "http://127.0.0.1:83"});
  CHECK(counters.of(*second->upstreams()[0])->opened == 7);

  // A call that has the old snapshot still counts, where there is something left to count in.
  CHECK(counters.of(*first->upstreams()[0]) == counters.of(*second->upstreams()[0]));
  ++counters.of(*first->upstreams()[1])->opened;
  const auto third = snapshot(orders + "," + billing, by_url);
  counters.retain(*third);
  CHECK(counters.of(*third->upstreams()[1])->opened == 0);
}

}  // namespace signet::gateway
