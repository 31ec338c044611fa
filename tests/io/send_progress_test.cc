// SPDX-License-Identifier: GPL-3.0-or-later
// What the kernel tells about bytes that a peer took or did not take; the replay of calls rests on it.
#include <poll.h>
#include <sys/socket.h>

#include <array>
#include <catch2/catch_test_macros.hpp>
#include <cerrno>
#include <memory>
#include <utility>

#include "signet/io/uring_io.h"
#include "loopback.h"

using namespace signet;

namespace {

/// A connection with one call served on it: 10 bytes went out.
struct Served : test::Loopback {
  Served() {
    REQUIRE(::send(ours, "0123456789", 10, 0) == 10);
    CHECK(receive(theirs) == 10);
    REQUIRE(::send(theirs, "answer", 6, 0) == 6);
    CHECK(receive(ours) == 6);
  }
  static ssize_t receive(int from) {
    std::array<char, 100> buffer{};
    return ::recv(from, buffer.data(), buffer.size(), 0);
  }
  /// Waits until the answer to what was sent, a reset or a confirmation, has come.
  io::SendProgress settled() {
    io::SendProgress progress = io->send_progress(ours);
    while (progress.outstanding) {
      ::poll(nullptr, 0, 1);
      progress = io->send_progress(ours);
    }
    return progress;
  }

  std::unique_ptr<io::UringIo> io = std::move(*io::UringIo::create({}));
};

}  // namespace

TEST_CASE("the kernel confirms nothing that was sent to a peer that had closed, and the receive sees an end", "[io]") {
  Served connection;
  CHECK(connection.settled().acknowledged_bytes == 10);
  connection.close_theirs();
  REQUIRE(::send(connection.ours, "call", 4, MSG_NOSIGNAL) == 4);
  CHECK(connection.settled().acknowledged_bytes == 10);
  CHECK(Served::receive(connection.ours) == 0);
}

TEST_CASE("what a peer that has only ended its own side takes is confirmed, and outstanding until then", "[io]") {
  Served connection;
  ::shutdown(connection.theirs, SHUT_WR);
  CHECK(Served::receive(connection.ours) == 0);
  REQUIRE(::send(connection.ours, "call", 4, MSG_NOSIGNAL) == 4);
  CHECK(Served::receive(connection.theirs) == 4);
  CHECK(connection.settled().acknowledged_bytes == 14);
}

TEST_CASE("a peer that has read a call and aborts looks as if it had not, but for the missing end", "[io]") {
  Served connection;
  REQUIRE(::send(connection.ours, "call", 4, MSG_NOSIGNAL) == 4);
  CHECK(Served::receive(connection.theirs) == 4);
  connection.abort_theirs();
  connection.settled();  // 10 or 14
  CHECK(Served::receive(connection.ours) == -1);
  CHECK(errno == ECONNRESET);
}

TEST_CASE("of what is no connection nothing is known", "[io]") {
  const auto io = std::move(*io::UringIo::create({}));
  CHECK(io->send_progress(-1).outstanding);
}
