// SPDX-License-Identifier: GPL-3.0-or-later
// A trie by segments. A look-up tries the text of a segment, then a parameter, then the rest of the path, and goes back where that leads
// nowhere; it meets each node at most once.
#include <fmt/core.h>

#include <algorithm>
#include <cstddef>
#include <memory>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "signet/config/plan.h"
#include "names.h"

namespace signet::config {

namespace {

constexpr std::size_t segments_max = 64;

enum class SegmentKind { text, parameter, rest };

struct Segment {
  SegmentKind kind = SegmentKind::text;
  std::string_view name;  ///< the text, or the parameter's name, which "*" has not
};

/// Takes the next segment off a path that begins with a slash.
std::string_view take_segment(std::string_view& path) {
  const std::size_t end = std::min(path.find('/', 1), path.size());
  const std::string_view segment = path.substr(1, end - 1);
  path.remove_prefix(end);
  return segment;
}

Segment segment_of(std::string_view text) {
  if (text == "*") {
    return {.kind = SegmentKind::rest, .name = {}};
  }
  if (text.size() < 2 || text.front() != '{' || text.back() != '}') {
    return {.kind = SegmentKind::text, .name = text};
  }
  std::string_view name = text.substr(1, text.size() - 2);
  const bool rest = name.starts_with('*');
  name.remove_prefix(rest ? 1 : 0);
  return {.kind = rest ? SegmentKind::rest : SegmentKind::parameter, .name = name};
}

std::vector<Segment> segments_of(std::string_view url_template) {
  std::vector<Segment> segments;
  for (std::string_view rest = url_template.empty() ? "/" : url_template; !rest.empty();) {
    segments.push_back(segment_of(take_segment(rest)));
  }
  return segments;
}

bool is_parameter_name(std::string_view name) {
  return !name.empty() && std::ranges::all_of(name, [](char c) {
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '-' || c == '_' || c == '.';
  });
}

}  // namespace

struct OperationTable::Node {
  struct Operation {
    std::string method;
    std::string id;
    const Plan* plan = nullptr;
  };

  std::vector<std::pair<std::string, std::unique_ptr<Node>>> texts;  ///< sorted
  std::unique_ptr<Node> parameter;
  std::vector<Operation> here;           ///< the path ends here
  std::vector<Operation> rest;           ///< whatever is left of it
  std::vector<Operation> captured_rest;  ///< the same, as a parameter

  Node* child(const Segment& segment) {
    if (segment.kind == SegmentKind::parameter) {
      parameter = parameter ? std::move(parameter) : std::make_unique<Node>();
      return parameter.get();
    }
    const std::string text = normal_encoding(segment.name);
    const auto place = std::ranges::lower_bound(texts, text, {}, [](const auto& entry) -> const std::string& { return entry.first; });
    if (place != texts.end() && place->first == text) {
      return place->second.get();
    }
    return texts.emplace(place, text, std::make_unique<Node>())->second.get();
  }

  static const Operation* by_method(const std::vector<Operation>& operations, std::string_view method) {
    const auto found = std::ranges::find(operations, method, [](const Operation& operation) { return std::string_view(operation.method); });
    return found == operations.end() ? nullptr : &*found;
  }

  const Operation* find(std::string_view method, std::string_view path, TemplateValues& values) const {
    if (path.empty()) {
      return by_method(here, method);
    }
    std::string_view left = path;
    const std::string_view segment = take_segment(left);
    const auto place = std::ranges::lower_bound(texts, segment, {}, [](const auto& entry) { return std::string_view(entry.first); });
    if (place != texts.end() && place->first == segment) {
      if (const Operation* found = place->second->find(method, left, values)) {
        return found;
      }
    }
    if (parameter && !segment.empty()) {
      values.values[values.count++] = segment;
      if (const Operation* found = parameter->find(method, left, values)) {
        return found;
      }
      --values.count;
    }
    if (const Operation* found = by_method(rest, method)) {
      return found;
    }
    const Operation* const found = by_method(captured_rest, method);
    if (found != nullptr) {
      values.values[values.count++] = path.substr(1);
    }
    return found;
  }
};

OperationTable::OperationTable(std::vector<Entry> entries) {
  auto root = std::make_unique<Node>();
  for (Entry& entry : entries) {
    Node* node = root.get();
    std::vector<Node::Operation>* operations = nullptr;
    for (const Segment& segment : segments_of(entry.url_template)) {
      if (segment.kind == SegmentKind::rest) {
        operations = segment.name.empty() ? &node->rest : &node->captured_rest;
        break;
      }
      node = node->child(segment);
      operations = &node->here;
    }
    operations->push_back(Node::Operation{.method = std::move(entry.method), .id = std::move(entry.id), .plan = entry.plan});
  }
  root_ = std::move(root);
}

OperationTable::~OperationTable() = default;

std::optional<OperationTable::Match> OperationTable::find(std::string_view method, std::string_view path, TemplateValues& values) const {
  values.count = 0;
  const Node::Operation* const found = root_->find(method, path.empty() ? "/" : path, values);
  if (found == nullptr) {
    return std::nullopt;
  }
  return Match{.plan = found->plan, .operation_id = found->id};
}

std::string check_url_template(std::string_view url_template) {
  if (!url_template.empty() && !url_template.starts_with('/')) {
    return "expected a template that begins with a slash, such as \"/orders/{id}\"";
  }
  if (url_template.find_first_of("?#") != std::string_view::npos) {
    return "expected a path without query: an operation takes calls with any";
  }
  std::string plain;
  std::vector<std::string_view> names;
  const std::vector<Segment> segments = segments_of(url_template);
  for (std::size_t i = 0; i < segments.size(); ++i) {
    const Segment& segment = segments[i];
    plain += '/';
    plain += segment.kind == SegmentKind::text ? segment.name : "x";
    if (segment.kind == SegmentKind::rest && i + 1 != segments.size()) {
      return "expected \"*\" or {*name}, which take all that is left of a path, only at its end";
    }
    if (segment.kind == SegmentKind::text || (segment.kind == SegmentKind::rest && segment.name.empty())) {
      continue;
    }
    if (!is_parameter_name(segment.name)) {
      return "expected letters, digits, \"-\", \"_\" and \".\" as the name of a parameter";
    }
    if (std::ranges::find(names, segment.name) != names.end()) {
      return fmt::format("the parameter {{{}}} is there twice", segment.name);
    }
    names.push_back(segment.name);
  }
  if (names.size() > template_parameters_max || segments.size() > segments_max) {
    return fmt::format("expected at most {} parameters and {} segments", template_parameters_max, segments_max);
  }
  if (!is_path(plain)) {
    return "expected a path of characters of RFC 3986 without \".\", \"..\" and empty segments, in which a parameter such as {id} is a "
           "whole "
           "segment";
  }
  return {};
}

std::vector<std::string> template_parameters(std::string_view url_template) {
  std::vector<std::string> names;
  for (const Segment& segment : segments_of(url_template)) {
    if (segment.kind != SegmentKind::text && !segment.name.empty()) {
      names.emplace_back(segment.name);
    }
  }
  return names;
}

}  // namespace signet::config
