// SPDX-License-Identifier: GPL-3.0-or-later
#include "signet/config/internal_address.h"

#include <algorithm>
#include <array>
#include <cstdint>

namespace signet::config {

namespace {

constexpr std::array<std::uint8_t, 12> mapped{0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0xff, 0xff};         // RFC 4291 §2.5.5.2
constexpr std::array<std::uint8_t, 12> translated{0, 0x64, 0xff, 0x9b, 0, 0, 0, 0, 0, 0, 0, 0};  // RFC 6052 §2.1

/// The IPv4 address that an IPv6 one stands for; any other as it is, without zone.
Endpoint plain(const Endpoint& address) {
  Endpoint made{.family = address.family, .port = address.port, .address = address.address, .scope = 0};
  const auto begins_with = [&](const auto& prefix) { return std::equal(prefix.begin(), prefix.end(), address.address.begin()); };
  if (address.family == Endpoint::Family::ipv6 && (begins_with(mapped) || begins_with(translated))) {
    made.family = Endpoint::Family::ipv4;
    made.address = {};
    std::copy(address.address.begin() + mapped.size(), address.address.end(), made.address.begin());
  }
  return made;
}

bool is_link_local(const Endpoint& address) {
  return address.family == Endpoint::Family::ipv4 ? address.address[0] == 169 && address.address[1] == 254
                                                  : address.address[0] == 0xfe && (address.address[1] & 0xc0U) == 0x80;
}

bool is_unspecified(const Endpoint& address) {
  return std::ranges::all_of(address.address, [](std::uint8_t octet) { return octet == 0; });
}

/// One that is bound to all addresses is reached through the loopback ones at least; a call to the unspecified address goes there too.
bool reaches(const Endpoint& address, const Endpoint& own) {
  if (address.port != own.port) {
    return false;
  }
  if (is_unspecified(address) || (is_unspecified(own) && address.is_loopback())) {
    return is_unspecified(own) || own.is_loopback();
  }
  return address == own;
}

}  // namespace

std::string_view internal_address_fault(const Endpoint& address, std::span<const Cidr> allowed, std::span<const Endpoint> own) {
  const Endpoint asked = plain(address);
  const bool link_local = is_link_local(asked);
  const bool ours = std::ranges::any_of(own, [&](const Endpoint& listener) { return reaches(asked, plain(listener)); });
  if ((!link_local && !ours) ||
      std::ranges::any_of(allowed, [&](const Cidr& block) { return block.contains(asked) || block.contains(address); })) {
    return {};
  }
  return link_local ? "a link-local address" : "the gateway's own management listener";
}

}  // namespace signet::config
