// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include <cstdint>
#include <functional>

#include "signet/base/bytes.h"
#include "signet/base/clock.h"
#include "signet/base/endpoint.h"
#include "signet/base/result.h"
#include "signet/io/operation.h"
#include "signet/io/timer.h"

namespace signet::io {

struct ListenOptions {
  int backlog = 4096;  ///< connections that the kernel holds for us; it caps the value at net.core.somaxconn
};

/// How far what was sent on a connection has come.
struct SendProgress {
  std::uint64_t acknowledged_bytes = 0;  ///< that the peer's system has confirmed, since the connection was made
  bool outstanding = true;               ///< there is more that it may still confirm
};

/// The only way to the outside: sockets, time, and other threads. Two implementations: UringIo (Linux) and SimIo (a network that a seed
/// decides).
///
/// An operation is started by a call that never fails and never calls back; its completion comes later, from the loop. One operation of
/// each kind per descriptor at a time. One Io per shard; every method but `post` is called on the shard.
class Io {
 public:
  virtual ~Io() = default;

  /// A listening socket with SO_REUSEPORT; connections that it accepts have TCP_NODELAY. Error: config, with address and reason.
  virtual Result<Descriptor> listen(const Endpoint& address, const ListenOptions& options) = 0;
  virtual Endpoint local_endpoint(Descriptor descriptor) = 0;
  virtual Endpoint peer_endpoint(Descriptor descriptor) = 0;

  /// Multishot: the operation stays active and delivers one descriptor per connection until it is cancelled or fails. Shortage of
  /// descriptors or memory is waited out, not reported.
  virtual void accept(Operation& operation, Descriptor listener) = 0;
  /// Result: a new connected descriptor with TCP_NODELAY; or -errno, and nothing to close.
  virtual void connect(Operation& operation, const Endpoint& endpoint) = 0;
  /// Result: bytes received, in Completion::buffer; 0 at the end of the stream. Takes no buffer before bytes are there, so an idle
  /// connection costs none.
  virtual void recv(Operation& operation, Descriptor descriptor) = 0;
  /// Result: bytes sent, normally all; fewer after an interruption. `bytes` must stay as they are until then.
  virtual void send(Operation& operation, Descriptor descriptor, ByteView bytes) = 0;
  /// FIN.
  virtual void shutdown_send(Descriptor descriptor) = 0;
  /// REQUIRES: no operation is active on it.
  virtual void close(Descriptor descriptor) = 0;
  /// As `close`, but the peer sees a reset where `close` shows it an end: what it got is not all that was meant for it.
  virtual void reset(Descriptor descriptor) = 0;
  /// What TCP knows now; a send that is active may still change it. A peer that has read bytes has confirmed them, unless it aborted (RST)
  /// before its confirmation was due. A system call: not for the common path. REQUIRES: from `connect`.
  virtual SendProgress send_progress(Descriptor descriptor) = 0;
  /// Hurries an active operation: it completes with -ECANCELED, unless it had completed already. Not a connect's socket: io closes that.
  virtual void cancel(Operation& operation) = 0;

  /// Read once per turn of the loop.
  [[nodiscard]] virtual TimePoint now() const = 0;
  /// For certificates and logs only.
  [[nodiscard]] virtual WallTime wall_now() const = 0;
  [[nodiscard]] virtual TimerWheel& timers() = 0;

  /// Calls the node once, after the completions of this turn, or in the next; a node that waits already is not added twice. See Deferred.
  virtual void defer(Node& node) = 0;
  /// Thread-safe, the only one: `call` is made on the shard's loop. Allocates and locks: for the control path. After the loop has stopped,
  /// it is dropped.
  virtual void post(std::function<void()> call) = 0;
};

}  // namespace signet::io
