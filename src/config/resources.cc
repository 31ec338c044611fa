// SPDX-License-Identifier: GPL-3.0-or-later
#include "signet/config/resources.h"

#include <fmt/core.h>

#include <algorithm>
#include <expected>
#include <string>

#include "signet/config/load.h"
#include "json.h"
#include "load_objects.h"
#include "reader.h"

namespace signet::config {

namespace {

/// In a resource null says that a property is not there (RFC 7396).
void drop_nulls(json::Node& node) {
  if (node.type == json::Type::object) {
    std::erase_if(node.children, [](const json::Node& member) { return member.type == json::Type::null; });
  }
  std::ranges::for_each(node.children, drop_nulls);
}

/// The properties with the id among them, as an object of the configuration file has it.
template <typename Object, typename Read>
Object parse_resource(std::string_view id, std::string_view properties, std::string pointer, Report& report, Read read) {
  Document document({}, properties, report);
  std::expected<json::Node, json::SyntaxError> root = json::parse(properties, config_depth_max);
  if (!root || root->type != json::Type::object) {
    report.error(document.source(0, pointer), root ? std::string("expected an object") : root.error().message);
    return {};
  }
  drop_nulls(*root);
  root->children.push_back(json::Node{.type = json::Type::string, .text = std::string(id), .key = "id", .children = {}});
  return read(document, Item{.node = &*root, .pointer = std::move(pointer)});
}

}  // namespace

Backend parse_backend(std::string_view id, std::string_view properties, Report& report) {
  return parse_resource<Backend>(id, properties, fmt::format("/backends/{}", id), report, read_backend);
}

Api parse_api(std::string_view id, std::string_view properties, Report& report) {
  return parse_resource<Api>(id, properties, fmt::format("/apis/{}", id), report, read_api);
}

Operation parse_operation(std::string_view api_id, std::string_view id, std::string_view properties, Report& report) {
  return parse_resource<Operation>(id, properties, fmt::format("/apis/{}/operations/{}", api_id, id), report, read_operation);
}

}  // namespace signet::config
