// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include <algorithm>
#include <catch2/catch_test_macros.hpp>
#include <limits>
#include <optional>
#include <string>
#include <utility>

#include "signet/base/byte_buffer.h"
#include "signet/wire/tls_engine.h"

namespace signet::test {

/// A client engine and a server engine with two queues of bytes between them.
class TlsPair {
 public:
  using Event = wire::TlsEngine::Event;

  TlsPair(std::shared_ptr<wire::TlsContext> client_context, std::shared_ptr<wire::TlsContext> server_context,
          std::optional<wire::TlsSession> resume = std::nullopt)
      : client(wire::TlsEngine::client(std::move(client_context), std::move(resume))),
        server(wire::TlsEngine::server(std::move(server_context))) {}

  wire::TlsEngine client;
  wire::TlsEngine server;
  ByteBuffer to_client;
  ByteBuffer to_server;
  Event client_event = Event::want_input;
  Event server_event = Event::want_input;
  std::size_t piece_bytes_max = std::numeric_limits<std::size_t>::max();  ///< most that is given to an engine in one call

  /// Runs both handshakes as far as they get. True when both are complete.
  bool handshake() {
    std::size_t moved = 0;
    do {
      moved = step(client, client_event, to_client, to_server) + step(server, server_event, to_server, to_client);
    } while (moved != 0);
    return client_event == Event::handshake_complete && server_event == Event::handshake_complete;
  }

  /// What the client, or the server, reads until it wants more. The last event stands in client_event or server_event.
  std::string client_reads() { return read(client, client_event, to_client, to_server); }
  std::string server_reads() { return read(server, server_event, to_server, to_client); }

  void client_writes(std::string_view text) { write(client, text, to_server); }
  void server_writes(std::string_view text) { write(server, text, to_client); }

 private:
  /// Answers how many bytes moved in either direction.
  std::size_t step(wire::TlsEngine& engine, Event& event, ByteBuffer& in, ByteBuffer& out) const {
    if (event != Event::want_input) {
      return 0;
    }
    const std::size_t before = out.size();
    const std::size_t size = std::min(in.size(), piece_bytes_max);
    ByteView input = in.view().subspan(0, size);
    event = engine.handshake(input, out);
    CHECK((event != Event::want_input || input.empty()));
    in.consume(size - input.size());
    return size - input.size() + (out.size() - before);
  }

  std::string read(wire::TlsEngine& engine, Event& event, ByteBuffer& in, ByteBuffer& out) const {
    ByteBuffer plaintext;
    do {
      const std::size_t size = std::min(in.size(), piece_bytes_max);
      MutableByteView input = in.mutable_view().subspan(0, size);
      do {
        const wire::TlsEngine::Read result = engine.read(input, plaintext, 16 * 1024, out);
        event = result.event;
        CHECK((result.size != 0) == (event == Event::data));
      } while (event == Event::data);
      CHECK((event != Event::want_input || input.empty()));
      in.consume(size - input.size());
    } while (event == Event::want_input && !in.empty());
    return std::string(plaintext.text());
  }

  static void write(wire::TlsEngine& engine, std::string_view text, ByteBuffer& out) {
    const Result<std::size_t> written = engine.write(as_bytes(text), out);
    REQUIRE(written.has_value());
    CHECK(*written == text.size());
  }
};

}  // namespace signet::test
