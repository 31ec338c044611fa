// SPDX-License-Identifier: GPL-3.0-or-later
// What it costs to open a PFX of a client certificate with its issuer: mostly the key derivations, 2,048 rounds each.
#include <benchmark/benchmark.h>

#include <stdexcept>
#include <string>

#include "signet/wire/certificate.h"
#include "certificates.h"

namespace {

using namespace signet;

void parse(benchmark::State& state, const std::string& name) {
  const std::string file = bench::Certificates::instance().file(name + ".pfx");
  for (auto _ : state) {
    if (!wire::Certificate::from_pfx(as_bytes(file), {.password = "bench"})) {
      throw std::runtime_error("the file does not open");
    }
  }
}
BENCHMARK_CAPTURE(parse, pbes2_p256, "client-p256-pbes2")->Name("pfx/pbes2_p256");
BENCHMARK_CAPTURE(parse, pbes2_rsa2048, "client-rsa-pbes2")->Name("pfx/pbes2_rsa2048");
BENCHMARK_CAPTURE(parse, legacy_3des_p256, "client-p256-3des")->Name("pfx/3des_p256");

}  // namespace
