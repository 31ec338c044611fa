// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include <algorithm>
#include <array>
#include <cstddef>
#include <string_view>

namespace signet::wire {

/// A set of bytes, made at compile time; a look-up is one load. `CharacterSet("abc")`, or several texts for their union.
class CharacterSet {
 public:
  template <typename... Texts>
  consteval explicit CharacterSet(Texts... texts) {
    (add(texts), ...);
  }

  [[nodiscard]] constexpr bool contains(char c) const { return members_[static_cast<unsigned char>(c)]; }
  [[nodiscard]] constexpr bool contains_all(std::string_view text) const {
    return std::ranges::all_of(text, [this](char c) { return contains(c); });
  }
  /// Of the longest start of `text` that has only members.
  [[nodiscard]] constexpr std::size_t span(std::string_view text) const {
    std::size_t size = 0;
    while (size < text.size() && contains(text[size])) {
      ++size;
    }
    return size;
  }

 private:
  consteval void add(std::string_view text) {
    for (const char c : text) {
      members_[static_cast<unsigned char>(c)] = true;
    }
  }

  std::array<bool, 256> members_{};
};

inline constexpr std::string_view digit_characters = "0123456789";
inline constexpr std::string_view letter_characters = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ";

}  // namespace signet::wire
