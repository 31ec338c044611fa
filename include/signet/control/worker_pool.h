// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include <condition_variable>
#include <cstddef>
#include <deque>
#include <functional>
#include <mutex>
#include <thread>
#include <vector>

namespace signet::control {

/// A few threads for what blocks, and a bounded queue in front of them. Thread-safe.
class WorkerPool {
 public:
  WorkerPool(std::size_t threads, std::size_t queue_max);
  WorkerPool(const WorkerPool&) = delete;
  WorkerPool& operator=(const WorkerPool&) = delete;
  /// As `stop`.
  ~WorkerPool();

  /// False if the queue is full or the pool has stopped: `work` is not done. It must not throw.
  [[nodiscard]] bool submit(std::function<void()> work);
  /// Waits for what is being done; what still waits is dropped. Not from a worker.
  void stop();

 private:
  void run();

  std::size_t queue_max_;
  std::mutex mutex_;
  std::condition_variable changed_;
  std::deque<std::function<void()>> queue_;
  bool stopping_ = false;
  std::vector<std::thread> threads_;
};

}  // namespace signet::control
