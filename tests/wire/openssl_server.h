// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include <sys/types.h>

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "signet/base/byte_buffer.h"
#include "signet/wire/tls_engine.h"

namespace signet::test {

/// `openssl s_server` on a free loopback port, showing "server" with its chain, until the object goes. Serves one connection after the
/// other: end one before the next handshake.
class OpensslServer {
 public:
  enum class Answers : std::uint8_t {
    page,   ///< to every request, a page that says what it knows of the connection
    typed,  ///< what `type` is given
  };

  explicit OpensslServer(const std::vector<std::string>& options, Answers answers = Answers::page);
  OpensslServer(const OpensslServer&) = delete;
  OpensslServer& operator=(const OpensslServer&) = delete;
  ~OpensslServer();

  [[nodiscard]] std::uint16_t port() const { return port_; }

  /// With Answers::typed: a line is sent as it is, unless it begins with a command: "R" renegotiates and asks for a certificate, "c" asks
  /// for one after a handshake of TLS 1.3. Wait until it has taken the line before typing another one.
  void type(std::string_view line) const;
  /// Reads what the server says until `text` is part of it.
  void wait_for(std::string_view text) const;

 private:
  pid_t process_ = -1;
  int input_ = -1;
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
  bool send(std::string_view text);
  /// Reads until `text` has come or the connection has ended; answers all of it.
  std::string read_until(std::string_view text);
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
