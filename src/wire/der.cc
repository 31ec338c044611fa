// SPDX-License-Identifier: GPL-3.0-or-later
#include "der.h"

#include <array>

namespace signet::wire::der {

namespace {

struct Header {
  Tag tag = 0;
  std::size_t size = 0;      ///< of the header itself
  std::uint64_t length = 0;  ///< of the content; 0 when indefinite
  bool indefinite = false;
};

std::optional<Header> read_header(ByteView bytes, Rules rules) {
  if (bytes.size() < 2) return std::nullopt;
  Header header{.tag = static_cast<Tag>(bytes[0]), .size = 2};
  if ((header.tag & 0x1fU) == 0x1fU) return std::nullopt;  // high tag number
  const auto first = static_cast<std::uint8_t>(bytes[1]);
  if (first < 0x80) {
    header.length = first;
    return header;
  }
  if (first == 0x80) {
    if (rules == Rules::der || (header.tag & constructed_bit) == 0) return std::nullopt;
    header.indefinite = true;
    return header;
  }
  const std::size_t octets = first & 0x7fU;
  if (octets > 8 || bytes.size() < 2 + octets) return std::nullopt;
  for (std::size_t i = 0; i < octets; ++i) {
    if (header.length > (UINT64_MAX >> 8)) return std::nullopt;
    header.length = (header.length << 8) | static_cast<std::uint8_t>(bytes[2 + i]);
  }
  if (rules == Rules::der && (bytes[2] == std::byte{0} || header.length < 0x80)) return std::nullopt;
  header.size += octets;
  return header;
}

bool is_end_of_contents(ByteView bytes) {
  return bytes.size() >= 2 && bytes[0] == std::byte{0} && bytes[1] == std::byte{0};
}

/// Finds the end of an indefinite element's content. Open elements are counted, not recursed into: only indefinite ones have an end to look
/// for, definite ones are stepped over.
std::optional<std::size_t> indefinite_content_size(ByteView bytes) {
  std::size_t position = 0;
  unsigned open = 1;
  for (;;) {
    const ByteView rest = bytes.subspan(position);
    if (is_end_of_contents(rest)) {
      if (--open == 0) return position;
      position += 2;
      continue;
    }
    const auto header = read_header(rest, Rules::ber);
    if (!header || header->length > rest.size() - header->size) return std::nullopt;
    if (header->indefinite && ++open > depth_max) return std::nullopt;
    position += header->size + static_cast<std::size_t>(header->length);
  }
}

}  // namespace

std::optional<Element> first_element(ByteView bytes, Rules rules) {
  const auto header = read_header(bytes, rules);
  if (!header) return std::nullopt;
  const ByteView after = bytes.subspan(header->size);
  if (header->indefinite) {
    const auto size = indefinite_content_size(after);
    if (!size) return std::nullopt;
    return Element{.tag = header->tag, .content = after.first(*size), .whole = bytes.first(header->size + *size + 2)};
  }
  if (header->length > after.size()) return std::nullopt;
  const auto length = static_cast<std::size_t>(header->length);
  return Element{.tag = header->tag, .content = after.first(length), .whole = bytes.first(header->size + length)};
}

std::optional<std::uint64_t> claimed_size(ByteView bytes) {
  const auto header = read_header(bytes, Rules::ber);
  if (!header || header->indefinite || header->length > UINT64_MAX - header->size) return std::nullopt;
  return header->size + header->length;
}

Element Reader::read() {
  if (*damaged_) return {};
  const auto element = first_element(rest_, rules_);
  if (!element) {
    fault();
    return {};
  }
  rest_ = rest_.subspan(element->whole.size());
  return *element;
}

Element Reader::read(Tag tag) {
  if (!next_is(tag)) {
    fault();
    return {};
  }
  return read();
}

Reader Reader::enter(Tag tag) {
  return enter(read(tag));
}

Reader Reader::enter(const Element& element) const {
  Reader inside(element.content, rules_, *damaged_);
  inside.depth_ = depth_ + 1;
  if (inside.depth_ > depth_max || !element.is_constructed()) inside.fault();
  return inside;
}

SecretBytes Reader::read_string(Tag tag) {
  SecretBytes out;
  if (next_is(tag)) {
    const ByteView content = read().content;
    out.assign(content.begin(), content.end());
    return out;
  }
  const auto in_pieces = static_cast<Tag>(tag | constructed_bit);
  if (rules_ == Rules::der || !next_is(in_pieces)) {
    fault();
    return out;
  }
  const Element element = read();
  out.reserve(element.content.size());
  // The pieces of an implicitly tagged string are OCTET STRINGs (X.690 §8.14.4, §8.7.3).
  if (!append_pieces(element, octet_string, depth_ + 1, out)) fault();
  return out;
}

bool Reader::append_pieces(const Element& element, Tag primitive, unsigned depth, SecretBytes& out) {
  if (depth > depth_max) return false;
  Reader pieces = enter(element);
  while (!pieces.at_end()) {
    const Element piece = pieces.read();
    if (piece.tag == primitive) {
      out.insert(out.end(), piece.content.begin(), piece.content.end());
    } else if (piece.tag != static_cast<Tag>(primitive | constructed_bit) || !pieces.append_pieces(piece, primitive, depth + 1, out)) {
      return false;
    }
  }
  return !*damaged_;
}

ByteView Reader::read_unsigned() {
  ByteView octets = read(integer).content;
  if (octets.empty() || (octets.front() & std::byte{0x80}) != std::byte{0}) {
    fault();
    return {};
  }
  while (octets.size() > 1 && octets.front() == std::byte{0})
    octets = octets.subspan(1);
  return octets;
}

std::uint32_t Reader::read_uint32() {
  const ByteView octets = read_unsigned();
  if (octets.size() > sizeof(std::uint32_t)) fault();
  std::uint32_t value = 0;
  if (*damaged_) return value;
  for (const std::byte octet : octets)
    value = (value << 8) | static_cast<std::uint8_t>(octet);
  return value;
}

ByteView Reader::read_bit_string() {
  const ByteView content = read(bit_string).content;
  if (content.empty() || content.front() != std::byte{0}) {
    fault();
    return {};
  }
  return content.subspan(1);
}

void Reader::expect_end() {
  if (!rest_.empty()) fault();
}

std::string oid_text(ByteView oid) {
  std::string text;
  std::uint64_t arc = 0;
  bool first = true;
  bool open = false;  // inside an arc of several octets
  for (const std::byte octet : oid) {
    if (arc > (UINT64_MAX >> 7)) return {};
    arc = (arc << 7) | (static_cast<std::uint8_t>(octet) & 0x7fU);
    open = (octet & std::byte{0x80}) != std::byte{0};
    if (open) continue;
    if (first) {
      const std::uint64_t root = arc < 80 ? arc / 40 : 2;
      text = std::to_string(root) + "." + std::to_string(arc - root * 40);
      first = false;
    } else {
      text += "." + std::to_string(arc);
    }
    arc = 0;
  }
  return open ? std::string() : text;
}

void write(SecretBytes& out, Tag tag, ByteView content) {
  std::array<std::byte, 9> length{};
  std::size_t octets = 0;
  for (std::size_t rest = content.size(); rest != 0; rest >>= 8)
    ++octets;
  out.reserve(out.size() + content.size() + 2 + octets);
  out.push_back(std::byte{tag});
  if (content.size() < 0x80) {
    out.push_back(static_cast<std::byte>(content.size()));
  } else {
    length[0] = static_cast<std::byte>(0x80U | octets);
    for (std::size_t i = 0; i < octets; ++i)
      length[1 + i] = static_cast<std::byte>(content.size() >> (8 * (octets - 1 - i)));
    out.insert(out.end(), length.begin(), length.begin() + static_cast<std::ptrdiff_t>(octets + 1));
  }
  out.insert(out.end(), content.begin(), content.end());
}

void write_unsigned(SecretBytes& out, ByteView octets) {
  while (!octets.empty() && octets.front() == std::byte{0})
    octets = octets.subspan(1);
  SecretBytes content;
  content.reserve(octets.size() + 1);
  if (octets.empty() || (octets.front() & std::byte{0x80}) != std::byte{0}) content.push_back(std::byte{0});
  content.insert(content.end(), octets.begin(), octets.end());
  write(out, integer, content);
}

}  // namespace signet::wire::der
