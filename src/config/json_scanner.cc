// SPDX-License-Identifier: GPL-3.0-or-later
#include "json_scanner.h"

#include <fmt/core.h>

#include <string>
#include <utility>

namespace signet::config::json {

namespace {

bool is_digit(char c) {
  return c >= '0' && c <= '9';
}

/// Recursive descent; each function leaves `at_` behind what it read, or sets `error_` and returns false.
class Scanner {
 public:
  Scanner(std::string_view text, std::size_t depth_max) : text_(text), depth_max_(depth_max) {}

  std::expected<std::vector<std::size_t>, SyntaxError> run() {
    skip_space();
    if (value()) {
      skip_space();
      if (at_ == text_.size() || refuse("the end of the text")) {
        return std::move(offsets_);
      }
    }
    return std::unexpected(std::move(error_));
  }

 private:
  char peek() const { return at_ < text_.size() ? text_[at_] : '\0'; }

  void skip_space() {
    while (at_ < text_.size() && (text_[at_] == ' ' || text_[at_] == '\t' || text_[at_] == '\n' || text_[at_] == '\r')) {
      ++at_;
    }
  }

  /// Always false.
  bool refuse(std::string_view expected) {
    error_.offset = at_;
    const auto byte = static_cast<unsigned char>(peek());
    if (at_ == text_.size()) {
      error_.message = fmt::format("expected {}, found the end of the text", expected);
    } else if (byte > 0x20 && byte < 0x7f) {
      error_.message = fmt::format("expected {}, found '{}'", expected, peek());
    } else {
      error_.message = fmt::format("expected {}, found byte 0x{:02x}", expected, byte);
    }
    return false;
  }

  bool value() {
    offsets_.push_back(at_);
    switch (peek()) {
      case '{': return nested('}');
      case '[': return nested(']');
      case '"': return string();
      case 't': return word("true");
      case 'f': return word("false");
      case 'n': return word("null");
      default: return peek() == '-' || is_digit(peek()) ? number() : refuse("a value");
    }
  }

  /// An array or an object, by its closing character.
  bool nested(char close) {
    if (depth_ == depth_max_) {
      return refuse(fmt::format("no more than {} nested arrays and objects", depth_max_));
    }
    ++depth_;
    ++at_;
    skip_space();
    if (peek() != close) {
      for (;;) {
        if (!(close == '}' ? member() : value())) {
          return false;
        }
        skip_space();
        if (peek() != ',') {
          break;
        }
        const std::size_t comma = at_++;
        skip_space();
        if (peek() == close) {
          at_ = comma;
          return refuse(close == '}' ? "no comma behind the last member" : "no comma behind the last element");
        }
      }
    }
    if (peek() != close) {
      return refuse(close == '}' ? "',' or '}'" : "',' or ']'");
    }
    ++at_;
    --depth_;
    return true;
  }

  bool member() {
    if (peek() != '"') {
      return refuse("a member's name in double quotes");
    }
    offsets_.push_back(at_);
    if (!string()) {
      return false;
    }
    skip_space();
    if (peek() != ':') {
      return refuse("':'");
    }
    ++at_;
    skip_space();
    return value();
  }

  bool string() {
    ++at_;
    for (;;) {
      if (at_ == text_.size() || text_[at_] == '\n') {
        return refuse("'\"' at the end of the string");
      }
      const char c = text_[at_];
      if (static_cast<unsigned char>(c) < 0x20) {
        return refuse("an escape (\\n, \\t, \\u00…) for a control character");
      }
      ++at_;
      if (c == '"') {
        return true;
      }
      if (c == '\\' && !escape()) {
        return false;
      }
    }
  }

  bool escape() {
    constexpr std::string_view simple = "\"\\/bfnrt";
    if (at_ < text_.size() && simple.find(text_[at_]) != std::string_view::npos) {
      ++at_;
      return true;
    }
    if (peek() != 'u') {
      return refuse("one of \" \\ / b f n r t u behind a backslash");
    }
    ++at_;
    for (int i = 0; i < 4; ++i) {
      const char c = peek();
      if (!is_digit(c) && !((c | 0x20) >= 'a' && (c | 0x20) <= 'f')) {
        return refuse("four hexadecimal digits behind \\u");
      }
      ++at_;
    }
    return true;
  }

  bool digits() {
    if (!is_digit(peek())) {
      return refuse("a digit");
    }
    while (is_digit(peek())) {
      ++at_;
    }
    return true;
  }

  bool number() {
    if (peek() == '-') {
      ++at_;
    }
    if (peek() == '0') {
      ++at_;
      if (is_digit(peek())) {
        return refuse("no digit behind a leading zero");
      }
    } else if (!digits()) {
      return false;
    }
    if (peek() == '.') {
      ++at_;
      if (!digits()) {
        return false;
      }
    }
    if ((peek() | 0x20) == 'e') {
      ++at_;
      if (peek() == '+' || peek() == '-') {
        ++at_;
      }
      return digits();
    }
    return true;
  }

  bool word(std::string_view expected) {
    if (!text_.substr(at_).starts_with(expected)) {
      return refuse(expected);
    }
    at_ += expected.size();
    return true;
  }

  std::string_view text_;
  std::size_t depth_max_;
  std::size_t depth_ = 0;
  std::size_t at_ = 0;
  std::vector<std::size_t> offsets_;
  SyntaxError error_;
};

}  // namespace

std::expected<std::vector<std::size_t>, SyntaxError> scan(std::string_view text, std::size_t depth_max) {
  return Scanner(text, depth_max).run();
}

}  // namespace signet::config::json
