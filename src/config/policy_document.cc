// SPDX-License-Identifier: GPL-3.0-or-later
#include "policy_document.h"

#include <fmt/core.h>

#include <algorithm>
#include <set>
#include <utility>

#include "names.h"
#include "policy_elements.h"
#include "policy_xml.h"

namespace signet::config {

namespace {

constexpr std::string_view mask = "***";

bool is_name_character(char c) {
  return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '-' || c == '_' || c == '.';
}

/// `{{name}}`, which stands for a named value.
bool has_named_value(std::string_view text) {
  for (std::size_t begin = text.find("{{"); begin != std::string_view::npos; begin = text.find("{{", begin + 1)) {
    std::size_t end = begin + 2;
    while (end < text.size() && is_name_character(text[end])) {
      ++end;
    }
    if (end != begin + 2 && text.substr(end).starts_with("}}")) {
      return true;
    }
  }
  return false;
}

bool is_expression(std::string_view text) {
  text.remove_prefix(std::min(text.find_first_not_of(" \t\r\n"), text.size()));
  return text.starts_with("@(") || text.starts_with("@{");
}

/// What no element may hold, wherever it stands.
void check_values(const XmlElement& element, Report& report) {
  ElementReader reader(element, report);
  std::vector<std::string_view> values{element.text};
  for (const auto& [name, value] : element.attributes) {
    values.push_back(value);
  }
  for (const std::string_view value : values) {
    const bool body = element.name == "set-body" && value.data() == element.text.data();
    if (is_expression(value)) {
      reader.error("policy expressions such as @(…) and @{…} are not supported: expected a fixed value");
    } else if (has_named_value(value)) {
      reader.error("named values such as {{name}} are not supported: expected the value itself");
    } else if (!body && value.size() > policy_value_bytes_max) {
      reader.error(fmt::format("expected values of at most {} bytes", policy_value_bytes_max));
    }
  }
  for (const XmlElement& child : element.children) {
    check_values(child, report);
  }
}

/// Is what stands in the attribute, or in the children named value, a secret?
bool is_secret_attribute(const XmlElement& element, std::string_view attribute) {
  return attribute == "password" || (element.name == "authentication-certificate" && attribute == "body");
}

std::string masked_text(const XmlElement& element, bool secret) {
  std::string text = "<" + element.name;
  bool sensitive = secret;
  for (const auto& [name, value] : element.attributes) {
    text += fmt::format(" {}=\"{}\"", name, is_secret_attribute(element, name) ? std::string(mask) : xml_escaped(value));
    sensitive = sensitive || (name == "name" && is_sensitive_name(value));
  }
  const bool blank = element.text.find_first_not_of(" \t\r\n") == std::string::npos;
  if (element.children.empty() && blank) {
    return text + " />";
  }
  text += ">";
  if (!blank) {
    text += sensitive && element.name == "value" ? std::string(mask) : xml_escaped(element.text);
  }
  for (const XmlElement& child : element.children) {
    text += masked_text(child, sensitive);
  }
  return text + "</" + element.name + ">";
}

class Parser {
 public:
  Parser(PolicyScope scope, Report& report) : scope_(scope), report_(report) {}

  PolicySteps run(const XmlElement& root);

 private:
  void read_section(const XmlElement& element, Section section);
  void read_step(const XmlElement& element, Section section);
  void unknown(ElementReader& reader);

  PolicyScope scope_;
  Report& report_;
  PolicySteps steps_;
  std::set<std::string> seen_;  ///< elements that may stand once, and base with its section
};

PolicySteps Parser::run(const XmlElement& root) {
  ElementReader reader(root, report_);
  if (root.name != "policies") {
    reader.error("expected the element <policies>");
    return {};
  }
  check_values(root, report_);
  reader.attributes({});
  reader.children({"inbound", "backend", "outbound", "on-error"});
  for (const XmlElement& child : root.children) {
    const auto name = std::ranges::find(section_names, child.name);
    if (name == section_names.end()) {
      continue;
    }
    const auto index = static_cast<std::size_t>(name - section_names.begin());
    if (std::exchange(steps_.sections[index].present, true)) {
      ElementReader(child, report_).error("expected each section once");
    }
    read_section(child, static_cast<Section>(index));
  }
  return std::move(steps_);
}

void Parser::read_section(const XmlElement& element, Section section) {
  ElementReader reader(element, report_);
  reader.attributes({});
  if (!reader.text().empty()) {
    reader.error("expected elements, found text");
  }
  for (const XmlElement& child : element.children) {
    read_step(child, section);
  }
}

void Parser::read_step(const XmlElement& element, Section section) {
  ElementReader reader(element, report_);
  const std::vector<ElementKind>& kinds = element_kinds();
  const auto kind = std::ranges::find(kinds, element.name, &ElementKind::name);
  if (kind == kinds.end()) {
    unknown(reader);
    return;
  }
  if (std::ranges::find(kind->sections, section) == kind->sections.end()) {
    std::string names;
    for (const Section allowed : kind->sections) {
      names += (names.empty() ? "" : ", ") + std::string(section_names[static_cast<std::size_t>(allowed)]);
    }
    reader.error(
        fmt::format("not allowed in the section {}; it may stand in: {}", section_names[static_cast<std::size_t>(section)], names));
    return;
  }
  if (kind->name == "rate-limit" && scope_ == PolicyScope::global) {
    reader.error("not allowed in the global scope: it limits the calls of an API or of an operation");
    return;
  }
  const std::string key = element.name == "base" ? fmt::format("base {}", static_cast<int>(section)) : element.name;
  if (kind->once && !seen_.insert(key).second) {
    reader.error(element.name == "base" ? "expected at most once in a section" : "expected at most once in a document");
    return;
  }
  std::optional<Step> step = kind->read(reader, section);
  if (!step || !reader.ok()) {
    return;
  }
  step->element = element.name;
  step->line = element.line;
  step->column = element.column;
  step->text = masked_text(element, false);
  steps_.sections[static_cast<std::size_t>(section)].steps.push_back(std::move(*step));
}

void Parser::unknown(ElementReader& reader) {
  std::vector<std::string_view> names;
  for (const ElementKind& kind : element_kinds()) {
    names.push_back(kind.name);
  }
  std::string all;
  for (const std::string_view name : names) {
    all += (all.empty() ? "" : ", ") + std::string(name);
  }
  reader.error(fmt::format("unknown policy{}; expected one of: {}", suggestion(reader.element().name, names), all));
}

}  // namespace

std::string policy_error(std::string_view element, std::uint32_t line, std::uint32_t column, std::string_view message) {
  return fmt::format("Error in element '{}' on line {}, column {}: {}", element, line, column, message);
}

PolicySteps parse_policy(std::string_view xml, PolicyScope scope, Report& report) {
  const std::expected<XmlElement, XmlError> root = parse_xml(xml);
  if (!root) {
    const XmlError& error = root.error();
    report.error(Source{.file = {}, .line = error.line, .column = error.column, .pointer = {}},
                 policy_error(error.element, error.line, error.column, error.message));
    return {};
  }
  return Parser(scope, report).run(*root);
}

}  // namespace signet::config
