// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include <array>
#include <cstddef>
#include <optional>
#include <string>
#include <string_view>

#include "signet/base/bytes.h"
#include "signet/wire/secret_bytes.h"

/// What tokens, entity tags and sealed values are made of. All thread-safe.
namespace signet::wire {

inline constexpr std::size_t sha256_bytes = 32;
using Sha256Digest = std::array<std::byte, sha256_bytes>;

[[nodiscard]] Sha256Digest sha256(ByteView bytes);

/// Fills `bytes` from the kernel's generator: fit for keys and tokens. Blocks only while the system has just been switched on.
void fill_random(MutableByteView bytes);

/// Takes as long for unequal bytes as for equal ones of the same size; the size is no secret.
[[nodiscard]] bool equal_in_constant_time(ByteView left, ByteView right);

/// RFC 4648 §4, padded, in one line.
[[nodiscard]] std::string base64_encode(ByteView bytes);
/// White space is passed over. Nothing if anything else is not Base64, and for an empty text.
[[nodiscard]] std::optional<SecretBytes> base64_decode(std::string_view text);

/// Upper-case hexadecimal, no separators.
[[nodiscard]] std::string hex_upper(ByteView bytes);
/// Of either case. Nothing if anything else is in it, or half an octet.
[[nodiscard]] std::optional<SecretBytes> hex_decode(std::string_view text);

}  // namespace signet::wire
