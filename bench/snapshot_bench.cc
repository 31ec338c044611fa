// SPDX-License-Identifier: GPL-3.0-or-later
// What a configuration with 1,000 certificates costs, each with a back end and an API of its own: built for the first time, built again
// after one certificate was replaced, and brought into force on one shard. And 10,000 APIs of one back end, built for the first time.
#include <benchmark/benchmark.h>

#include <array>
#include <chrono>
#include <cstddef>
#include <map>
#include <memory>
#include <optional>
#include <stdexcept>
#include <string>
#include <utility>
#include <vector>

#include "signet/config/config.h"
#include "signet/config/files.h"
#include "signet/config/snapshot.h"
#include "signet/gateway/gateway.h"
#include "signet/wire/self_signed.h"
#include "sim/sim_io.h"

namespace {

using namespace signet;

constexpr WallTime now{std::chrono::sys_days{std::chrono::year{2026} / 11 / 25}};
constexpr std::size_t certificates = 1'000;

class MemoryFiles final : public config::Files {
 public:
  std::map<std::string, std::string> files;

  Result<std::string> read(const std::string& path, std::size_t) override { return files.at(path); }
  Result<std::vector<std::string>> list(const std::string&, std::size_t) override { throw std::logic_error("no folder is listed here"); }
  std::optional<std::string> environment(const std::string&) override { return std::nullopt; }
};

/// Certificate number `at` of a few: files with the same content are opened each for itself all the same.
const wire::SelfSigned& self_signed(std::size_t at) {
  static const std::array<wire::SelfSigned, 4> made = [] {
    std::array<wire::SelfSigned, 4> all;
    for (wire::SelfSigned& one : all) {
      one = wire::make_self_signed({.common_name = "orders-client",
                                    .dns_names = {"orders.internal"},
                                    .addresses = {},
                                    .not_before = now - std::chrono::days(1),
                                    .not_after = now + std::chrono::days(365)})
                .value();
    }
    return all;
  }();
  return made.at(at % made.size());
}

/// A configuration, its files, and what builds of it have in common.
struct World {
  explicit World(std::size_t identities, std::size_t apis) {
    config.certificate_authorities.push_back(
        {.id = "corp", .pem_file = {.value = "root.pem", .source = {}}, .directory = {}, .source = {}});
    files.files["root.pem"] = self_signed(0).certificate;
    for (std::size_t at = 0; at < identities; ++at) {
      add_identity(std::to_string(at));
      put(at, at);
    }
    for (std::size_t at = 0; at < apis; ++at) {
      config::Api api{.id = "api" + std::to_string(at), .path = "area" + std::to_string(at % 97) + "/service" + std::to_string(at)};
      api.backend_id.value = "orders" + std::to_string(at % identities);
      config.apis.push_back(std::move(api));
    }
  }

  /// Certificate `which` becomes the file of identity `at`.
  void put(std::size_t at, std::size_t which) {
    files.files[std::to_string(at) + ".pem"] = self_signed(which).certificate;
    files.files[std::to_string(at) + ".key"] = self_signed(which).key;
  }

  std::shared_ptr<const config::Snapshot> build(config::Material* material) {
    config::Built built = config::build_snapshot(config, files, {.generation = ++generation, .now = now, .material = material});
    if (!built.snapshot) {
      throw std::runtime_error(built.report.errors.front().text());
    }
    return built.snapshot;
  }

  config::Config config;
  MemoryFiles files;
  std::uint64_t generation = 0;

 private:
  void add_identity(const std::string& number) {
    config.certificates.push_back({.id = "client" + number,
                                   .loaded = {},
                                   .pem_file = {.value = number + ".pem", .source = {}},
                                   .key_file = {.value = number + ".key", .source = {}},
                                   .friendly_name = {},
                                   .source = {}});
    config::Backend backend{.id = "orders" + number};
    backend.url = config::parse_url("https://orders" + number + ".internal/v2").value();
    backend.credentials.certificate_ids.push_back({.value = "client" + number, .source = {}});
    backend.tls.certificate_authorities.push_back({.value = "corp", .source = {}});
    config.backends.push_back(std::move(backend));
  }
};

void build(benchmark::State& state, std::size_t identities, std::size_t apis) {
  World world(identities, apis);
  for (auto _ : state) {
    benchmark::DoNotOptimize(world.build(nullptr));
  }
}
BENCHMARK_CAPTURE(build, certificates, certificates, certificates)->Name("snapshot/build/certificates:1000")->Unit(benchmark::kMillisecond);
BENCHMARK_CAPTURE(build, apis, std::size_t{1}, std::size_t{10'000})->Name("snapshot/build/apis:10000")->Unit(benchmark::kMillisecond);

void rebuild(benchmark::State& state) {
  World world(certificates, certificates);
  config::Material material;
  benchmark::DoNotOptimize(world.build(&material));
  std::size_t round = 0;
  for (auto _ : state) {
    world.put(certificates / 2, ++round);
    benchmark::DoNotOptimize(world.build(&material));
  }
}
BENCHMARK(rebuild)->Name("snapshot/rebuild_one_changed/certificates:1000")->Unit(benchmark::kMillisecond);

void apply(benchmark::State& state) {
  World world(certificates, certificates);
  config::Material material;
  std::array<std::shared_ptr<const config::Snapshot>, 2> snapshots;
  snapshots[0] = world.build(&material);
  world.put(certificates / 2, certificates / 2 + 1);
  snapshots[1] = world.build(&material);
  sim::SimIo io(1);
  gateway::Gateway gateway(io, snapshots[0], {});
  std::size_t round = 0;
  for (auto _ : state) {
    benchmark::DoNotOptimize(gateway.apply(snapshots.at(++round % 2)));
  }
}
BENCHMARK(apply)->Name("snapshot/apply_one_changed/certificates:1000");

}  // namespace
