// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include <signal.h>

#include <cstddef>
#include <functional>
#include <mutex>
#include <string>
#include <thread>
#include <vector>

#include "signet/gateway/gateway.h"

/// What an operator sees of a program that serves, on request.
namespace signet::app {

/// SIGUSR1 as a call of a function, on a thread of its own.
class StatusSignal {
 public:
  /// Blocks the signal in the thread that makes this, and so in all threads that are started from it afterwards: make it before them. One
  /// that comes before `start` waits for it.
  StatusSignal();
  StatusSignal(const StatusSignal&) = delete;
  StatusSignal& operator=(const StatusSignal&) = delete;
  /// Waits for a call under way. The signal stays blocked.
  ~StatusSignal();

  void start(std::function<void()> report);

 private:
  void run();

  sigset_t set_{};
  std::function<void()> report_;
  std::mutex mutex_;
  bool ending_ = false;
  std::thread thread_;
};

/// Lines for the log: one about the whole, then one per back end, each summed over the shards, and one for each of the last refusals of our
/// certificates (limits::refusals_kept), oldest first. `depot_sessions`: TLS sessions that no shard
/// has for itself.
[[nodiscard]] std::vector<std::string> status_lines(const std::vector<gateway::Status>& shards, std::size_t depot_sessions);

/// The same as one JSON object, without the refusals.
[[nodiscard]] std::string status_json(const std::vector<gateway::Status>& shards, std::size_t depot_sessions);
/// The refusals as a JSON array of objects, newest first.
[[nodiscard]] std::string refusals_json(const std::vector<gateway::Status>& shards);

}  // namespace signet::app
