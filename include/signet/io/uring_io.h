// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>

#include "signet/base/limits.h"
#include "signet/io/io.h"

namespace signet::io {

/// Io on io_uring (Linux ≥ 6.1). Created, run and destroyed on one thread.
class UringIo final : public Io {
 public:
  struct Options {
    std::uint32_t queue_entries = limits::uring_queue_entries;
    std::uint32_t buffers_max = limits::receive_buffers_max;  ///< received buffers in use at once; beyond it receives wait
  };

  /// Errors: internal; says whether io_uring is missing, switched off or forbidden, and by which setting.
  [[nodiscard]] static Result<std::unique_ptr<UringIo>> create(const Options& options);
  ~UringIo() override;

  /// Turns the loop until `stop`.
  void run();
  /// On the loop's thread: `run` returns after this turn.
  void stop();

  Result<Descriptor> listen(const Endpoint& address, const ListenOptions& options) override;
  Endpoint local_endpoint(Descriptor descriptor) override;
  Endpoint peer_endpoint(Descriptor descriptor) override;
  void accept(Operation& operation, Descriptor listener) override;
  void connect(Operation& operation, const Endpoint& endpoint) override;
  void recv(Operation& operation, Descriptor descriptor) override;
  void send(Operation& operation, Descriptor descriptor, ByteView bytes) override;
  void shutdown_send(Descriptor descriptor) override;
  void close(Descriptor descriptor) override;
  void reset(Descriptor descriptor) override;
  SendProgress send_progress(Descriptor descriptor) override;
  void cancel(Operation& operation) override;
  [[nodiscard]] TimePoint now() const override;
  [[nodiscard]] WallTime wall_now() const override;
  [[nodiscard]] TimerWheel& timers() override;
  void defer(Node& node) override;
  void post(std::function<void()> call) override;

 private:
  struct State;
  explicit UringIo(std::unique_ptr<State> state);
  std::unique_ptr<State> state_;
};

/// One line for `signet --version` and the start-up log: which of the kernel's io_uring features are there and used.
[[nodiscard]] std::string uring_features();

}  // namespace signet::io
