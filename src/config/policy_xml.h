// SPDX-License-Identifier: GPL-3.0-or-later
// XML as a tree in which every element knows where it stood. Only what policies need: no document type, no entities but the five of XML
// itself, no processing instructions.
#pragma once

#include <cstddef>
#include <cstdint>
#include <expected>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace signet::config {

struct XmlElement {
  std::string name;
  std::vector<std::pair<std::string, std::string>> attributes;
  std::string text;  ///< of the element itself, without that of its children
  std::vector<XmlElement> children;
  std::uint32_t line = 0;
  std::uint32_t column = 0;  ///< of the name
  std::size_t begin = 0;     ///< offset of its first byte, the <
  std::size_t content = 0;   ///< offset behind its start tag
  std::size_t end = 0;       ///< offset behind its last byte
};

struct XmlError {
  std::string element;  ///< the innermost that had begun
  std::uint32_t line = 0;
  std::uint32_t column = 0;  ///< of that element
  std::string message;
};

/// The root element of a well-formed document within the limits of policies (config/policy.h).
[[nodiscard]] std::expected<XmlElement, XmlError> parse_xml(std::string_view text);

/// As it may stand in an attribute or between tags.
[[nodiscard]] std::string xml_escaped(std::string_view text);

}  // namespace signet::config
