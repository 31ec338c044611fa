// SPDX-License-Identifier: GPL-3.0-or-later
#include "json.h"

#include <fmt/core.h>
#include <simdjson.h>

#include <algorithm>
#include <optional>
#include <span>
#include <utility>

#include "signet/base/check.h"
#include "json_scanner.h"

namespace signet::config::json {

namespace {

constexpr std::string_view byte_order_mark = "\xef\xbb\xbf";

/// Hands out the scanner's offsets, one for each key and value in the order of the walk.
class Walk {
 public:
  Walk(std::string_view text, std::span<const std::size_t> offsets) : text_(text), offsets_(offsets) {}

  Node value(const simdjson::dom::element& element) {
    Node node{.offset = next()};
    switch (element.type()) {
      case simdjson::dom::element_type::NULL_VALUE: break;
      case simdjson::dom::element_type::BOOL:
        node.type = Type::boolean;
        node.boolean = element.get_bool().value_unsafe();
        break;
      case simdjson::dom::element_type::INT64:
      case simdjson::dom::element_type::UINT64:
      case simdjson::dom::element_type::DOUBLE:
        node.type = Type::number;
        node.text = number_text(node.offset);
        break;
      case simdjson::dom::element_type::STRING:
        node.type = Type::string;
        node.text = element.get_string().value_unsafe();
        break;
      case simdjson::dom::element_type::ARRAY:
        node.type = Type::array;
        add_elements(element.get_array().value_unsafe(), node);
        break;
      case simdjson::dom::element_type::OBJECT:
        node.type = Type::object;
        add_members(element.get_object().value_unsafe(), node);
        break;
    }
    return node;
  }

  /// Where the first object with too many members begins.
  [[nodiscard]] std::optional<std::size_t> overfull() const { return overfull_; }

 private:
  void add_elements(simdjson::dom::array array, Node& node) {
    for (const simdjson::dom::element child : array) {
      node.children.push_back(value(child));
    }
  }

  void add_members(simdjson::dom::object object, Node& node) {
    if (object.size() > members_max && !overfull_) {
      overfull_ = node.offset;
    }
    for (const simdjson::dom::key_value_pair member : object) {
      const std::size_t key_offset = next();
      node.children.push_back(value(member.value));
      node.children.back().key = member.key;
      node.children.back().key_offset = key_offset;
    }
  }

  std::size_t next() {
    SIGNET_CHECK(!offsets_.empty());
    const std::size_t offset = offsets_.front();
    offsets_ = offsets_.subspan(1);
    return offset;
  }

  std::string_view number_text(std::size_t offset) const {
    const std::string_view rest = text_.substr(offset);
    return rest.substr(0, std::min(rest.find_first_not_of("+-.0123456789eE"), rest.size()));
  }

  std::string_view text_;
  std::span<const std::size_t> offsets_;
  std::optional<std::size_t> overfull_;
};

/// The start of the first line that is not UTF-8. No character reaches over the end of a line.
std::size_t first_line_not_utf8(std::string_view text) {
  for (std::size_t start = 0; start < text.size();) {
    const std::size_t size = std::min(text.find('\n', start), text.size()) - start;
    if (!simdjson::validate_utf8(text.data() + start, size)) {
      return start;
    }
    start += size + 1;
  }
  return 0;
}

/// Bytes from one count of characters to the next. Every setting is asked for its place, so that this many are looked at for each.
constexpr std::size_t lines_step = 64;

bool is_first_of_character(char c) {
  return (static_cast<unsigned char>(c) & 0xc0) != 0x80;
}

}  // namespace

std::string_view name_of(Type type) {
  switch (type) {
    case Type::null: return "null";
    case Type::boolean: return "true or false";
    case Type::number: return "a number";
    case Type::string: return "a string";
    case Type::array: return "an array";
    case Type::object: return "an object";
  }
  return "";
}

std::expected<Node, SyntaxError> parse(std::string_view text, std::size_t depth_max) {
  const std::size_t mark = text.starts_with(byte_order_mark) ? byte_order_mark.size() : 0;
  const std::string_view body = text.substr(mark);
  if (!simdjson::validate_utf8(body.data(), body.size())) {
    return std::unexpected(
        SyntaxError{.offset = mark + first_line_not_utf8(body), .message = "expected UTF-8, found other bytes on this line"});
  }
  std::expected<std::vector<std::size_t>, SyntaxError> offsets = scan(body, depth_max);
  if (!offsets) {
    offsets.error().offset += mark;
    return std::unexpected(std::move(offsets.error()));
  }
  std::transform(offsets->begin(), offsets->end(), offsets->begin(), [mark](std::size_t offset) { return offset + mark; });
  simdjson::dom::parser parser;
  simdjson::dom::element root;
  if (const simdjson::error_code error = parser.parse(body.data(), body.size()).get(root); error != simdjson::SUCCESS) {
    return std::unexpected(SyntaxError{.offset = mark, .message = simdjson::error_message(error)});
  }
  Walk walk(text, *offsets);
  Node node = walk.value(root);
  if (walk.overfull()) {
    return std::unexpected(
        SyntaxError{.offset = *walk.overfull(), .message = fmt::format("expected no more than {} members in an object", members_max)});
  }
  return node;
}

Lines::Lines(std::string_view text) : text_(text), starts_{0} {
  std::size_t characters = 0;
  for (std::size_t i = 0; i < text.size(); ++i) {
    if (i % lines_step == 0) {
      characters_.push_back(characters);
    }
    characters += is_first_of_character(text[i]) ? std::size_t{1} : std::size_t{0};
    if (text[i] == '\n') {
      starts_.push_back(i + 1);
    }
  }
}

Position Lines::at(std::size_t offset) const {
  const auto after = std::upper_bound(starts_.begin(), starts_.end(), offset);
  const std::size_t start = *(after - 1);
  return {.line = static_cast<std::uint32_t>(after - starts_.begin()),
          .column = static_cast<std::uint32_t>(characters_before(offset) - characters_before(start)) + 1};
}

std::size_t Lines::characters_before(std::size_t offset) const {
  if (characters_.empty()) {
    return 0;
  }
  const std::size_t step = std::min(offset / lines_step, characters_.size() - 1);
  const std::string_view rest = text_.substr(step * lines_step, offset - step * lines_step);
  return characters_[step] + static_cast<std::size_t>(std::count_if(rest.begin(), rest.end(), is_first_of_character));
}

}  // namespace signet::config::json
