// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include <chrono>
#include <cstddef>
#include <functional>
#include <map>
#include <memory>
#include <mutex>
#include <set>
#include <string>
#include <string_view>
#include <thread>
#include <vector>

#include "signet/base/result.h"

namespace signet::app {

/// Tells when files may have changed: written, replaced by rename, deleted, made, or reached by another path because a symbolic link or a
/// folder on the way to them was replaced (Kubernetes swaps `..data`). What is not there yet is waited for.
///
/// Watches no file but folders: those that hold the files and, for the names on the way, every folder from the root down, through all
/// symbolic links. Events of other names in them are passed over. After an event all paths are walked anew, so a folder that was removed
/// and made again is found. Several events make one call: it comes once there was none for `quiet_period`, at the latest `delay_max` after
/// the first. A call may come without a change; a change never goes without a call (lost events make one too).
///
/// Has a thread of its own, on which `changed` is called. Started with the signals blocked that are not meant for it.
class FileWatch {
 public:
  struct Options {
    std::chrono::milliseconds quiet_period = std::chrono::milliseconds(100);
    std::chrono::milliseconds delay_max = std::chrono::milliseconds(1000);
    std::size_t folders_max = 4096;  ///< watched at once; for more a warning is logged
  };

  /// `changed` must not call back. Error: config, with the system's reason.
  [[nodiscard]] static Result<std::unique_ptr<FileWatch>> start(std::function<void()> changed, const Options& options);
  FileWatch(const FileWatch&) = delete;
  FileWatch& operator=(const FileWatch&) = delete;
  /// Waits for a `changed` that runs; afterwards none comes.
  ~FileWatch();

  /// From now on these and no others. For a path that is a folder, every name in it counts. If a folder is new here, `changed` is called
  /// soon: the files may have changed after they were read and before they were watched. Folders that cannot be watched are told in the
  /// log, each once. Thread-safe.
  void watch(std::vector<std::string> paths);

 private:
  using Clock = std::chrono::steady_clock;
  /// What counts in one watched folder.
  struct Folder {
    bool every_name = false;
    std::set<std::string, std::less<>> names;
  };
  enum class Role : unsigned char { way, file, every_name };
  class Walk;

  FileWatch(std::function<void()> changed, const Options& options) : changed_(std::move(changed)), options_(options) {}
  void run();
  void wait_for_event(bool due, Clock::time_point deadline);
  bool read_events();
  bool concerns_us(int watch, std::string_view name) const;
  bool arm();
  void cannot_watch(const std::string& folder, std::string_view why);
  void wake() const;

  std::function<void()> changed_;
  Options options_;
  int inotify_ = -1;
  int wake_ = -1;

  std::mutex mutex_;  ///< guards all below, and adding and removing watches
  std::vector<std::string> paths_;
  std::map<int, Folder> folders_;  ///< by watch descriptor
  std::set<std::string> told_;     ///< folders that cannot be watched
  bool touched_ = false;           ///< a call is due that no event announces
  bool stopping_ = false;

  std::thread thread_;
};

}  // namespace signet::app
