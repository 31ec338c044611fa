// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include <signal.h>

#include <atomic>
#include <condition_variable>
#include <cstdint>
#include <functional>
#include <memory>
#include <mutex>
#include <string>
#include <string_view>
#include <thread>

#include "signet/base/clock.h"
#include "signet/base/result.h"

/// What a program that serves needs from the operating system, beside its sockets.
namespace signet::app {

/// Turns SIGTERM, SIGINT and SIGHUP into something to wait for, together with changes of files. Blocks them in the thread that makes it,
/// and so in all threads that are started from it afterwards: make it first. From then on SIGPIPE and SIGXFSZ are ignored: a peer that
/// has gone, and a file that has reached the limit of its size, are errors of the call that finds out.
class StopSignals {
 public:
  enum class Event : std::uint8_t { stop, reload, files_changed };

  StopSignals();
  StopSignals(const StopSignals&) = delete;
  StopSignals& operator=(const StopSignals&) = delete;
  ~StopSignals();

  /// Until the first signal to stop; SIGHUP does nothing.
  void wait();
  /// Until there is something to do: stop (from then on always), one SIGHUP or several, changed files.
  [[nodiscard]] Event next();
  /// The next `next` says files_changed. Thread-safe.
  void files_changed();
  /// How many signals to stop have arrived so far. Thread-safe.
  [[nodiscard]] unsigned count() const;

 private:
  void run();

  sigset_t set_{};
  mutable std::mutex mutex_;
  std::condition_variable changed_;
  unsigned count_ = 0;
  bool reload_ = false;
  bool files_changed_ = false;
  bool ending_ = false;
  std::thread thread_;
};

/// Where access-log lines go. Blocks of whole lines are appended by one write(2) each, so that shards need no lock. A reader
/// that does not keep up (a full pipe) costs lines, never calls. Must outlive its sinks.
class AccessLogFile {
 public:
  /// `path`: a file that is made or appended to; "-" is standard output; empty is none. Error: config, with the path and the system's
  /// reason.
  [[nodiscard]] static Result<std::unique_ptr<AccessLogFile>> open(const std::string& path);
  AccessLogFile(const AccessLogFile&) = delete;
  AccessLogFile& operator=(const AccessLogFile&) = delete;
  ~AccessLogFile();

  /// Empty if there is no log. Thread-safe.
  [[nodiscard]] std::function<void(std::string_view lines)> sink();

  /// Goes on in `path` (as for `open`), under the same sinks, while they write; opens a file anew that was renamed. REQUIRES: it was opened
  /// with a path. Error: as `open`; then it goes on where it was.
  [[nodiscard]] Result<void> reopen(const std::string& path);

 private:
  explicit AccessLogFile(int descriptor) : descriptor_(descriptor) {}
  void write(std::string_view lines);

  int descriptor_;
  std::atomic<bool> cut_{false};  ///< the last line was written in part
};

/// Raises the soft limit of open files to the hard one: every connection needs a descriptor.
void raise_descriptor_limit();

/// Cores that this process may use; at least 1.
[[nodiscard]] std::uint32_t available_cores();

}  // namespace signet::app
