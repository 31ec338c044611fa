// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include <benchmark/benchmark.h>

#include <ctime>
#include <utility>

namespace signet::bench {

/// CPU time of the calling thread, in seconds.
inline double thread_cpu_s() {
  timespec now{};
  clock_gettime(CLOCK_THREAD_CPUTIME_ID, &now);
  return static_cast<double>(now.tv_sec) + static_cast<double>(now.tv_nsec) * 1e-9;
}

/// Runs the part of an iteration that counts, and adds its CPU time to `sum_s`. For benchmarks with UseManualTime, which measure one side
/// of a conversation. bench/micro.py finds this function by its name when it counts instructions: it must stay a function of its own, and
/// no call of it may lie within another.
template <typename Part>
[[gnu::noinline]] void measured(double& sum_s, Part&& part) {
  const double begin = thread_cpu_s();
  std::forward<Part>(part)();
  sum_s += thread_cpu_s() - begin;
}

}  // namespace signet::bench
