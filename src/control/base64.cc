// SPDX-License-Identifier: GPL-3.0-or-later
#include "base64.h"

#include <fmt/core.h>

#include <algorithm>
#include <cstddef>
#include <cstdint>

namespace signet::control {

namespace {

constexpr std::string_view alphabet = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
/// RFC 7468 §2.
constexpr std::size_t pem_line_size = 64;

int value_of(char c) {
  if (c >= 'A' && c <= 'Z') return c - 'A';
  if (c >= 'a' && c <= 'z') return c - 'a' + 26;
  if (c >= '0' && c <= '9') return c - '0' + 52;
  return c == '+' ? 62 : c == '/' ? 63 : -1;
}

bool is_space(char c) {
  return c == ' ' || c == '\t' || c == '\r' || c == '\n';
}

}  // namespace

std::optional<ByteVector> base64_decoded(std::string_view text) {
  ByteVector out;
  out.reserve(text.size() / 4 * 3 + 3);
  std::uint32_t bits = 0;
  std::size_t digits = 0;
  std::size_t padding = 0;
  for (const char c : text) {
    if (is_space(c)) {
      continue;
    }
    if (c == '=') {
      ++padding;
      continue;
    }
    const int value = value_of(c);
    if (value < 0 || padding > 0) {
      return std::nullopt;
    }
    bits = bits << 6 | static_cast<std::uint32_t>(value);
    if (++digits % 4 != 1) {
      const std::size_t left = digits % 4 == 2 ? 4 : digits % 4 == 3 ? 2 : 0;
      out.push_back(static_cast<std::byte>(bits >> left & 0xff));
    }
  }
  if (digits % 4 == 1 || padding != (4 - digits % 4) % 4) {
    return std::nullopt;
  }
  return out;
}

std::string pem_block(std::string_view label, ByteView content) {
  const std::size_t encoded_size = (content.size() + 2) / 3 * 4;
  std::string text;
  text.reserve(encoded_size + encoded_size / pem_line_size + 2 * label.size() + 64);  // grows no further: no copy of a key stays behind
  text.append("-----BEGIN ").append(label).append("-----\n");
  std::size_t column = 0;
  for (std::size_t at = 0; at < content.size(); at += 3) {
    const std::size_t count = std::min<std::size_t>(3, content.size() - at);
    std::uint32_t group = 0;
    for (std::size_t i = 0; i < 3; ++i) {
      group = group << 8 | (i < count ? static_cast<std::uint32_t>(content[at + i]) : 0);
    }
    for (std::size_t i = 0; i < 4; ++i) {
      text += i <= count ? alphabet[group >> (18 - 6 * i) & 63] : '=';
    }
    column += 4;
    if (column == pem_line_size || at + 3 >= content.size()) {
      text += '\n';
      column = 0;
    }
  }
  text.append("-----END ").append(label).append("-----\n");
  return text;
}

}  // namespace signet::control
