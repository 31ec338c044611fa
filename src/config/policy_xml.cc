// SPDX-License-Identifier: GPL-3.0-or-later
// pugixml makes the tree; it is lenient, and knows only where elements begin. So a scanner walks the text first: it refuses what pugixml
// would let pass, and notes begin and end of every element in the order of the document, which is also the order of the tree.
#include "policy_xml.h"

#include <fmt/core.h>
#include <simdjson.h>

#include <algorithm>
#include <array>
#include <charconv>
#include <optional>
#include <pugixml.hpp>

#include "signet/config/policy.h"
#include "json.h"

namespace signet::config {

namespace {

constexpr std::string_view byte_order_mark = "\xef\xbb\xbf";
constexpr std::string_view blanks = " \t\r\n";

struct Place {
  std::size_t begin = 0;
  std::size_t content = 0;
  std::size_t end = 0;
};

struct Fault {
  std::size_t offset = 0;
  std::string message;
};

/// XML 1.0, production 2.
bool is_xml_character(std::uint32_t code) {
  return code == 0x9 || code == 0xa || code == 0xd || (code >= 0x20 && code <= 0xd7ff) || (code >= 0xe000 && code <= 0xfffd) ||
         (code >= 0x10000 && code <= 0x10ffff);
}

/// What stands between & and ;.
bool is_reference(std::string_view name) {
  if (name == "amp" || name == "lt" || name == "gt" || name == "quot" || name == "apos") {
    return true;
  }
  if (!name.starts_with('#')) {
    return false;
  }
  name.remove_prefix(1);
  const int base = name.starts_with('x') ? 16 : 10;
  name.remove_prefix(base == 16 ? 1 : 0);
  std::uint32_t code = 0;
  const auto [stop, error] = std::from_chars(name.data(), name.data() + name.size(), code, base);
  return error == std::errc{} && stop == name.data() + name.size() && is_xml_character(code);
}

class Scanner {
 public:
  explicit Scanner(std::string_view text) : text_(text) {}

  /// False after a fault.
  bool run();
  [[nodiscard]] const std::vector<Place>& places() const { return places_; }
  [[nodiscard]] const Fault& fault() const { return fault_; }

 private:
  bool refuse(std::size_t offset, std::string message) {
    fault_ = Fault{.offset = offset, .message = std::move(message)};
    return false;
  }
  bool skip(std::string_view end, std::string_view what);
  bool markup();
  bool tag();
  bool reference();
  bool declaration();

