// SPDX-License-Identifier: GPL-3.0-or-later
#include "signet/control/admin_server.h"

#include <fmt/core.h>

#include <utility>

#include "signet/base/check.h"
#include "signet/base/log.h"
#include "signet/wire/secret_bytes.h"
#include "admin_connection.h"
#include "failed_attempts.h"

namespace signet::control {

namespace {

/// Writes leave a line, whoever asked and whatever came of it.
void log_write(const AdminRequest& request, const AdminResponse& response) {
  if (request.method == "GET" || request.method == "HEAD") {
    return;
  }
  const std::string_view path = std::string_view(request.target).substr(0, request.target.find('?'));
  log::info(fmt::format("management: principal={} peer={} method={} path=\"{}\" status={}", request.principal, request.peer.address_text(),
                        request.method, log::printable(path, limits::log_value_bytes_max), response.status));
}

}  // namespace

AdminServer::AdminServer(io::Io& io, Options options)
    : io_(io),
      options_(std::move(options)),
      listener_(io, *this),
      failed_attempts_(std::make_unique<FailedAttempts>()),
      self_(std::make_shared<AdminServer*>(this)) {}

AdminServer::~AdminServer() {
  SIGNET_CHECK(connections_.empty() && !listening_);
}

Result<void> AdminServer::use_certificate(std::shared_ptr<const wire::Certificate> certificate) {
  Result<std::shared_ptr<wire::TlsContext>> made = wire::TlsContext::server({.certificate = std::move(certificate), .alpn = {"http/1.1"}});
  if (!made) {
    return std::unexpected(std::move(made.error()));
  }
  tls_ = std::move(*made);
  return {};
}

Result<void> AdminServer::listen(const Endpoint& address) {
  Result<void> opened = listener_.open(address);
  listening_ = opened.has_value();
  return opened;
}

void AdminServer::on_connection(io::Descriptor descriptor, const Endpoint& /*local*/) {
  if (draining_ || (connections_.size() >= options_.connections_max && !make_room())) {
    io_.close(descriptor);
    return;
  }
  const std::uint64_t number = ++connection_number_;
  auto& connection = connections_[number];
  connection = std::make_unique<AdminConnection>(*this, number, io_.peer_endpoint(descriptor));
  connection->start(descriptor);
}

/// Who has no token cannot keep out those who have: the oldest connection that has shown none ends. False if there is no such.
bool AdminServer::make_room() {
  AdminConnection* oldest = nullptr;
  for (const auto& [number, connection] : connections_) {
    const bool may_end = !connection->trusted() && !connection->closing();
    if (may_end && (oldest == nullptr || number < oldest->number())) {
      oldest = connection.get();
    }
  }
  if (oldest == nullptr) {
    return false;
  }
  oldest->abort();
  return true;
}

/// On a worker the request is carried out and its memory wiped; the answer comes back through `post`. Its body counts until then, whether
/// its connection is still there or not.
bool AdminServer::hand_over(std::uint64_t connection, AdminRequest request, std::uint64_t counted_bytes) {
  auto shared = std::make_shared<AdminRequest>(std::move(request));
  std::function<void()> work = [shared, connection, counted_bytes, handler = options_.handler, &io = io_, self = std::weak_ptr(self_)] {
    auto response = std::make_shared<AdminResponse>(handler(*shared));
    log_write(*shared, *response);
    wire::wipe(shared->body);
    io.post([self, connection, counted_bytes, response] {
      if (const std::shared_ptr<AdminServer*> server = self.lock()) {
        (*server)->bodies_bytes_ -= counted_bytes;
        (*server)->answer(connection, *response);
      }
    });
  };
  if (options_.submit(std::move(work))) {
    return true;
  }
  wire::wipe(shared->body);
  bodies_bytes_ -= counted_bytes;
  return false;
}

void AdminServer::answer(std::uint64_t connection, const AdminResponse& response) {
  const auto found = connections_.find(connection);
  if (found != connections_.end() && found->second->handling()) {
    found->second->answer(response);
  }
}

void AdminServer::forget(std::uint64_t connection) {
  connections_.erase(connection);  // destroys it
  check_done();
}

void AdminServer::drain(std::function<void()> done) {
  done_ = std::move(done);
  if (!std::exchange(draining_, true)) {
    if (listening_) {
      listener_.close();
    }
    for (const auto& [number, connection] : connections_) {
      connection->drain();
    }
  }
  check_done();
}

void AdminServer::stop(std::function<void()> done) {
  drain(std::move(done));
  for (const auto& [number, connection] : connections_) {
    connection->abort();
  }
}

void AdminServer::on_listener_closed() {
  listening_ = false;
  check_done();
}

void AdminServer::check_done() {
  if (done_ && !listening_ && connections_.empty()) {
    io_.defer(done_deferred_);
  }
}

void AdminServer::on_done() {
  if (done_) {
    std::exchange(done_, nullptr)();  // may destroy this
  }
}

}  // namespace signet::control
