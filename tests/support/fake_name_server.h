// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include <poll.h>
#include <sys/eventfd.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cctype>
#include <cstddef>
#include <cstdint>
#include <map>
#include <mutex>
#include <string>
#include <thread>
#include <utility>
#include <vector>

#include "signet/base/check.h"
#include "signet/base/endpoint.h"
#include "io/socket_address.h"

namespace signet::test {

/// A name server on a free UDP port of 127.0.0.1 that knows what it is told (RFC 1035 §4). IPv4 addresses only; what it does not know does
/// not exist.
class FakeNameServer {
 public:
  enum class Mood : std::uint8_t { answers, silent, fails };

  FakeNameServer() {
    socket_ = ::socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);
    const io::SocketAddress any(*parse_endpoint("127.0.0.1:0"));
    SIGNET_CHECK(::bind(socket_, any.get(), any.size()) == 0);
    sockaddr_storage bound{};
    socklen_t size = sizeof(bound);
    ::getsockname(socket_, reinterpret_cast<sockaddr*>(&bound), &size);
    endpoint_ = io::endpoint_of(bound);
    bell_ = eventfd(0, EFD_CLOEXEC);
    thread_ = std::thread([this] { run(); });
  }
  FakeNameServer(const FakeNameServer&) = delete;
  FakeNameServer& operator=(const FakeNameServer&) = delete;
  ~FakeNameServer() {
    const std::uint64_t one = 1;
    SIGNET_CHECK(::write(bell_, &one, sizeof(one)) == sizeof(one));
    thread_.join();
    ::close(socket_);
    ::close(bell_);
  }

  [[nodiscard]] const Endpoint& endpoint() const { return endpoint_; }

  void set(const std::string& name, std::vector<std::string> addresses, std::uint32_t ttl) {
    const std::scoped_lock lock(mutex_);
    names_[name] = {std::move(addresses), ttl};
  }
  void remove(const std::string& name) {
    const std::scoped_lock lock(mutex_);
    names_.erase(name);
  }
  void set_mood(Mood mood) {
    const std::scoped_lock lock(mutex_);
    mood_ = mood;
  }
  /// Questions for IPv4 addresses of `name` so far.
  [[nodiscard]] int asked(const std::string& name) {
    const std::scoped_lock lock(mutex_);
    return asked_[name];
  }

 private:
  struct Name {
    std::vector<std::string> addresses;
    std::uint32_t ttl = 0;
  };

  void run() {
    std::vector<std::uint8_t> message(4096);
    while (true) {
      pollfd polled[] = {{.fd = socket_, .events = POLLIN, .revents = 0}, {.fd = bell_, .events = POLLIN, .revents = 0}};
      ::poll(polled, 2, -1);
      if (polled[1].revents != 0) {
        return;
      }
      sockaddr_storage from{};
      socklen_t from_size = sizeof(from);
      const ssize_t size = ::recvfrom(socket_, message.data(), message.size(), 0, reinterpret_cast<sockaddr*>(&from), &from_size);
      if (size < 17) {
        continue;
      }
      const std::vector<std::uint8_t> reply = answer({message.begin(), message.begin() + size});
      if (!reply.empty()) {
        ::sendto(socket_, reply.data(), reply.size(), 0, reinterpret_cast<sockaddr*>(&from), from_size);
      }
    }
  }

  std::vector<std::uint8_t> answer(const std::vector<std::uint8_t>& query) {
    std::string text;
    std::size_t at = 12;
    while (at < query.size() && query[at] != 0) {
      const std::size_t end = at + 1 + query[at];
      text += text.empty() ? "" : ".";
      for (++at; at < end && at < query.size(); ++at) {
        text += static_cast<char>(std::tolower(query[at]));
      }
    }
    if (at + 5 > query.size()) {
      return {};
    }
    const bool ipv4 = query[at + 2] == 1;
    const std::scoped_lock lock(mutex_);
    asked_[text] += ipv4 ? 1 : 0;
    if (mood_ == Mood::silent) {
      return {};
    }
    const auto found = names_.find(text);
    const std::uint8_t code = mood_ == Mood::fails ? 2 : found == names_.end() ? 3 : 0;
    std::vector<std::uint8_t> reply(query.begin(), query.begin() + static_cast<std::ptrdiff_t>(at + 5));
    reply[2] = 0x85;  // an authoritative response
    reply[3] = static_cast<std::uint8_t>(0x80 | code);
    for (std::size_t i = 6; i < 12; ++i) {
      reply[i] = 0;
    }
    if (code == 0 && ipv4) {
      for (const std::string& address : found->second.addresses) {
        append_record(reply, *parse_address(address, 0), found->second.ttl);
        ++reply[7];
      }
    }
    return reply;
  }

  static void append_record(std::vector<std::uint8_t>& reply, const Endpoint& address, std::uint32_t ttl) {
    reply.insert(reply.end(), {0xc0, 12, 0, 1, 0, 1});  // the name of the question, A, IN
    for (int shift = 24; shift >= 0; shift -= 8) {
      reply.push_back(static_cast<std::uint8_t>(ttl >> shift));
    }
    reply.insert(reply.end(), {0, 4});
    reply.insert(reply.end(), address.address.begin(), address.address.begin() + 4);
  }

  int socket_ = -1;
  int bell_ = -1;
  Endpoint endpoint_;
  std::thread thread_;
  std::mutex mutex_;
  std::map<std::string, Name> names_;  ///< guarded by mutex_, as is the rest
  std::map<std::string, int> asked_;
  Mood mood_ = Mood::answers;
};

}  // namespace signet::test
