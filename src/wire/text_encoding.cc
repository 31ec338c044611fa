// SPDX-License-Identifier: GPL-3.0-or-later
#include "text_encoding.h"

#include <cstdint>

namespace signet::wire {

namespace {

constexpr char32_t replacement = 0xfffd;

void append_utf16be(SecretBytes& out, char32_t unit) {
  out.push_back(static_cast<std::byte>(unit >> 8));
  out.push_back(static_cast<std::byte>(unit));
}

constexpr bool is_surrogate(char32_t unit) {
  return unit >= 0xd800 && unit <= 0xdfff;
}

}  // namespace

std::optional<char32_t> take_code_point(std::string_view& text) {
  if (text.empty()) return std::nullopt;
  const auto first = static_cast<std::uint8_t>(text[0]);
  if (first < 0x80) {
    text.remove_prefix(1);
    return first;
  }
  const std::size_t size = first >= 0xf0 ? 4 : first >= 0xe0 ? 3 : 2;
  if (first < 0xc2 || first > 0xf4 || text.size() < size) return std::nullopt;
  char32_t value = first & (0x7fU >> size);
  for (std::size_t i = 1; i < size; ++i) {
    const auto next = static_cast<std::uint8_t>(text[i]);
    if ((next & 0xc0U) != 0x80) return std::nullopt;
    value = (value << 6) | (next & 0x3fU);
  }
  const bool overlong = (size == 3 && value < 0x800) || (size == 4 && value < 0x10000);
  if (overlong || is_surrogate(value) || value > 0x10ffff) return std::nullopt;
  text.remove_prefix(size);
  return value;
}

void append_utf8(std::string& out, char32_t code_point) {
  const auto byte = [&out](char32_t value) { out += static_cast<char>(value); };
  if (code_point < 0x80) {
    byte(code_point);
  } else if (code_point < 0x800) {
    byte(0xc0 | (code_point >> 6));
    byte(0x80 | (code_point & 0x3f));
  } else if (code_point < 0x10000) {
    byte(0xe0 | (code_point >> 12));
    byte(0x80 | ((code_point >> 6) & 0x3f));
    byte(0x80 | (code_point & 0x3f));
  } else {
    byte(0xf0 | (code_point >> 18));
    byte(0x80 | ((code_point >> 12) & 0x3f));
    byte(0x80 | ((code_point >> 6) & 0x3f));
    byte(0x80 | (code_point & 0x3f));
  }
}

std::optional<SecretBytes> utf16be_from_utf8(std::string_view utf8) {
  SecretBytes out;
  out.reserve(utf8.size() * 2 + 2);
  while (!utf8.empty()) {
    const auto code_point = take_code_point(utf8);
    if (!code_point) return std::nullopt;
    if (*code_point < 0x10000) {
      append_utf16be(out, *code_point);
    } else {
      append_utf16be(out, 0xd800 + ((*code_point - 0x10000) >> 10));
      append_utf16be(out, 0xdc00 + ((*code_point - 0x10000) & 0x3ff));
    }
  }
  return out;
}

SecretBytes utf16be_from_latin1(std::string_view latin1) {
  SecretBytes out;
  out.reserve(latin1.size() * 2 + 2);
  for (const char octet : latin1)
    append_utf16be(out, static_cast<std::uint8_t>(octet));
  return out;
}

std::string utf8_from_utf16be(ByteView utf16) {
  std::string out;
  const auto unit_at = [&utf16](std::size_t i) {
    return static_cast<char32_t>((std::to_integer<unsigned>(utf16[i]) << 8) | std::to_integer<unsigned>(utf16[i + 1]));
  };
  std::size_t i = 0;
  for (; i + 1 < utf16.size(); i += 2) {
    char32_t unit = unit_at(i);
    if (is_surrogate(unit)) {
      const char32_t low = unit < 0xdc00 && i + 3 < utf16.size() ? unit_at(i + 2) : 0;
      if (low >= 0xdc00 && low <= 0xdfff) {
        unit = 0x10000 + ((unit - 0xd800) << 10) + (low - 0xdc00);
        i += 2;
      } else {
        unit = replacement;
      }
    }
    append_utf8(out, unit);
  }
  if (i != utf16.size()) append_utf8(out, replacement);
  return out;
}

std::string utf8_from_utf32be(ByteView utf32) {
  std::string out;
  std::size_t i = 0;
  for (; i + 3 < utf32.size(); i += 4) {
    char32_t value = 0;
    for (std::size_t octet = 0; octet < 4; ++octet)
      value = (value << 8) | std::to_integer<unsigned>(utf32[i + octet]);
    append_utf8(out, is_surrogate(value) || value > 0x10ffff ? replacement : value);
  }
  if (i != utf32.size()) append_utf8(out, replacement);
  return out;
}

std::string utf8_from_latin1(ByteView latin1) {
  std::string out;
  for (const std::byte octet : latin1)
    append_utf8(out, std::to_integer<unsigned>(octet));
  return out;
}

std::string printable(std::string_view utf8) {
  std::string out;
  while (!utf8.empty()) {
    const auto code_point = take_code_point(utf8);
    if (!code_point) {
      out += "\\" + hex_upper(as_bytes(utf8.substr(0, 1)));
      utf8.remove_prefix(1);
    } else if (*code_point < 0x20 || *code_point == 0x7f) {
      const auto octet = static_cast<char>(*code_point);
      out += "\\" + hex_upper(as_bytes(std::string_view(&octet, 1)));
    } else {
      append_utf8(out, *code_point);
    }
  }
  return out;
}

}  // namespace signet::wire
