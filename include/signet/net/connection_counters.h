// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include <cstdint>

namespace signet::net {

/// What became of connections to back ends since the start: of all of a shard's (ConnectionPool::counters), or of those towards one back
/// end (LeaseUser::counters_). Counted on the shard, without a lock; read there too.
struct ConnectionCounters {
  std::uint64_t opened = 0;                     ///< connections that became usable
  std::uint64_t reused = 0;                     ///< leases served by a connection that had served before
  std::uint64_t failed = 0;                     ///< attempts that did not become usable
  std::uint64_t refused = 0;                    ///< connections on which our certificate was refused, in the handshake or after it
  std::uint64_t certificate_not_requested = 0;  ///< attempts ended because the back end did not ask for our certificate, and must
  std::uint64_t handshakes_full = 0;
  std::uint64_t handshakes_resumed = 0;
  std::uint64_t handshakes_failed = 0;  ///< of `failed`: those that failed in TLS

  ConnectionCounters& operator+=(const ConnectionCounters& other) {
    opened += other.opened;
    reused += other.reused;
    failed += other.failed;
    refused += other.refused;
    certificate_not_requested += other.certificate_not_requested;
    handshakes_full += other.handshakes_full;
    handshakes_resumed += other.handshakes_resumed;
    handshakes_failed += other.handshakes_failed;
    return *this;
  }
};

}  // namespace signet::net
