// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include <functional>
#include <memory>
#include <string>
#include <thread>

#include "signet/base/result.h"
#include "signet/io/uring_io.h"

namespace signet::io {

/// One thread with its own UringIo. Objects that live on a shard are made, used and destroyed by calls that are posted to it.
///
///     start ──► running ──► stop ──► (thread ended)
///
class Shard {
 public:
  struct Options {
    UringIo::Options io;
    std::string name = "0";  ///< behind "signet-" the name of the thread, of which the kernel keeps 15 characters
  };

  /// Starts the thread and waits until its loop can be used. Errors: as UringIo::create.
  [[nodiscard]] static Result<std::unique_ptr<Shard>> start(const Options& options);
  Shard(const Shard&) = delete;
  Shard& operator=(const Shard&) = delete;
  /// Stops the loop, and waits for the thread's end. Not on the shard itself.
  ~Shard();

  /// Thread-safe: `call` is made on the shard. Order is kept per posting thread.
  void post(std::function<void()> call) { io_->post(std::move(call)); }

  /// For calls on the shard.
  [[nodiscard]] UringIo& io() { return *io_; }

 private:
  Shard() = default;

  UringIo* io_ = nullptr;  ///< owned by the thread
  std::thread thread_;
};

}  // namespace signet::io
