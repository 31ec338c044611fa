// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "signet/config/snapshot.h"
#include "signet/net/connection_counters.h"
#include "signet/net/connection_pool.h"

namespace signet::gateway {

/// One back end on one shard, or on several together.
struct BackendStatus {
  std::string name;  ///< see BackendCounters
  net::ConnectionCounters counters;
  std::size_t connections = 0;  ///< now, those that are being opened or closed among them
  std::size_t idle = 0;         ///< of these
};

/// What was done towards each back end, on one shard. A back end is counted under its id, whatever certificates its APIs choose; the
/// serviceUrls of APIs under scheme, host and port, which no id can look like. Counts go on through reloads as long as the configuration
/// has the back end. Stays on the shard.
class BackendCounters {
 public:
  /// Only the back ends of `snapshot` are counted from now on. It must be kept until the next call.
  void retain(const config::Snapshot& snapshot);

  /// Also of a snapshot that is no longer in force, for a call that still has it; what is counted for a back end that has left is lost.
  [[nodiscard]] const std::shared_ptr<net::ConnectionCounters>& of(const config::Upstream& upstream) const;

  /// In the order of the configuration.
  [[nodiscard]] std::vector<BackendStatus> status(const net::ConnectionPool& pool) const;

 private:
  struct Named {
    std::string name;
    std::shared_ptr<net::ConnectionCounters> counters;
  };
  struct Known {
    const config::Upstream* upstream = nullptr;
    std::shared_ptr<net::ConnectionCounters> counters;
  };
  [[nodiscard]] const std::shared_ptr<net::ConnectionCounters>* find(const std::string& name) const;

  std::vector<Named> named_;
  std::vector<Known> by_index_;  ///< of the snapshot in force, by Upstream::index
  std::shared_ptr<net::ConnectionCounters> gone_ = std::make_shared<net::ConnectionCounters>();
};

}  // namespace signet::gateway
