// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include <charconv>
#include <chrono>
#include <cstdint>
#include <map>
#include <memory>
#include <string>
#include <string_view>

#include "signet/wire/http_reader.h"
#include "http_programs.h"
#include "sim_peer.h"

namespace signet::sim {

/// A back end that gives up connections at the worst moment. The first call on each is always answered, whole. Then a connection that rests
/// is, after 0 to 5 ms or after a second, closed, or ended on its own side only: such a one goes on to take calls, but cannot answer any
/// more. Others are aborted when the next call begins to arrive, and some later calls end their connection, having been read in part or
/// whole.
class ClosingBackEnd {
 public:
  ClosingBackEnd(SimIo& io, const Endpoint& address) : io_(io), listener_(io, address, [this] { return script(); }) {}

  [[nodiscard]] SimPeerListener& listener() { return listener_; }
  /// How often the head of this call was read: it may have had its effect.
  [[nodiscard]] int begun(std::uint64_t number) { return begun_[number]; }
  /// Something else than a request arrived.
  [[nodiscard]] bool wrong() const { return wrong_; }

 private:
  enum class Fate : std::uint8_t { close, half_close, abort_next };

  struct Connection {
    Connection(SimIo& io, SimPeer& of) : peer(of), wheel(io.timers()) {}
    void on_rested() {
      if (ended) {
        peer.close();
        return;
      }
      switch (fate) {
        case Fate::close: peer.close(); break;
        case Fate::abort_next: aborts_next = true; break;
        case Fate::half_close:
          ended = true;
          peer.finish();
          rest.start(wheel, std::chrono::milliseconds(20));
          break;
      }
    }

    SimPeer& peer;
    io::TimerWheel& wheel;
    wire::HttpReader reader;
    std::string body;
    std::uint64_t number = 0;
    int answered = 0;
    Fate fate = Fate::close;
    bool in_message = false;
    bool ended = false;
    bool aborts_next = false;
    io::Timer<Connection, &Connection::on_rested> rest{this};
  };

  SimPeer::Script script() {
    auto connection = std::make_shared<std::unique_ptr<Connection>>();
    return {.connected = {},
            .received =
                [this, connection](SimPeer& peer, std::string_view bytes) {
                  if (*connection == nullptr) {
                    *connection = std::make_unique<Connection>(io_, peer);
                  }
                  read(**connection, as_bytes(bytes));
                },
            .sent = [this, connection](SimPeer&) { rest(**connection); },
            .ended = [](SimPeer& peer, int) { peer.close(); },
            .closed = [connection](SimPeer&) { connection->reset(); }};
  }

  void read(Connection& connection, ByteView bytes) {
    while (!connection.peer.closing()) {
      if (!connection.in_message) {
        if (bytes.empty()) {
          return;
        }
        if (connection.aborts_next) {
          connection.peer.abort();
          return;
        }
        if (!connection.ended) {
          connection.rest.stop();
        }
        connection.reader.start_request({});
        connection.body.clear();
        connection.in_message = true;
      }
      const wire::HttpReader::Step step = connection.reader.read(bytes);
      bytes = bytes.subspan(step.consumed);
      switch (step.event) {
        case wire::HttpReader::Event::need_more: return;
        case wire::HttpReader::Event::head_complete: on_head(connection); break;
        case wire::HttpReader::Event::body: connection.body += as_text(step.body); break;
        case wire::HttpReader::Event::message_complete: on_complete(connection); break;
        case wire::HttpReader::Event::failed:
          wrong_ = true;
          connection.peer.close();
          return;
      }
    }
  }

  void on_head(Connection& connection) {
    const std::string_view target = connection.reader.head().target();
    std::from_chars(target.data() + target.rfind('/') + 1, target.data() + target.size(), connection.number);
    ++begun_[connection.number];
    leave(connection);
  }

  void on_complete(Connection& connection) {
    connection.in_message = false;
    leave(connection);
    if (connection.ended || connection.peer.closing()) {
      return;
    }
    const std::string body = right_answer(connection.number, connection.body);
    connection.peer.write("HTTP/1.1 200 OK\r\nContent-Length: " + std::to_string(body.size()) + "\r\n\r\n" + body);
    ++connection.answered;
  }

  void rest(Connection& connection) {
    const std::uint64_t fate = io_.random().below(3);
    connection.fate = static_cast<Fate>(fate);
    const bool soon = io_.random().chance(500);
    const std::uint64_t rest_us = soon ? io_.random().below(5'000) : 1'000'000;
    connection.rest.start(io_.timers(), std::chrono::microseconds(rest_us));
  }

  /// Of the calls that find a connection which has served before, some find no ear.
  void leave(Connection& connection) {
    const bool leaves = io_.random().chance(150);
    const bool aborts = io_.random().chance(500);
    if (leaves && connection.answered != 0 && !connection.ended) {
      aborts ? connection.peer.abort() : connection.peer.close();
    }
  }

  SimIo& io_;
  std::map<std::uint64_t, int> begun_;
  bool wrong_ = false;
  SimPeerListener listener_;
};

}  // namespace signet::sim
