// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include <sys/types.h>

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "signet/base/byte_buffer.h"
#include "signet/wire/tls_engine.h"

namespace signet::test {

/// `openssl s_server` on a free loopback port, showing "server" with its chain, until the object goes. Answers every request with a page
/// that says what it knows of the connection. Serves one connection after the other: end one before the next handshake.
class OpensslServer {
 public:
  explicit OpensslServer(const std::vector<std::string>& options);
  OpensslServer(const OpensslServer&) = delete;
  OpensslServer& operator=(const OpensslServer&) = delete;
  ~OpensslServer();

  [[nodiscard]] std::uint16_t port() const { return port_; }

 private:
  pid_t process_ = -1;
  int output_ = -1;
  std::uint16_t port_ = 0;
};

/// An engine on a blocking socket.
class BlockingClient {
 public:
  BlockingClient(std::uint16_t port, wire::TlsEngine engine);
  BlockingClient(const BlockingClient&) = delete;
  BlockingClient& operator=(const BlockingClient&) = delete;
  ~BlockingClient();

  [[nodiscard]] wire::TlsEngine& engine() { return engine_; }
  /// True when the handshake is complete.
  bool handshake();
  /// Sends a request and reads until the server ends the connection, or something fails.
  std::string get();
  [[nodiscard]] wire::TlsEngine::Event event() const { return event_; }

 private:
  void flush();
  bool receive();

  wire::TlsEngine engine_;
  int socket_ = -1;
  ByteBuffer input_;
  ByteBuffer output_;
  wire::TlsEngine::Event event_ = wire::TlsEngine::Event::want_input;
};

}  // namespace signet::test
