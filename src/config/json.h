// SPDX-License-Identifier: GPL-3.0-or-later
// JSON as a tree in which every key and value knows where it stood.
//
// simdjson reads the values; what it does not give (3.0.1, the oldest that is supported) are places: neither of values in its tree nor of
// syntax errors. So a scanner walks the text first: it notes the offset of each key and value in document order, which is also the order in
// which simdjson's tree is walked, and stops at the first fault.
#pragma once

#include <cstddef>
#include <cstdint>
#include <expected>
#include <string>
#include <string_view>
#include <vector>

namespace signet::config::json {

enum class Type : std::uint8_t { null, boolean, number, string, array, object };

/// "a string", "an object", …: for messages.
[[nodiscard]] std::string_view name_of(Type type);

/// Value and, inside an object, its key.
struct Node {
  Type type = Type::null;
  std::size_t offset = 0;  ///< of the value's first byte
  std::string text;        ///< string: without escapes; number: as written
  bool boolean = false;
  std::string key;
  std::size_t key_offset = 0;
  std::vector<Node> children;  ///< elements, or members in the order of the text (repeated keys stay)
};

struct SyntaxError {
  std::size_t offset = 0;
  std::string message;
};

/// In one object. No object of ours comes near it, and whoever looks for names in objects may take them one by one.
inline constexpr std::size_t members_max = 1000;

/// Reads RFC 8259 text of at most `depth_max` nested arrays and objects, with at most `members_max` members in each object. A byte order
/// mark at the start is passed over.
[[nodiscard]] std::expected<Node, SyntaxError> parse(std::string_view text, std::size_t depth_max);

struct Position {
  std::uint32_t line = 1;
  std::uint32_t column = 1;
};

/// Offsets to lines and columns (both from 1; a column is one code point).
class Lines {
 public:
  /// `text` must stay.
  explicit Lines(std::string_view text);
  [[nodiscard]] Position at(std::size_t offset) const;

 private:
  /// Code points in the first `offset` bytes.
  [[nodiscard]] std::size_t characters_before(std::size_t offset) const;

  std::string_view text_;
  std::vector<std::size_t> starts_;
  std::vector<std::size_t> characters_;  ///< before the bytes at which a step begins: a whole file may be one line
};

}  // namespace signet::config::json
