// SPDX-License-Identifier: GPL-3.0-or-later
#include "signet/wire/digest.h"

#include <sys/random.h>
#include <wolfssl/wolfcrypt/coding.h>
#include <wolfssl/wolfcrypt/hash.h>
#include <wolfssl/wolfcrypt/settings.h>
#include <wolfssl/wolfcrypt/sha256.h>

#include <algorithm>
#include <cerrno>

#include "signet/base/check.h"
#include "secret_bytes.h"
#include "wolfssl_bytes.h"

namespace signet::wire {

namespace {

constexpr bool is_space(char c) {
  return c == ' ' || c == '\t' || c == '\r' || c == '\n' || c == '\f' || c == '\v';
}

/// Above 15: no digit.
constexpr unsigned hex_value(char digit) {
  if (digit >= '0' && digit <= '9') {
    return static_cast<unsigned>(digit - '0');
  }
  const char lower = static_cast<char>(digit | 0x20);
  return lower >= 'a' && lower <= 'f' ? static_cast<unsigned>(lower - 'a') + 10 : 16;
}

}  // namespace

Sha256Digest sha256(ByteView bytes) {
  Sha256Digest digest;
  SIGNET_CHECK(wc_Sha256Hash(raw(bytes), wolfssl_size(bytes), raw_out(digest)) == 0);
  return digest;
}

void fill_random(MutableByteView bytes) {
  while (!bytes.empty()) {
    const ssize_t got = ::getrandom(bytes.data(), bytes.size(), 0);
    SIGNET_CHECK(got > 0 || errno == EINTR);
    if (got > 0) {
      bytes = bytes.subspan(static_cast<std::size_t>(got));
    }
  }
}

bool equal_in_constant_time(ByteView left, ByteView right) {
  if (left.size() != right.size()) {
    return false;
  }
  volatile unsigned difference = 0;  // so that no compiler ends the loop early
  for (std::size_t i = 0; i < left.size(); ++i) {
    difference = difference | std::to_integer<unsigned>(left[i] ^ right[i]);
  }
  return difference == 0;
}

std::string base64_encode(ByteView bytes) {
  if (bytes.empty()) {
    return {};
  }
  std::string text((bytes.size() + 2) / 3 * 4, '\0');
  auto size = static_cast<word32>(text.size());
  SIGNET_CHECK(Base64_Encode_NoNl(raw(bytes), wolfssl_size(bytes), reinterpret_cast<unsigned char*>(text.data()), &size) == 0);
  SIGNET_CHECK(size == text.size());
  return text;
}

std::optional<SecretBytes> base64_decode(std::string_view text) {
  SecretBytes digits;
  digits.reserve(text.size() + 1);
  for (const char c : text) {
    if (!is_space(c)) digits.push_back(static_cast<std::byte>(c));
  }
  if (digits.empty() || digits.size() % 4 != 0) return std::nullopt;
  // wolfCrypt would pass over what follows the padding
  const auto padding = std::ranges::find(digits, std::byte{'='});
  if (digits.end() - padding > 2 || !std::all_of(padding, digits.end(), [](std::byte octet) { return octet == std::byte{'='}; })) {
    return std::nullopt;
  }
  SecretBytes out(digits.size() / 4 * 3);
  auto size = static_cast<word32>(out.size());
  if (Base64_Decode(raw(digits), static_cast<word32>(digits.size()), raw_out(out), &size) != 0) return std::nullopt;
  out.resize(size);
  return out;
}

std::string hex_upper(ByteView bytes) {
  constexpr std::string_view digits = "0123456789ABCDEF";
  std::string out;
  out.reserve(bytes.size() * 2);
  for (const std::byte octet : bytes) {
    out += digits[std::to_integer<unsigned>(octet >> 4)];
    out += digits[std::to_integer<unsigned>(octet & std::byte{0x0f})];
  }
  return out;
}

std::optional<SecretBytes> hex_decode(std::string_view text) {
  if (text.size() % 2 != 0) {
    return std::nullopt;
  }
  SecretBytes out;
  out.reserve(text.size() / 2);
  for (std::size_t i = 0; i < text.size(); i += 2) {
    const unsigned high = hex_value(text[i]);
    const unsigned low = hex_value(text[i + 1]);
    if (high > 15 || low > 15) {
      return std::nullopt;
    }
    out.push_back(static_cast<std::byte>(high << 4 | low));
  }
  return out;
}

}  // namespace signet::wire
