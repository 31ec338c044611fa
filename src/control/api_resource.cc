// SPDX-License-Identifier: GPL-3.0-or-later
#include "api_resource.h"

#include <fmt/core.h>

#include <algorithm>

#include "compose.h"

namespace signet::control {

namespace {

/// Deeper than allowed? Asked before the text is parsed: parsing, merging and writing go down one call per level.
bool too_deep(std::string_view text) {
  std::size_t depth = 0;
  bool in_string = false;
  for (std::size_t at = 0; at < text.size(); ++at) {
    const char c = text[at];
    if (in_string) {
      at += c == '\\' ? 1 : 0;
      in_string = c != '"';
    } else if (c == '"') {
      in_string = true;
    } else if (c == '[' || c == '{') {
      if (++depth > api_body_depth_max) {
        return true;
      }
    } else if ((c == ']' || c == '}') && depth > 0) {
      --depth;
    }
  }
  return false;
}

std::string type_of(const std::vector<std::string>& parts) {
  std::string type = "Microsoft.ApiManagement/service";
  for (std::size_t at = 0; at < parts.size(); at += 2) {
    type += "/" + parts[at];
  }
  return type;
}

/// What is left of a problem's pointer behind the object `key`; nothing if it is about another object.
std::optional<std::string> pointer_within(const config::Problem& problem, const std::vector<std::string>& parts) {
  if (!problem.source.file.empty()) {
    return std::nullopt;
  }
  std::string plain;
  for (const std::string& part : parts) {
    plain += "/" + part;
  }
  for (const std::string& object : {"/" + make_key(parts), plain}) {
    if (problem.source.pointer == object || problem.source.pointer.starts_with(object + "/")) {
      return problem.source.pointer.substr(object.size());
    }
  }
  return std::nullopt;
}

/// The property at fault: credentials as a whole, else the last name.
std::string target_of(const std::string& pointer, const config::Problem& problem) {
  if (pointer.starts_with("/credentials")) {
    return "credentials";
  }
  std::string last;
  for (std::size_t begin = 1; begin < pointer.size();) {
    const std::size_t end = std::min(pointer.find('/', begin), pointer.size());
    const std::string name = pointer.substr(begin, end - begin);
    if (name.find_first_not_of("0123456789") != std::string::npos) {
      last = name;
    }
    begin = end + 1;
  }
  constexpr std::string_view missing = "\" is missing";
  if (problem.message.starts_with('"') && problem.message.ends_with(missing)) {
    return problem.message.substr(1, problem.message.size() - 1 - missing.size());
  }
  return last.empty() ? "properties" : last;
}

/// The object that a problem is about: "/backends/orders/url" is about {"backends", "orders"}.
std::vector<std::string> object_of(const config::Problem& problem) {
  std::vector<std::string> parts =
      key_parts(std::string_view(problem.source.pointer).substr(std::min<std::size_t>(1, problem.source.pointer.size())));
  const bool nested = parts.size() >= 4 && parts[0] == "apis" && (parts[2] == "operations" || parts[2] == "policies");
  parts.resize(std::min<std::size_t>(parts.size(), nested ? 4 : 2));
  return parts;
}

enum class Others : std::uint8_t { invalid, conflict };

ApiError refused_error(const Call& call, const std::vector<std::string>& parts, Others others, Refused refused) {
  switch (refused.kind) {
    case Refused::Kind::conflict:
      return conflict("Somebody else has changed the store at the same moment: read the resource again, then repeat the change.").error();
    case Refused::Kind::no_store: return conflict("Nothing can be changed over REST: the configuration names no stateDirectory.").error();
    case Refused::Kind::too_large: return invalid("properties", std::move(refused.detail)).error();
    case Refused::Kind::full:
    case Refused::Kind::unavailable: {
      const bool full = refused.kind == Refused::Kind::full;
      return ApiError{.status = static_cast<std::uint16_t>(full ? 507 : 503),
                      .code = full ? "InsufficientStorage" : "ServiceUnavailable",
                      .message = fmt::format("The store cannot be written: {}", refused.detail),
                      .target = {},
                      .details = {},
                      .allow = {}};
    }
    case Refused::Kind::invalid: break;
  }
  std::vector<ApiError::Detail> own;
  std::vector<ApiError::Detail> foreign;
  for (const config::Problem& problem : refused.report.errors) {
    if (const std::optional<std::string> pointer = pointer_within(problem, parts)) {
      own.push_back({.target = target_of(*pointer, problem), .message = problem.message});
    } else if (problem.source.file.empty()) {
      foreign.push_back({.target = resource_id(call.target, object_of(problem)), .message = problem.message});
    } else {
      foreign.push_back({.target = problem.source.pointer, .message = problem.text()});
    }
  }
  if (own.empty() && others == Others::conflict) {
    return conflict("Other objects refer to it.", std::move(foreign)).error();
  }
  std::ranges::move(foreign, std::back_inserter(own));
  return invalid(std::move(own)).error();
}

ApiResult<std::shared_ptr<const View>> write_with(const Call& call, const std::vector<std::string>& parts, const Prepare& prepare,
                                                  Others others) {
  return call.reconciler.write<ApiError>(prepare, [&](Refused refused) { return refused_error(call, parts, others, std::move(refused)); });
}

std::string_view trimmed(std::string_view text) {
  const std::size_t begin = std::min(text.find_first_not_of(" \t"), text.size());
  const std::size_t end = text.find_last_not_of(" \t");
  return end == std::string_view::npos ? std::string_view() : text.substr(begin, end - begin + 1);
}

/// A list of entity tags, or "*". Quotes may be missing: many a script loses them.
bool matches(std::string_view if_match, const std::string& etag) {
  const std::string_view bare = std::string_view(etag).substr(1, etag.size() - 2);
  for (std::size_t begin = 0; begin <= if_match.size();) {
    const std::size_t end = std::min(if_match.find(',', begin), if_match.size());
    const std::string_view tag = trimmed(if_match.substr(begin, end - begin));
    if (tag == "*" || tag == etag || tag == bare) {
      return true;
    }
    begin = end + 1;
  }
  return false;
}

}  // namespace

std::string resource_id(const Target& target, const std::vector<std::string>& parts) {
  return fmt::format("{}/{}", target.prefix, make_key(parts));
}

json envelope(const Target& target, const Resource& resource) {
  return {{"id", resource_id(target, resource.parts)},
          {"type", type_of(resource.parts)},
          {"name", resource.parts.back()},
          {"properties", resource.properties}};
}

std::string dump(const json& value) {
  return value.dump(-1, ' ', false, json::error_handler_t::replace);
}

AdminResponse json_answer(std::uint16_t status, const json& body, const std::string& etag) {
  AdminResponse response;
  response.status = status;
  if (!etag.empty()) {
    response.fields.emplace_back("ETag", etag);
  }
  response.body = dump(body);
  return response;
}

AdminResponse resource_answer(const Call& call, const Resource& resource, std::uint16_t status) {
  return json_answer(status, envelope(call.target, resource), resource.etag);
}

std::string etag_of(const Object& object) {
  return fmt::format("\"{:016x}\"", object.revision);
}

std::string etag_of(const json& properties) {
  std::uint64_t hash = 0xcbf29ce484222325;  // FNV-1a: it only tells that something has changed
  for (const char c : dump(properties)) {
    hash = (hash ^ static_cast<unsigned char>(c)) * 0x100000001b3;
  }
  return fmt::format("\"file-{:016x}\"", hash);
}

std::shared_ptr<const Object> stored(const View& view, std::string_view key) {
  const auto known = view.objects->find(key);
  return known == view.objects->end() ? nullptr : known->second;
}

json without_nulls(const json& value) {
  json out = json::object();
  out.merge_patch(value);
  return out;
}

ApiResult<json> read_body(const Call& call) {
  const std::string& text = call.request.body;
  if (text.empty()) {
    return json::object();
  }
  if (text.size() > api_body_bytes_max) {
    return invalid("body", fmt::format("expected at most {} bytes", api_body_bytes_max));
  }
  if (too_deep(text)) {
    return invalid("body", fmt::format("expected at most {} levels of arrays and objects", api_body_depth_max));
  }
  json body = json::parse(text, nullptr, false);
  if (!body.is_object()) {
    return invalid("body", body.is_discarded() ? "expected JSON text in UTF-8" : "expected a JSON object");
  }
  return body;
}

ApiResult<json> read_properties(const Call& call, Nulls nulls) {
  ApiResult<json> body = read_body(call);
  if (!body) {
    return body;
  }
  const auto properties = body->find("properties");
  if (properties == body->end() || !properties->is_object()) {
    return invalid("properties", "expected a JSON object with a member \"properties\" that is an object");
  }
  return nulls == Nulls::kept ? std::move(*properties) : without_nulls(*properties);
}

ApiResult<void> require_if_match(const Call& call) {
  if (call.request.if_match.empty()) {
    return invalid("If-Match", "expected the header field If-Match with the resource's ETag, or *");
  }
  return {};
}

ApiResult<void> check_if_match(const Call& call, IfMatch rule, const std::optional<std::string>& current) {
  const std::string_view if_match = trimmed(call.request.if_match);
  if (if_match.empty()) {
    return rule == IfMatch::optional ? ApiResult<void>() : require_if_match(call);
  }
  if (if_match == "*" || (current && matches(if_match, *current))) {
    return {};
  }
  return stale();
}

std::unexpected<ApiError> read_only(std::string_view kind, std::string_view id) {
  return conflict(fmt::format("{} '{}' stands in the configuration file: change it there.", kind, id));
}

ApiResult<std::shared_ptr<const View>> write(const Call& call, const std::vector<std::string>& parts, const Prepare& prepare) {
  return write_with(call, parts, prepare, Others::invalid);
}

ApiResult<std::shared_ptr<const View>> write_referred(const Call& call, const std::vector<std::string>& parts, const Prepare& prepare) {
  return write_with(call, parts, prepare, Others::conflict);
}

}  // namespace signet::control
