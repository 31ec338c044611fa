// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include <chrono>
#include <condition_variable>
#include <cstddef>
#include <mutex>
#include <optional>

#include "signet/base/result.h"
#include "process.h"

namespace signet::app {

/// Gathers one answer from each of several shards. Thread-safe; must outlive the calls that answer.
class Answers {
 public:
  void add(Result<void> answer = {});

  /// False when `deadline` passed first, or a second stop signal arrived.
  bool wait_for(std::size_t count, std::chrono::steady_clock::time_point deadline, const StopSignals* signals = nullptr);
  void wait_for(std::size_t count);

  /// The first failure. After waiting only.
  [[nodiscard]] const std::optional<Error>& failure() const { return failure_; }

 private:
  std::mutex mutex_;
  std::condition_variable changed_;
  std::size_t count_ = 0;
  std::optional<Error> failure_;
};

}  // namespace signet::app
