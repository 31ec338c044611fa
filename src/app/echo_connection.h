// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "signet/base/result.h"
#include "signet/io/io.h"
#include "signet/net/listener.h"
#include "signet/net/transport.h"
#include "signet/wire/http_reader.h"
#include "signet/wire/tls_context.h"

namespace signet::app {

class EchoConnection;

/// The echo back end on one shard: one listener and its connections. Lives on the shard.
class EchoServer final : public net::ConnectionHandler {
 public:
  /// `tls`: nothing for plain HTTP.
  EchoServer(io::Io& io, std::optional<wire::TlsServerSettings> tls);
  EchoServer(const EchoServer&) = delete;
  EchoServer& operator=(const EchoServer&) = delete;
  ~EchoServer();

  [[nodiscard]] Result<void> open(const Endpoint& address);
  [[nodiscard]] const Endpoint& address() const { return listener_.address(); }
  /// Cuts everything off; `done` once nothing is left.
  void stop(std::function<void()> done);

 private:
  friend class EchoConnection;
  void on_connection(io::Descriptor descriptor, const Endpoint& local) override;
  void on_listener_closed() override;
  void forget(EchoConnection& connection);
  void check_done();
  void on_done();

  io::Io& io_;
  std::optional<wire::TlsServerSettings> tls_settings_;
  std::shared_ptr<wire::TlsContext> tls_;
  net::Listener listener_;
  std::vector<std::unique_ptr<EchoConnection>> connections_;
  std::uint64_t connection_number_ = 0;
  std::function<void()> done_;
  io::Deferred<EchoServer, &EchoServer::on_done> done_deferred_{this};
  bool listening_ = false;
};

/// One connection: reads requests one after the other, answers each when it is complete.
class EchoConnection final : public net::TransportOwner {
 public:
  EchoConnection(EchoServer& server, std::uint64_t number) : server_(server), transport_(server.io_, *this), number_(number) {}

  void start(io::Descriptor descriptor);
  void abort() { transport_.close(net::Close::abort); }

 private:
  friend class EchoServer;
  void on_transport_open() override {}
  void on_transport_data(ByteView& data) override;
  void on_transport_end() override;
  void on_transport_drained() override;
  void on_transport_failed(Error error) override;
  void on_transport_closed() override;

  void begin();
  void answer();
  void answer_bytes(std::uint64_t size, bool chunked);
  void send_more();
  void append_story(std::string& out);

  EchoServer& server_;
  net::Transport transport_;
  wire::HttpReader reader_;
  std::string story_;
  std::uint64_t number_;
  std::uint64_t requests_ = 0;
  std::uint64_t body_bytes_ = 0;
  std::uint64_t body_hash_ = 0;
  std::uint64_t left_ = 0;  ///< of an answer of /bytes or /chunks
  std::size_t index_ = 0;   ///< in EchoServer::connections_
  bool chunked_ = false;
  bool reading_ = false;  ///< inside a request
};

}  // namespace signet::app
