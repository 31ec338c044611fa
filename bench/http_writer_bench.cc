// SPDX-License-Identifier: GPL-3.0-or-later
// What it costs to write a head anew for the other side, and a request head's whole way: read, its target normalised, written.
#include <benchmark/benchmark.h>

#include <string>

#include "signet/base/byte_buffer.h"
#include "signet/wire/http_path.h"
#include "signet/wire/http_reader.h"
#include "gateway/forwarding.h"
#include "heads.h"

namespace {

using namespace signet;

void request(benchmark::State& state) {
  wire::HttpReader reader;
  reader.start_request({});
  bench::read_head(reader, bench::request_head);
  ByteBuffer out;
  for (auto _ : state) {
    gateway::write_forwarded_request(reader.head(), {.target = "/v2/7?x=1", .host = "orders.internal", .caller_text = "192.0.2.7"}, out);
    benchmark::DoNotOptimize(out.view().data());
    out.clear();
  }
}
BENCHMARK(request)->Name("http_writer/request_head");

void response(benchmark::State& state) {
  wire::HttpReader reader;
  reader.start_response({}, "GET", true);
  bench::read_head(reader, bench::response_head);
  ByteBuffer out;
  for (auto _ : state) {
    benchmark::DoNotOptimize(gateway::write_forwarded_response(reader.head(), {}, out));
    benchmark::DoNotOptimize(out.view().data());
    out.clear();
  }
}
BENCHMARK(response)->Name("http_writer/response_head");

void whole_way(benchmark::State& state) {
  wire::HttpReader reader;
  ByteBuffer out;
  std::string path;
  for (auto _ : state) {
    reader.start_request({});
    benchmark::DoNotOptimize(reader.read(as_bytes(bench::request_head)));
    benchmark::DoNotOptimize(wire::normalise_target(reader.head().target(), path));
    gateway::write_forwarded_request(reader.head(), {.target = path, .host = "orders.internal", .caller_text = "192.0.2.7"}, out);
    out.clear();
  }
}
BENCHMARK(whole_way)->Name("http_writer/request_head_from_reader");

}  // namespace
