// SPDX-License-Identifier: GPL-3.0-or-later
// Work that never changes, in every program: how fast the machine was while the program's own benchmarks ran. bench/micro.py divides by it.
// A change here makes every baseline worthless.
#include <benchmark/benchmark.h>

#include <array>
#include <cstddef>
#include <cstdint>

namespace {

/// Looks up, decides and multiplies byte by byte, as code for heads does, over a text that the caches hold.
void yardstick(benchmark::State& state) {
  std::array<std::uint8_t, 512> text{};
  std::array<std::uint8_t, 256> kind{};
  std::uint32_t seed = 4711;
  for (std::uint8_t& byte : text) {
    seed = seed * 1664525 + 1013904223;
    byte = static_cast<std::uint8_t>(seed >> 24);
  }
  for (std::size_t at = 0; at < kind.size(); ++at) {
    kind[at] = static_cast<std::uint8_t>(at % 7 == 0 ? 1 : 0);
  }
  std::uint64_t words = 0;
  for (auto _ : state) {
    benchmark::DoNotOptimize(text.data());
    std::uint64_t hash = 14695981039346656037U;
    for (const std::uint8_t byte : text) {
      if (kind[byte] != 0) {
        words += hash >> 63;
        hash = 14695981039346656037U;
      } else {
        hash = (hash ^ byte) * 1099511628211U;
      }
    }
    benchmark::DoNotOptimize(words);
  }
}
BENCHMARK(yardstick);

}  // namespace
