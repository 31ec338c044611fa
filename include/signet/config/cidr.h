// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "signet/base/endpoint.h"

namespace signet::config {

/// A block of addresses (RFC 4632, RFC 4291 §2.3). A value.
struct Cidr {
  Endpoint network;               ///< port 0; bits behind the prefix are zero
  std::uint8_t prefix_bits = 32;  ///< up to 32 for IPv4, up to 128 for IPv6

  /// The port does not matter. An IPv4 address in IPv6 form (::ffff:10.0.0.1) counts as the IPv4 address.
  [[nodiscard]] bool contains(const Endpoint& endpoint) const;
  [[nodiscard]] std::string text() const;

  friend bool operator==(const Cidr&, const Cidr&) = default;
};

/// "10.0.0.0/8", "fd00::/8"; without a prefix exactly one address. Nothing for anything else, also for a block with bits set behind its
/// prefix ("10.0.0.1/8"): it is not clear what was meant.
[[nodiscard]] std::optional<Cidr> parse_cidr(std::string_view text);

}  // namespace signet::config
