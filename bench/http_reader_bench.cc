// SPDX-License-Identifier: GPL-3.0-or-later
// What a head costs on its way through: read, route target normalised, written anew.
#include <benchmark/benchmark.h>

#include <string>

#include "signet/wire/http_path.h"
#include "signet/wire/http_reader.h"
#include "gateway/forwarding.h"

namespace {

using namespace signet;

constexpr std::string_view request =
    "GET /orders/7?x=1 HTTP/1.1\r\nHost: gateway.example:8080\r\nUser-Agent: bench/1\r\nAccept: application/json\r\nAccept-Encoding: "
    "gzip\r\n"
    "Authorization: Bearer 0123456789abcdef\r\nX-Request-Id: 4711\r\n\r\n";

void read_head(benchmark::State& state) {
  wire::HttpReader reader;
  for (auto _ : state) {
    reader.start_request({});
    benchmark::DoNotOptimize(reader.read(as_bytes(request)));
  }
  state.SetBytesProcessed(state.iterations() * static_cast<std::int64_t>(request.size()));
}
BENCHMARK(read_head);

void read_and_forward_head(benchmark::State& state) {
  wire::HttpReader reader;
  ByteBuffer out;
  std::string path;
  for (auto _ : state) {
    reader.start_request({});
    benchmark::DoNotOptimize(reader.read(as_bytes(request)));
    benchmark::DoNotOptimize(wire::normalise_target(reader.head().target(), path));
    gateway::write_forwarded_request(reader.head(), {.target = path, .host = "orders.internal", .caller_text = "192.0.2.7"}, out);
    out.clear();
  }
}
BENCHMARK(read_and_forward_head);

}  // namespace
