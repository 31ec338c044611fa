// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include <netinet/in.h>
#include <sys/socket.h>

#include <algorithm>
#include <cstring>

#include "signet/base/endpoint.h"

namespace signet::io {

/// An Endpoint as the system calls want it.
class SocketAddress {
 public:
  explicit SocketAddress(const Endpoint& endpoint) {
    if (endpoint.family == Endpoint::Family::ipv4) {
      sockaddr_in address{};
      address.sin_family = AF_INET;
      address.sin_port = htons(endpoint.port);
      std::memcpy(&address.sin_addr, endpoint.address.data(), sizeof(address.sin_addr));
      std::memcpy(&storage_, &address, sizeof(address));
      size_ = sizeof(address);
      return;
    }
    sockaddr_in6 address{};
    address.sin6_family = AF_INET6;
    address.sin6_port = htons(endpoint.port);
    address.sin6_scope_id = endpoint.scope;
    std::memcpy(&address.sin6_addr, endpoint.address.data(), sizeof(address.sin6_addr));
    std::memcpy(&storage_, &address, sizeof(address));
    size_ = sizeof(address);
  }

  [[nodiscard]] const sockaddr* get() const { return reinterpret_cast<const sockaddr*>(&storage_); }
  [[nodiscard]] socklen_t size() const { return size_; }
  [[nodiscard]] const sockaddr_storage& storage() const { return storage_; }
  [[nodiscard]] int family() const { return storage_.ss_family; }

 private:
  sockaddr_storage storage_{};
  socklen_t size_ = 0;
};

inline Endpoint endpoint_of(const sockaddr_storage& storage) {
  Endpoint endpoint;
  if (storage.ss_family == AF_INET6) {
    sockaddr_in6 address{};
    std::memcpy(&address, &storage, sizeof(address));
    endpoint.family = Endpoint::Family::ipv6;
    endpoint.port = ntohs(address.sin6_port);
    endpoint.scope = address.sin6_scope_id;
    std::memcpy(endpoint.address.data(), &address.sin6_addr, sizeof(address.sin6_addr));
  } else if (storage.ss_family == AF_INET) {
    sockaddr_in address{};
    std::memcpy(&address, &storage, sizeof(address));
    endpoint.port = ntohs(address.sin_port);
    std::memcpy(endpoint.address.data(), &address.sin_addr, sizeof(address.sin_addr));
  }
  return endpoint;
}

}  // namespace signet::io