  std::string_view text_;
  std::size_t at_ = 0;
  std::vector<Place> places_;
  std::vector<std::size_t> open_;  ///< in `places_`
  Fault fault_;
};

bool Scanner::run() {
  while (at_ < text_.size()) {
    const char c = text_[at_];
    if (c == '<') {
      if (!markup()) {
        return false;
      }
    } else if (open_.empty() && blanks.find(c) == std::string_view::npos) {
      return refuse(at_, "expected one element <policies>, found text beside it");
    } else if (c == '&') {
      if (!reference()) {
        return false;
      }
    } else {
      ++at_;
    }
  }
  if (!open_.empty()) {
    return refuse(places_[open_.back()].begin, "expected an end tag");
  }
  return !places_.empty() || refuse(0, "expected a document <policies>, found no element");
}

bool Scanner::skip(std::string_view end, std::string_view what) {
  const std::size_t found = text_.find(end, at_);
  if (found == std::string_view::npos) {
    return refuse(at_, fmt::format("expected {} behind {}", end, what));
  }
  at_ = found + end.size();
  return true;
}

bool Scanner::markup() {
  const std::string_view rest = text_.substr(at_);
  if (rest.starts_with("<!--")) {
    at_ += 4;
    return skip("-->", "a comment");
  }
  if (rest.starts_with("<![CDATA[") && !open_.empty()) {
    return skip("]]>", "<![CDATA[");
  }
  if (rest.starts_with("<?xml ") && at_ == 0) {
    return declaration();
  }
  if (rest.starts_with("<!")) {
    return refuse(at_, "expected no document type or entity declarations: policies have none");
  }
  if (rest.starts_with("<?")) {
    return refuse(at_, "expected no processing instructions: policies have none");
  }
  return tag();
}

/// Nothing but UTF-8 is read.
bool Scanner::declaration() {
  const std::size_t begin = at_;
  if (!skip("?>", "<?xml")) {
    return false;
  }
  std::string text(text_.substr(begin, at_ - begin));
  std::ranges::transform(text, text.begin(), [](char c) { return c >= 'A' && c <= 'Z' ? static_cast<char>(c | 0x20) : c; });
  const bool other = text.find("encoding") != std::string::npos && text.find("utf-8") == std::string::npos;
  return !other || refuse(begin, "expected the encoding UTF-8");
}

bool Scanner::tag() {
  const std::size_t begin = at_++;
  const bool closing = at_ < text_.size() && text_[at_] == '/';
  char quote = 0;
  for (;; ++at_) {
    if (at_ >= text_.size()) {
      return refuse(begin, quote != 0 ? "expected a quote at the end of an attribute's value" : "expected > at the end of a tag");
    }
    const char c = text_[at_];
    if (c == '<') {
      return refuse(at_, quote != 0 ? "expected &lt; in place of < in an attribute's value" : "expected > before the next <");
    }
    if (c == '&') {
      if (!reference()) {
        return false;
      }
      --at_;
    } else if (quote != 0) {
      quote = c == quote ? '\0' : quote;
    } else if (c == '"' || c == '\'') {
      quote = c;
    } else if (c == '>') {
      break;
    }
  }
  const bool empty = text_[at_ - 1] == '/';
  ++at_;
  if (closing) {
    if (open_.empty()) {
      return refuse(begin, "expected no end tag without a start tag");
    }
    places_[open_.back()].end = at_;
    open_.pop_back();
    return true;
  }
  if (open_.empty() && !places_.empty()) {
    return refuse(begin, "expected one element <policies>, found another one behind it");
  }
  if (places_.size() == policy_elements_max || open_.size() == policy_depth_max) {
    return refuse(begin, fmt::format("expected at most {} elements, nested at most {} deep", policy_elements_max, policy_depth_max));
  }
  places_.push_back(Place{.begin = begin, .content = at_, .end = at_});
  if (!empty) {
    open_.push_back(places_.size() - 1);
  }
  return true;
}

bool Scanner::reference() {
  const std::size_t end = std::min(text_.find(';', at_), text_.size());
  if (end == text_.size() || !is_reference(text_.substr(at_ + 1, end - at_ - 1))) {
    return refuse(at_, "expected &amp; in place of &, or one of the references that XML itself has");
  }
  at_ = end + 1;
  return true;
}

/// The innermost element that began before `offset` and had not ended, or the first one.
XmlError error_at(std::string_view text, const std::vector<Place>& places, std::size_t offset, std::string message) {
  XmlError error{.element = "policies", .line = 1, .column = 1, .message = std::move(message)};
  const json::Lines lines(text);
  const Place* place = nullptr;
  for (const Place& candidate : places) {
    const bool ended = candidate.end > candidate.content && candidate.end <= offset;
    if (candidate.begin <= offset && !ended) {
      place = &candidate;
    }
  }
  if (place != nullptr) {
    const std::size_t name = place->begin + 1;
    const std::size_t size = std::min(text.find_first_of(" \t\r\n/><", name), text.size()) - name;
    if (size != 0 && size <= 100) {
      error.element = text.substr(name, size);
    }
  }
  const json::Position position = lines.at(place == nullptr ? offset : place->begin + 1);
  error.line = position.line;
  error.column = position.column;
  return error;
}

/// Makes elements of pugixml's nodes.
class Converter {
 public:
  /// `mark`: bytes in front of `text`.
  Converter(std::string_view text, const std::vector<Place>& places, std::size_t mark) : lines_(text), places_(places), mark_(mark) {}

