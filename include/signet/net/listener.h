// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include "signet/base/endpoint.h"
#include "signet/base/result.h"
#include "signet/io/io.h"
#include "signet/io/operation.h"

namespace signet::net {

/// Who takes new connections: the data plane, the management plane, the echo back end.
class ConnectionHandler {
 public:
  /// Takes over the descriptor. `local` is the listener's address. From the loop only.
  virtual void on_connection(io::Descriptor descriptor, const Endpoint& local) = 0;
  /// After `Listener::close`: it may be destroyed. Not called from inside `close`.
  virtual void on_listener_closed() = 0;

 protected:
  ~ConnectionHandler() = default;
};

/// One listening socket of one shard; every shard has its own on the same address (SO_REUSEPORT), so connections are never handed on.
class Listener {
 public:
  Listener(io::Io& io, ConnectionHandler& handler);
  Listener(const Listener&) = delete;
  Listener& operator=(const Listener&) = delete;
  /// REQUIRES: never opened, or on_listener_closed was called.
  ~Listener();

  [[nodiscard]] Result<void> open(const Endpoint& address);
  /// No more connections; on_listener_closed follows from the loop. REQUIRES: open.
  void close();
  [[nodiscard]] const Endpoint& address() const { return address_; }

 private:
  void on_accepted(io::Completion& completion);
  void on_closed();

  io::Io& io_;
  ConnectionHandler& handler_;
  Endpoint address_;
  io::Descriptor descriptor_ = -1;
  bool closing_ = false;
  io::Op<Listener, &Listener::on_accepted> accept_{this};
  io::Deferred<Listener, &Listener::on_closed> closed_{this};
};

}  // namespace signet::net
