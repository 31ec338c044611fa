// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include <cstddef>
#include <cstdint>
#include <functional>
#include <memory>
#include <unordered_map>

#include "signet/base/limits.h"
#include "signet/base/result.h"
#include "signet/control/admin_api.h"
#include "signet/control/tokens.h"
#include "signet/io/io.h"
#include "signet/net/listener.h"
#include "signet/wire/certificate.h"
#include "signet/wire/tls_context.h"

namespace signet::control {

class AdminConnection;
class FailedAttempts;

/// The management listener: HTTP/1.1 (RFC 9112) over TLS or, on loopback only, without. Reads requests whole, asks for a token, hands them
/// to workers, and sends what these answer. /healthz and /readyz are answered here, without a token.
///
///     Listener → AdminConnection → submit → (a worker) handler → post → AdminConnection
///
/// Lives on the control shard; every method is called there. After `drain` or `stop`, destroy it once `done` has been called and the
/// workers have stopped.
class AdminServer final : public net::ConnectionHandler {
 public:
  struct Options {
    /// Carries out one authenticated request, on a worker; may block, must not throw.
    std::function<AdminResponse(const AdminRequest&)> handler;
    /// Gives work to a worker; false: too many requests wait already.
    std::function<bool(std::function<void()>)> submit;
    /// Must outlive the server.
    const Tokens* tokens = nullptr;
    /// Whether the data plane serves.
    std::function<bool()> ready;
    std::size_t connections_max = limits::admin_connections_max;
  };

  AdminServer(io::Io& io, Options options);
  AdminServer(const AdminServer&) = delete;
  AdminServer& operator=(const AdminServer&) = delete;
  ~AdminServer();

  /// Connections from now on speak TLS (1.2 or later) under this certificate. Error: config; then it stays as it was.
  [[nodiscard]] Result<void> use_certificate(std::shared_ptr<const wire::Certificate> certificate);
  /// Errors: config, with the address and the system's reason.
  [[nodiscard]] Result<void> listen(const Endpoint& address);
  /// As opened: differs from what was asked for if that was port 0.
  [[nodiscard]] const Endpoint& address() const { return listener_.address(); }

  /// Accepts no more, closes connections that wait, answers what is being carried out. `done` once nothing is left.
  void drain(std::function<void()> done);
  /// Cuts everything off; what is being carried out by a worker still is. `done` once nothing is left.
  void stop(std::function<void()> done);

  [[nodiscard]] std::size_t connections() const { return connections_.size(); }

 private:
  friend class AdminConnection;

  void on_connection(io::Descriptor descriptor, const Endpoint& local) override;
  void on_listener_closed() override;
  bool make_room();
  bool hand_over(std::uint64_t connection, AdminRequest request, std::uint64_t counted_bytes);
  void answer(std::uint64_t connection, const AdminResponse& response);
  void forget(std::uint64_t connection);
  void check_done();
  void on_done();

  io::Io& io_;
  Options options_;
  std::shared_ptr<wire::TlsContext> tls_;
  net::Listener listener_;
  std::unordered_map<std::uint64_t, std::unique_ptr<AdminConnection>> connections_;
  std::unique_ptr<FailedAttempts> failed_attempts_;
  std::uint64_t connection_number_ = 0;
  std::uint64_t bodies_bytes_ = 0;  ///< of requests that are being read or carried out
  std::size_t pauses_ = 0;          ///< answers to wrong tokens that wait
  std::function<void()> done_;
  io::Deferred<AdminServer, &AdminServer::on_done> done_deferred_{this};
  /// Answers find the way back by it, if there still is one: looked at on the shard only.
  std::shared_ptr<AdminServer*> self_;
  bool listening_ = false;
  bool draining_ = false;
};

}  // namespace signet::control
