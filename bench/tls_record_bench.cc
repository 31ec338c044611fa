// SPDX-License-Identifier: GPL-3.0-or-later
// What it costs our side of an open TLS 1.3 connection to encrypt (seal) and to decrypt (open) application data, by its size: one record,
// 16 KiB is the largest there is.
#include <benchmark/benchmark.h>

#include <array>
#include <cstddef>
#include <cstdint>
#include <stdexcept>
#include <string>

#include "measured.h"
#include "tls_conversation.h"

namespace {

using namespace signet;
using bench::TlsEnd;

constexpr std::size_t batch = 16;  // records that are opened between two looks at the clock

/// Two ends of an open connection, the tickets already read.
struct Open {
  Open() {
    while (!client.open() || !server.open()) {
      if (!client.open()) {
        client.handshake(to_client, to_server);
      }
      if (!server.open()) {
        server.handshake(to_server, to_client);
      }
    }
    client.read(to_client, to_server);
  }

  TlsEnd client{wire::TlsEngine::client(bench::tls_client("client-p256"))};
  TlsEnd server{wire::TlsEngine::server(bench::tls_server())};
  ByteBuffer to_client;
  ByteBuffer to_server;
};

void seal(benchmark::State& state) {
  Open connection;
  const std::string payload(static_cast<std::size_t>(state.range(0)), 'x');
  for (auto _ : state) {
    connection.client.write(payload, connection.to_server);
    benchmark::DoNotOptimize(connection.to_server.view().data());
    connection.to_server.clear();
  }
  state.SetBytesProcessed(state.iterations() * state.range(0));
}
BENCHMARK(seal)->Name("tls_record/seal")->Arg(150)->Arg(1024)->Arg(4096)->Arg(16'384);

void open(benchmark::State& state) {
  Open connection;
  const std::string payload(static_cast<std::size_t>(state.range(0)), 'x');
  std::array<ByteBuffer, batch> records;
  while (state.KeepRunningBatch(batch)) {
    for (ByteBuffer& record : records) {
      connection.server.write(payload, record);
    }
    double open_s = 0;
    bench::measured(open_s, [&] {
      for (ByteBuffer& record : records) {
        if (connection.client.read(record, connection.to_server) != payload.size()) {
          throw std::runtime_error("the record is not what was sent");
        }
      }
    });
    state.SetIterationTime(open_s);
  }
  state.SetBytesProcessed(state.iterations() * state.range(0));
}
BENCHMARK(open)->Name("tls_record/open")->Arg(150)->Arg(1024)->Arg(4096)->Arg(16'384)->UseManualTime();

}  // namespace
