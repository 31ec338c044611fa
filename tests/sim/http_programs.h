// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include <algorithm>
#include <array>
#include <charconv>
#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <string>
#include <string_view>
#include <utility>

#include "signet/wire/http_reader.h"
#include "sim_peer.h"

namespace signet::sim {

/// FNV-1a.
inline std::uint64_t digest(std::string_view bytes) {
  std::uint64_t hash = 0xcbf29ce484222325;
  for (const char byte : bytes) {
    hash = (hash ^ static_cast<unsigned char>(byte)) * 0x100000001b3;
  }
  return hash;
}

/// Bytes that follow from a number.
inline std::string filler(std::uint64_t number, std::size_t size) {
  std::string bytes(size, '\0');
  Random random(number);
  for (char& byte : bytes) {
    byte = static_cast<char>('a' + random.below(26));
  }
  return bytes;
}

/// What the back end answers to call `number` with this body: nobody else's answer looks like it.
inline std::string right_answer(std::uint64_t number, std::string_view request_body) {
  const std::size_t size = number % 17 == 0 ? 150'000 : number * 7919 % 3000;
  return "call " + std::to_string(number) + " body " + std::to_string(digest(request_body)) + " " + filler(number, size);
}

inline std::string chunked(std::string_view body, Random& random) {
  std::string text;
  while (!body.empty()) {
    const std::size_t size = random.between(1, std::min<std::size_t>(body.size(), 9'000));
    std::array<char, 16> digits{};
    const auto end = std::to_chars(digits.data(), digits.data() + digits.size(), size, 16).ptr;
    text.append(digits.data(), end).append("\r\n").append(body.substr(0, size)).append("\r\n");
    body.remove_prefix(size);
  }
  return text + "0\r\n\r\n";
}

/// An HTTP back end on SimPeer connections, sometimes rude: closes instead of answering, inside its answer, or right after it.
class HttpBackEnd {
 public:
  HttpBackEnd(SimIo& io, const Endpoint& address, std::uint32_t rudeness_permille)
      : io_(io), rudeness_permille_(rudeness_permille), listener_(io, address, [this] { return script(); }) {}

  [[nodiscard]] SimPeerListener& listener() { return listener_; }
  /// How often a complete request of this number has arrived.
  [[nodiscard]] int seen(std::uint64_t number) { return seen_[number]; }

 private:
  struct Connection {
    wire::HttpReader reader;
    std::string body;
    std::uint64_t number = 0;
    bool in_message = false;
  };

  SimPeer::Script script() {
    auto connection = std::make_shared<Connection>();
    return {.connected = {},
            .received = [this, connection](SimPeer& peer, std::string_view bytes) { read(peer, *connection, as_bytes(bytes)); },
            .sent = {},
            .ended = [](SimPeer& peer, int) { peer.close(); },
            .closed = {}};
  }

  void read(SimPeer& peer, Connection& connection, ByteView bytes) {
    while (!peer.closing()) {
      if (!connection.in_message) {
        if (bytes.empty()) {
          return;
        }
        connection.reader.start_request({});
        connection.body.clear();
        connection.in_message = true;
      }
      const wire::HttpReader::Step step = connection.reader.read(bytes);
      bytes = bytes.subspan(step.consumed);
      switch (step.event) {
        case wire::HttpReader::Event::need_more: return;
        case wire::HttpReader::Event::head_complete: connection.number = number_of(connection.reader.head().target()); break;
        case wire::HttpReader::Event::body: connection.body += as_text(step.body); break;
        case wire::HttpReader::Event::message_complete:
          connection.in_message = false;
          ++seen_[connection.number];
          answer(peer, connection);
          break;
        case wire::HttpReader::Event::failed:
          wrong_ = true;
          peer.close();
          return;
      }
    }
  }

  void answer(SimPeer& peer, const Connection& connection) {
    const std::string body = right_answer(connection.number, connection.body);
    const std::uint64_t framing = io_.random().below(3);
    std::string text = "HTTP/1.1 200 OK\r\n";
    if (framing == 0) {
      text += "Content-Length: " + std::to_string(body.size()) + "\r\n\r\n" + body;
    } else if (framing == 1) {
      text += "Transfer-Encoding: chunked\r\n\r\n" + chunked(body, io_.random());
    } else {
      peer.write(text + "Connection: close\r\n\r\n" + body);
      peer.finish();
      return;
    }
    const bool rude = io_.random().chance(rudeness_permille_);
    const std::uint64_t how = io_.random().below(3);
    if (rude && how == 0) {
      peer.close();
      return;
    }
    if (rude && how == 1) {
      text.resize(text.size() - io_.random().between(1, text.size()));
    }
    peer.write(text);
    if (rude) {
      peer.finish();
    }
  }

  static std::uint64_t number_of(std::string_view target) {
    std::uint64_t number = 0;
    const std::size_t slash = target.rfind('/');
    std::from_chars(target.data() + slash + 1, target.data() + target.size(), number);
    return number;
  }

 public:
  /// Something else than a request arrived.
  [[nodiscard]] bool wrong() const { return wrong_; }

 private:
  SimIo& io_;
  std::uint32_t rudeness_permille_;
  std::map<std::uint64_t, int> seen_;
  bool wrong_ = false;
  SimPeerListener listener_;
};

}  // namespace signet::sim
