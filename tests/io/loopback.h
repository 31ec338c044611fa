// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include <netinet/in.h>
#include <sys/socket.h>
#include <unistd.h>

#include <catch2/catch_test_macros.hpp>
#include <utility>

namespace signet::test {

/// The two ends of a TCP connection over loopback. Closes what has not been closed.
struct Loopback {
  /// `unread_bytes`: as many at least can wait in `ours`, where the system's default may be less.
  explicit Loopback(int unread_bytes = 0) {
    if (unread_bytes != 0) {
      ::setsockopt(ours, SOL_SOCKET, SO_RCVBUF, &unread_bytes, sizeof(unread_bytes));
    }
    const int listener = ::socket(AF_INET, SOCK_STREAM, 0);
    sockaddr_in address{.sin_family = AF_INET, .sin_port = 0, .sin_addr = {htonl(INADDR_LOOPBACK)}, .sin_zero = {}};
    socklen_t size = sizeof(address);
    REQUIRE(::bind(listener, reinterpret_cast<const sockaddr*>(&address), size) == 0);
    REQUIRE(::listen(listener, 1) == 0);
    REQUIRE(::getsockname(listener, reinterpret_cast<sockaddr*>(&address), &size) == 0);
    REQUIRE(::connect(ours, reinterpret_cast<const sockaddr*>(&address), size) == 0);
    theirs = ::accept(listener, nullptr, nullptr);
    REQUIRE(theirs >= 0);
    ::close(listener);
  }
  Loopback(const Loopback&) = delete;
  Loopback& operator=(const Loopback&) = delete;
  ~Loopback() {
    ::close(ours);
    close_theirs();
  }

  void close_theirs() {
    if (theirs >= 0) {
      ::close(std::exchange(theirs, -1));
    }
  }
  /// As `close_theirs`, by a reset.
  void abort_theirs() {
    const linger at_once{.l_onoff = 1, .l_linger = 0};
    ::setsockopt(theirs, SOL_SOCKET, SO_LINGER, &at_once, sizeof(at_once));
    close_theirs();
  }

  int ours = ::socket(AF_INET, SOCK_STREAM, 0);
  int theirs = -1;
};

}  // namespace signet::test
