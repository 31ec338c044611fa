// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include <array>
#include <cstdint>
#include <string>
#include <string_view>

#include "signet/base/bytes.h"
#include "signet/base/result.h"

namespace signet::wire {

/// The name that a server must prove to have: the reference identifier of RFC 9525. A DNS name or an IP address. A value.
///
/// Only subject alternative names are ever compared with it (RFC 9525 §6.3: never the subject's common name). A DNS name matches without
/// regard to ASCII case; a wildcard stands for exactly one label and must be the whole left-most label, with at least two labels behind it.
/// An IP address matches an iPAddress entry byte for byte, and no dNSName, whatever its text.
class ServerName {
 public:
  /// Accepts an IPv4 or IPv6 address (no brackets, no zone), or a DNS name in A-label form (ASCII letters, digits, hyphen, underscore;
  /// labels of 1 to 63 bytes, 253 in all; one trailing dot is dropped). Error: config, origin internal.
  [[nodiscard]] static Result<ServerName> parse(std::string_view text);

  [[nodiscard]] bool is_address() const { return address_size_ != 0; }
  /// Lower case, no trailing dot; an address in its canonical text form.
  [[nodiscard]] const std::string& text() const { return text_; }

  /// Does this dNSName entry of a certificate name us? False for anything that is not a valid presented identifier.
  [[nodiscard]] bool matches_dns_name(std::string_view presented) const;
  /// Does this iPAddress entry of a certificate (4 or 16 bytes, network order) name us?
  [[nodiscard]] bool matches_address(ByteView presented) const;

 private:
  ServerName() = default;

  std::string text_;
  std::array<std::uint8_t, 16> address_{};
  std::uint8_t address_size_ = 0;  ///< 0: a DNS name
};

}  // namespace signet::wire
