// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include <optional>
#include <string>
#include <string_view>

#include "signet/base/bytes.h"
#include "signet/wire/digest.h"
#include "secret_bytes.h"

/// The character sets of certificates and PFX files, from and to UTF-8.
namespace signet::wire {

/// Takes one code point off the front; nothing, and `text` unchanged, if it does not start with well-formed UTF-8 (RFC 3629).
[[nodiscard]] std::optional<char32_t> take_code_point(std::string_view& text);
void append_utf8(std::string& out, char32_t code_point);

/// UTF-16, big end first, without terminator (BMPString as PKCS #12 uses it; characters outside the BMP become surrogate pairs, as Windows
/// and OpenSSL write them). Nothing if `utf8` is not UTF-8.
[[nodiscard]] std::optional<SecretBytes> utf16be_from_utf8(std::string_view utf8);
/// Every octet becomes one UTF-16 unit: how programs without a notion of character sets make a BMPString.
[[nodiscard]] SecretBytes utf16be_from_latin1(std::string_view latin1);

/// Unpaired surrogates and incomplete units become U+FFFD.
[[nodiscard]] std::string utf8_from_utf16be(ByteView utf16);
[[nodiscard]] std::string utf8_from_utf32be(ByteView utf32);
[[nodiscard]] std::string utf8_from_latin1(ByteView latin1);

/// For a line of text that people read: control characters and octets that are not UTF-8 as a backslash and two hexadecimal digits.
[[nodiscard]] std::string printable(std::string_view utf8);

}  // namespace signet::wire
