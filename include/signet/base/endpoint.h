// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include <array>
#include <compare>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

namespace signet {

/// One resolved address and port. A value: compare, hash, copy.
struct Endpoint {
  enum class Family : std::uint8_t { ipv4, ipv6 };

  Family family = Family::ipv4;
  std::uint16_t port = 0;                  ///< host byte order
  std::array<std::uint8_t, 16> address{};  ///< network byte order; IPv4 uses the first four bytes, the others are zero
  std::uint32_t scope = 0;                 ///< IPv6 zone index, for link-local addresses

  [[nodiscard]] bool is_loopback() const;
  /// Room for either text.
  static constexpr std::size_t text_size_max = 64;
  using TextBuffer = std::array<char, text_size_max>;

  /// The address without port: "127.0.0.1", "::1".
  [[nodiscard]] std::string address_text() const;
  /// "127.0.0.1:8080", "[::1]:8080".
  [[nodiscard]] std::string text() const;
  /// The same without allocation; views `buffer`.
  [[nodiscard]] std::string_view address_text(TextBuffer& buffer) const;
  [[nodiscard]] std::string_view text(TextBuffer& buffer) const;

  friend bool operator==(const Endpoint&, const Endpoint&) = default;
  friend auto operator<=>(const Endpoint&, const Endpoint&) = default;
};

/// "127.0.0.1:8080", "[::1]:8080"; nothing for anything else (names are not resolved here). Port 0 is accepted: "any free port" to a
/// listener.
[[nodiscard]] std::optional<Endpoint> parse_endpoint(std::string_view text);

/// "127.0.0.1" or "::1" (no brackets) with a port; nothing if `address` is not an IP address.
[[nodiscard]] std::optional<Endpoint> parse_address(std::string_view address, std::uint16_t port);

struct EndpointHash {
  [[nodiscard]] std::size_t operator()(const Endpoint& endpoint) const noexcept;
};

}  // namespace signet
