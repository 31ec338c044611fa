// SPDX-License-Identifier: GPL-3.0-or-later
// What it costs to read a head.
#include <benchmark/benchmark.h>

#include <cstdint>

#include "signet/wire/http_reader.h"
#include "heads.h"

namespace {

using namespace signet;

void request(benchmark::State& state) {
  wire::HttpReader reader;
  for (auto _ : state) {
    reader.start_request({});
    benchmark::DoNotOptimize(reader.read(as_bytes(bench::request_head)));
  }
  state.SetBytesProcessed(state.iterations() * static_cast<std::int64_t>(bench::request_head.size()));
}
BENCHMARK(request)->Name("http_reader/request_head");

void response(benchmark::State& state) {
  wire::HttpReader reader;
  for (auto _ : state) {
    reader.start_response({}, "GET", true);
    benchmark::DoNotOptimize(reader.read(as_bytes(bench::response_head)));
  }
  state.SetBytesProcessed(state.iterations() * static_cast<std::int64_t>(bench::response_head.size()));
}
BENCHMARK(response)->Name("http_reader/response_head");

}  // namespace
