// SPDX-License-Identifier: GPL-3.0-or-later
#include "signet/io/address.h"

#include <fmt/core.h>
#include <ifaddrs.h>
#include <netinet/in.h>
#include <sys/socket.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <chrono>
#include <cstdint>
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

std::vector<Endpoint> reached_at(const Endpoint& address) {
  std::vector<Endpoint> all{address};
  ifaddrs* interfaces = nullptr;
  if (std::ranges::any_of(address.address, [](std::uint8_t octet) { return octet != 0; }) || ::getifaddrs(&interfaces) != 0) {
    return all;
  }
  const int family = SocketAddress(address).family();
  for (const ifaddrs* at = interfaces; at != nullptr; at = at->ifa_next) {
    if (at->ifa_addr == nullptr || at->ifa_addr->sa_family != family) {
      continue;
    }
    sockaddr_storage storage{};
    std::memcpy(&storage, at->ifa_addr, family == AF_INET ? sizeof(sockaddr_in) : sizeof(sockaddr_in6));
    Endpoint own = endpoint_of(storage);
    own.port = address.port;
    own.scope = 0;
    all.push_back(own);
  }
  ::freeifaddrs(interfaces);
  return all;
}

}  // namespace signet::io
