// SPDX-License-Identifier: GPL-3.0-or-later
#include "signet/io/address.h"

#include <fmt/core.h>
#include <netinet/in.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cerrno>
#include <chrono>
#include <cstring>
#include <thread>

#include "socket_address.h"

namespace signet::io {

namespace {

/// 0 or an errno.
int try_bind(const SocketAddress& address) {
  const int descriptor = ::socket(address.family(), SOCK_STREAM | SOCK_CLOEXEC, IPPROTO_TCP);
  if (descriptor < 0) {
    return errno;
  }
  const int on = 1;
  ::setsockopt(descriptor, SOL_SOCKET, SO_REUSEADDR, &on, sizeof(on));
  if (address.family() == AF_INET6) {
    ::setsockopt(descriptor, IPPROTO_IPV6, IPV6_V6ONLY, &on, sizeof(on));
  }
  const int code = ::bind(descriptor, address.get(), address.size()) == 0 ? 0 : errno;
  ::close(descriptor);
  return code;
}

}  // namespace

Result<void> check_address_free(const Endpoint& address) {
  constexpr int attempts = 20;
  for (int attempt = 1;; ++attempt) {
    const int code = try_bind(SocketAddress(address));
    if (code != EADDRINUSE) {
      return {};  // any other fault is told by the listener itself
    }
    if (attempt == attempts) {
      return fail(ErrorKind::config, Origin::internal, fmt::format("listen on {}: {}", address.text(), std::strerror(code)));
    }
    std::this_thread::sleep_for(std::chrono::milliseconds(100));
  }
}

}  // namespace signet::io
