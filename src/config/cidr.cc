// SPDX-License-Identifier: GPL-3.0-or-later
#include "signet/config/cidr.h"

#include <fmt/core.h>

#include <algorithm>
#include <array>
#include <charconv>

namespace signet::config {

namespace {

constexpr std::array<std::uint8_t, 12> mapped_prefix{0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0xff, 0xff};

bool is_mapped(const Endpoint& endpoint) {
  return endpoint.family == Endpoint::Family::ipv6 && std::equal(mapped_prefix.begin(), mapped_prefix.end(), endpoint.address.begin());
}

Endpoint unmapped(const Endpoint& endpoint) {
  Endpoint plain{.family = Endpoint::Family::ipv4, .port = endpoint.port};
  std::copy(endpoint.address.begin() + 12, endpoint.address.end(), plain.address.begin());
  return plain;
}

std::uint8_t address_bits(Endpoint::Family family) {
  return family == Endpoint::Family::ipv4 ? 32 : 128;
}

std::uint8_t mask_of_byte(std::uint8_t prefix_bits, std::size_t byte) {
  const int bits = std::clamp(static_cast<int>(prefix_bits) - static_cast<int>(byte) * 8, 0, 8);
  return static_cast<std::uint8_t>(0xff00 >> bits);
}

}  // namespace

bool Cidr::contains(const Endpoint& endpoint) const {
  if (is_mapped(endpoint)) {
    return contains(unmapped(endpoint));
  }
  if (endpoint.family != network.family) {
    return false;
  }
  for (std::size_t i = 0; i < endpoint.address.size(); ++i) {
    if ((endpoint.address[i] & mask_of_byte(prefix_bits, i)) != network.address[i]) {
      return false;
    }
  }
  return true;
}

std::string Cidr::text() const {
  return fmt::format("{}/{}", network.address_text(), prefix_bits);
}

std::optional<Cidr> parse_cidr(std::string_view text) {
  const std::size_t slash = text.find('/');
  const std::optional<Endpoint> address = parse_address(text.substr(0, slash), 0);
  if (!address) {
    return std::nullopt;
  }
  Cidr cidr{.network = *address, .prefix_bits = address_bits(address->family)};
  if (slash != std::string_view::npos) {
    const char* const end = text.data() + text.size();
    const auto [stop, error] = std::from_chars(text.data() + slash + 1, end, cidr.prefix_bits);
    if (error != std::errc{} || stop != end || cidr.prefix_bits > address_bits(address->family)) {
      return std::nullopt;
    }
  }
  if (is_mapped(cidr.network)) {
    if (cidr.prefix_bits < 96) {
      return std::nullopt;
    }
    cidr = Cidr{.network = unmapped(cidr.network), .prefix_bits = static_cast<std::uint8_t>(cidr.prefix_bits - 96)};
  }
  for (std::size_t i = 0; i < cidr.network.address.size(); ++i) {
    if ((cidr.network.address[i] & static_cast<std::uint8_t>(~mask_of_byte(cidr.prefix_bits, i))) != 0) {
      return std::nullopt;
    }
  }
  return cidr;
}

}  // namespace signet::config
