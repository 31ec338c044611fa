// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "signet/base/clock.h"
#include "signet/base/endpoint.h"
#include "signet/control/admin_api.h"
#include "signet/io/io.h"
#include "signet/io/timer.h"
#include "signet/net/transport.h"
#include "signet/wire/http_reader.h"

namespace signet::control {

class AdminServer;

/// One connection to the management listener. Requests that are pipelined are answered one after the other; the bytes of the next wait in
/// the transport.
///
///     handshake ──► waiting ──first byte──► head ──► body ──► handling ──► waiting …
///                                            └── wrong token ──► pausing ──┘     └──► closing
///
/// Who may not do what the head asks for is told so before the body is read, and the connection ends with that.
class AdminConnection final : public net::TransportOwner {
 public:
  AdminConnection(AdminServer& server, std::uint64_t number, const Endpoint& peer);
  AdminConnection(const AdminConnection&) = delete;
  AdminConnection& operator=(const AdminConnection&) = delete;
  ~AdminConnection();

  void start(io::Descriptor descriptor);
  /// Of the request that was handed over. REQUIRES: handling.
  void answer(const AdminResponse& response);
  /// No further request.
  void drain();
  void abort();

  [[nodiscard]] bool handling() const { return stage_ == Stage::handling; }
  [[nodiscard]] bool closing() const { return stage_ == Stage::closing; }
  /// It has shown a valid token once.
  [[nodiscard]] bool trusted() const { return trusted_; }
  [[nodiscard]] std::uint64_t number() const { return number_; }

 private:
  enum class Stage : std::uint8_t { handshake, waiting, head, body, pausing, handling, closing };

  void on_transport_open() override;
  void on_transport_data(ByteView& data) override;
  void on_transport_end() override;
  void on_transport_drained() override;
  void on_transport_send_failed() override;
  void on_transport_failed(Error error) override;
  void on_transport_closed() override;
  void on_timer();

  void begin_request();
  void read(ByteView& data);
  void on_head();
  void on_body(ByteView piece);
  void on_request();
  void on_broken_request();
  [[nodiscard]] std::optional<AdminResponse> refusal_of_head();
  [[nodiscard]] std::optional<AdminResponse> refusal_of_body();
  [[nodiscard]] std::optional<AdminResponse> authenticate();
  [[nodiscard]] std::optional<AdminResponse> health() const;
  void refuse();
  void reserve_body(std::uint64_t size);
  void drop_body();
  enum class After : std::uint8_t { keep_alive, close };
  void send(const AdminResponse& response, After after);
  void resume();
  void close(net::Close how);
  void start_timer(Duration after);

  AdminServer& server_;
  std::uint64_t number_;
  Endpoint peer_;
  net::Transport transport_;
  wire::HttpReader reader_;
  AdminRequest request_;
  std::optional<AdminResponse> refusal_;  ///< what this request is answered, whatever its body
  Duration pause_{};                      ///< before that
  std::uint64_t reserved_bytes_ = 0;      ///< of AdminServer::bodies_bytes_
  Stage stage_ = Stage::handshake;
  io::Timer<AdminConnection, &AdminConnection::on_timer> timer_{this};
  bool keep_alive_ = false;  ///< as the request says
  bool head_only_ = false;   ///< HEAD
  bool trusted_ = false;
  bool peer_ended_ = false;
};

}  // namespace signet::control
