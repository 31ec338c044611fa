// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include <atomic>
#include <chrono>
#include <functional>
#include <map>
#include <memory>
#include <string>

#include "signet/base/endpoint.h"
#include "signet/base/result.h"
#include "signet/config/snapshot.h"
#include "signet/control/admin_api.h"
#include "signet/control/admin_server.h"
#include "signet/control/reconciler.h"
#include "signet/control/store.h"
#include "signet/control/tokens.h"
#include "signet/control/worker_pool.h"
#include "signet/io/shard.h"
#include "signet/wire/digest.h"
#include "process.h"

namespace signet::app {

/// The management side of a program that serves: state directory, store, tokens, certificate, control shard, workers, listener.
///
///     open_state ──► (the reconciler loads, gateways listen) ──► start ──► stop
///
/// Without "stateDirectory" nothing is written, without "admin" nothing listens.
class Management {
 public:
  struct Hooks {
    std::function<std::string()> status;                   ///< see AdminApi::Options; on a worker
    std::function<std::string()> refusals;                 ///< likewise
    std::function<void(const std::string& id)> reconnect;  ///< of one back end, now; on the control shard: must not block
  };

  Management();
  Management(const Management&) = delete;
  Management& operator=(const Management&) = delete;
  ~Management();

  /// Makes the state directory and opens the store, whose objects count for `reconciler` from then on. `reconciler` must end first.
  [[nodiscard]] Result<void> open_state(const config::Config& config, control::Reconciler& reconciler);
  /// Starts the listener, if there is to be one. The data plane listens already. REQUIRES: open_state.
  [[nodiscard]] Result<void> start(const config::Snapshot& snapshot, control::Reconciler& reconciler, Hooks hooks);
  /// What a snapshot that came in force changes here: tokens, and the certificate if it is one of the configuration. From any thread.
  void apply(const config::Snapshot& snapshot);
  /// Ends the listener: what is being carried out is answered, as far as `deadline` and a second signal allow. Nothing of this is called
  /// any more afterwards.
  void stop(std::chrono::steady_clock::time_point deadline, const StopSignals* signals);

 private:
  struct Reconnect;

  [[nodiscard]] Result<void> listen(const config::Admin& admin, std::shared_ptr<const wire::Certificate> certificate,
                                    control::Reconciler& reconciler);
  void take_tokens(const config::Config& config);
  void reconnect_after(const std::string& id, std::chrono::seconds after);
  void reconnect_now(const std::string& id);

  std::unique_ptr<control::Store> store_;
  std::string directory_;
  wire::Sha256Digest bootstrap_token_{};
  control::Tokens tokens_;
  Hooks hooks_;
  std::unique_ptr<control::AdminApi> api_;
  std::unique_ptr<control::WorkerPool> workers_;
  std::unique_ptr<io::Shard> shard_;
  std::unique_ptr<control::AdminServer> server_;                  ///< on the shard
  std::map<std::string, std::unique_ptr<Reconnect>> reconnects_;  ///< likewise; by back end
};

}  // namespace signet::app
