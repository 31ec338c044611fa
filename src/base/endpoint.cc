// SPDX-License-Identifier: GPL-3.0-or-later
#include "signet/base/endpoint.h"

#include <arpa/inet.h>

#include <algorithm>
#include <charconv>
#include <cstring>

namespace signet {

bool Endpoint::is_loopback() const {
  if (family == Family::ipv4) {
    return address[0] == 127;
  }
  constexpr std::array<std::uint8_t, 16> loopback{0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 1};
  constexpr std::array<std::uint8_t, 12> mapped{0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0xff, 0xff};
  return address == loopback || (std::equal(mapped.begin(), mapped.end(), address.begin()) && address[12] == 127);
}

std::string_view Endpoint::address_text(TextBuffer& buffer) const {
  if (family == Family::ipv4) {  // once per call: inet_ntop goes through printf
    char* at = buffer.data();
    for (std::size_t i = 0; i < 4; ++i) {
      if (i != 0) {
        *at++ = '.';
      }
      at = std::to_chars(at, buffer.data() + buffer.size(), address[i]).ptr;
    }
    return {buffer.data(), static_cast<std::size_t>(at - buffer.data())};
  }
  inet_ntop(AF_INET6, address.data(), buffer.data(), INET6_ADDRSTRLEN);
  return {buffer.data(), std::strlen(buffer.data())};
}

std::string_view Endpoint::text(TextBuffer& buffer) const {
  static_assert(text_size_max >= INET6_ADDRSTRLEN + std::string_view("[]:65535").size());
  TextBuffer address_buffer;
  const std::string_view address_part = address_text(address_buffer);
  char* at = buffer.data();
  if (family == Family::ipv6) {
    *at++ = '[';
  }
  at = std::copy(address_part.begin(), address_part.end(), at);
  if (family == Family::ipv6) {
    *at++ = ']';
  }
  *at++ = ':';
  at = std::to_chars(at, buffer.data() + buffer.size(), port).ptr;
  return {buffer.data(), static_cast<std::size_t>(at - buffer.data())};
}

std::string Endpoint::address_text() const {
  TextBuffer buffer;
  return std::string(address_text(buffer));
}

std::string Endpoint::text() const {
  TextBuffer buffer;
  return std::string(text(buffer));
}

std::optional<Endpoint> parse_address(std::string_view address, std::uint16_t port) {
  std::array<char, INET6_ADDRSTRLEN> text{};
  if (address.empty() || address.size() >= text.size()) {
    return std::nullopt;
  }
  std::memcpy(text.data(), address.data(), address.size());
  Endpoint endpoint{.family = Endpoint::Family::ipv4, .port = port};
  if (inet_pton(AF_INET, text.data(), endpoint.address.data()) == 1) {
    return endpoint;
  }
  endpoint = Endpoint{.family = Endpoint::Family::ipv6, .port = port};
  if (inet_pton(AF_INET6, text.data(), endpoint.address.data()) == 1) {
    return endpoint;
  }
  return std::nullopt;
}

std::optional<Endpoint> parse_endpoint(std::string_view text) {
  const std::size_t colon = text.rfind(':');
  if (colon == std::string_view::npos || colon + 1 == text.size()) {
    return std::nullopt;
  }
  std::uint16_t port = 0;
  const char* end = text.data() + text.size();
  if (const auto [stop, error] = std::from_chars(text.data() + colon + 1, end, port); error != std::errc{} || stop != end) {
    return std::nullopt;
  }
  std::string_view address = text.substr(0, colon);
  const bool bracketed = address.size() >= 2 && address.front() == '[' && address.back() == ']';
  if (bracketed) {
    address = address.substr(1, address.size() - 2);
  }
  const std::optional<Endpoint> endpoint = parse_address(address, port);
  if (!endpoint || bracketed != (endpoint->family == Endpoint::Family::ipv6)) {
    return std::nullopt;
  }
  return endpoint;
}

std::size_t EndpointHash::operator()(const Endpoint& endpoint) const noexcept {
  std::uint64_t hash = 0xcbf29ce484222325;  // FNV-1a: keys are few and chosen by the operator
  const auto mix = [&hash](std::uint8_t byte) { hash = (hash ^ byte) * 0x100000001b3; };
  std::for_each(endpoint.address.begin(), endpoint.address.end(), mix);
  mix(static_cast<std::uint8_t>(endpoint.port));
  mix(static_cast<std::uint8_t>(endpoint.port >> 8));
  mix(static_cast<std::uint8_t>(endpoint.scope));
  return hash;
}

}  // namespace signet