  /// Nothing if tree and places do not go together.
  std::optional<XmlElement> convert(const pugi::xml_node& node) {
    if (next_ == places_.size() || static_cast<std::size_t>(node.offset_debug()) != places_[next_].begin + 1) {
      return std::nullopt;
    }
    const Place place = places_[next_++];
    const json::Position position = lines_.at(place.begin + 1);
    XmlElement element{.name = node.name(),
                       .attributes = {},
                       .text = {},
                       .children = {},
                       .line = position.line,
                       .column = position.column,
                       .begin = mark_ + place.begin,
                       .content = mark_ + place.content,
                       .end = mark_ + place.end};
    for (const pugi::xml_attribute& attribute : node.attributes()) {
      element.attributes.emplace_back(attribute.name(), attribute.value());
    }
    for (const pugi::xml_node& child : node.children()) {
      if (child.type() == pugi::node_element) {
        std::optional<XmlElement> converted = convert(child);
        if (!converted) {
          return std::nullopt;
        }
        element.children.push_back(std::move(*converted));
      } else if (child.type() == pugi::node_pcdata || child.type() == pugi::node_cdata) {
        element.text += child.value();
      }
    }
    return element;
  }

 private:
  json::Lines lines_;
  const std::vector<Place>& places_;
  std::size_t mark_;
  std::size_t next_ = 0;
};

/// Before the scanner: what is not even text.
std::optional<Fault> fault_of_bytes(std::string_view text) {
  if (text.size() > policy_bytes_max) {
    return Fault{.offset = 0, .message = fmt::format("the document has {} bytes, expected at most {}", text.size(), policy_bytes_max)};
  }
  if (!simdjson::validate_utf8(text.data(), text.size())) {
    return Fault{.offset = 0, .message = "expected UTF-8, found other bytes"};
  }
  for (std::size_t i = 0; i < text.size(); ++i) {
    const auto byte = static_cast<unsigned char>(text[i]);
    if (byte < 0x20 && blanks.find(text[i]) == std::string_view::npos) {
      return Fault{.offset = i, .message = "expected no control characters"};
    }
  }
  return std::nullopt;
}

}  // namespace

std::expected<XmlElement, XmlError> parse_xml(std::string_view text) {
  const std::size_t mark = text.starts_with(byte_order_mark) ? byte_order_mark.size() : 0;
  text.remove_prefix(mark);
  if (std::optional<Fault> fault = fault_of_bytes(text)) {
    return std::unexpected(error_at({}, {}, 0, std::move(fault->message)));
  }
  Scanner scanner(text);
  if (!scanner.run()) {
    return std::unexpected(error_at(text, scanner.places(), scanner.fault().offset, scanner.fault().message));
  }
  pugi::xml_document document;
  const unsigned int flags = pugi::parse_cdata | pugi::parse_escapes | pugi::parse_eol | pugi::parse_wconv_attribute;
  const pugi::xml_parse_result result = document.load_buffer(text.data(), text.size(), flags, pugi::encoding_utf8);
  if (!result) {
    return std::unexpected(
        error_at(text, scanner.places(), static_cast<std::size_t>(result.offset), "expected well-formed XML, found an error here"));
  }
  std::optional<XmlElement> root = Converter(text, scanner.places(), mark).convert(document.document_element());
  if (!root) {
    return std::unexpected(error_at(text, scanner.places(), 0, "expected well-formed XML"));
  }
  return std::move(*root);
}

std::string xml_escaped(std::string_view text) {
  std::string escaped;
  for (const char c : text) {
    switch (c) {
      case '&': escaped += "&amp;"; break;
      case '<': escaped += "&lt;"; break;
      case '>': escaped += "&gt;"; break;
      case '"': escaped += "&quot;"; break;
      default: escaped += c;
    }
  }
  return escaped;
}

}  // namespace signet::config
