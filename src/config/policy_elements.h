// SPDX-License-Identifier: GPL-3.0-or-later
// One reader per policy element; policy_document.cc puts them together.
#pragma once

#include <initializer_list>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "policy_document.h"
#include "policy_xml.h"

namespace signet::config {

/// An element with the place for what is wrong with it.
class ElementReader {
 public:
  ElementReader(const XmlElement& element, Report& report) : element_(element), report_(report) {}

  [[nodiscard]] const XmlElement& element() const { return element_; }
  [[nodiscard]] Report& report() { return report_; }
  void error(std::string_view message);
  [[nodiscard]] bool ok() const { return ok_; }

  /// Says so for each attribute that is not among `names`, or is there twice.
  void attributes(std::initializer_list<std::string_view> names);
  /// Says so for each child that is not among `names`; and for text, if it has children or `names` is empty.
  void children(std::initializer_list<std::string_view> names);
  /// Null if it is absent.
  [[nodiscard]] const std::string* attribute(std::string_view name) const;
  /// One that must be there and not be empty; else says so, and is empty.
  [[nodiscard]] std::string required(std::string_view name);
  /// true or false; `fallback` if it is absent.
  [[nodiscard]] bool boolean(std::string_view name, bool fallback);
  /// A whole number. `min` after an error.
  [[nodiscard]] std::uint32_t number(std::string_view name, std::uint32_t min, std::uint32_t max);
  /// The text without white space around it.
  [[nodiscard]] std::string_view text() const;

 private:
  const XmlElement& element_;
  Report& report_;
  bool ok_ = true;
};

using ReadElement = std::optional<Step> (*)(ElementReader& reader, Section section);

struct ElementKind {
  std::string_view name;
  std::vector<Section> sections;
  ReadElement read;
  bool once = false;  ///< in a document
};

/// All that a section may hold.
[[nodiscard]] const std::vector<ElementKind>& element_kinds();

}  // namespace signet::config
