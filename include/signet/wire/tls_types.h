// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include <chrono>
#include <cstdint>
#include <string_view>

namespace signet::wire {

enum class TlsVersion : std::uint8_t { tls12, tls13 };

/// Key exchange groups, with their numbers in the TLS registry.
enum class TlsGroup : std::uint16_t {
  secp256r1 = 23,
  secp384r1 = 24,
  x25519 = 29,
  x25519_mlkem768 = 4588,
};

/// A check that an operator may switch off.
enum class Check : std::uint8_t { off, on };

/// Whether a peer may ask for a certificate after the handshake: post-handshake authentication (TLS 1.3, RFC 8446 §4.6.2) or one
/// renegotiation that the server starts (TLS 1.2, RFC 5746).
enum class LateAuthentication : std::uint8_t { off, allow };

/// How long a session may be resumed after its full handshake, unless an identity says otherwise.
inline constexpr std::chrono::seconds session_lifetime_default = std::chrono::hours(1);
/// RFC 8446 §4.6.1: no ticket is used longer than seven days; here none proves longer who the peer is.
inline constexpr std::chrono::seconds session_lifetime_max = std::chrono::days(7);

/// "TLSv1.2", "TLSv1.3". Static storage.
[[nodiscard]] std::string_view to_string(TlsVersion version);
/// "X25519", "P-256", "P-384", "X25519MLKEM768": the words of the configuration. Static storage.
[[nodiscard]] std::string_view to_string(TlsGroup group);
/// "bad_certificate" for 42 …; "unknown" for numbers without a name in RFC 8446 §6 or RFC 5246 §7.2. Static storage.
[[nodiscard]] std::string_view alert_name(std::uint8_t alert);

}  // namespace signet::wire
