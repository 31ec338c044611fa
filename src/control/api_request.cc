// SPDX-License-Identifier: GPL-3.0-or-later
#include "api_request.h"

#include <fmt/core.h>

#include <algorithm>
#include <array>
#include <nlohmann/json.hpp>

#include "signet/wire/http_head.h"
#include "signet/wire/http_path.h"

namespace signet::control {

namespace {

bool is_utf8(const std::string& text) {
  try {
    static_cast<void>(nlohmann::json(text).dump());
    return true;
  } catch (const nlohmann::json::exception&) {
    return false;
  }
}

std::vector<std::string_view> split(std::string_view text, char separator) {
  std::vector<std::string_view> parts;
  for (std::size_t begin = 0; begin <= text.size();) {
    const std::size_t end = std::min(text.find(separator, begin), text.size());
    parts.push_back(text.substr(begin, end - begin));
    begin = end + 1;
  }
  return parts;
}

std::unexpected<ApiError> bad_request(std::string code, std::string message) {
  return std::unexpected(
      ApiError{.status = 400, .code = std::move(code), .message = std::move(message), .target = {}, .details = {}, .allow = {}});
}

ApiResult<void> read_query(std::string_view text, Target& target) {
  for (const std::string_view pair : split(text, '&')) {
    if (pair.empty()) {
      continue;
    }
    if (target.query.size() >= api_target_parts_max) {
      return bad_request("BadRequest", fmt::format("The query has more than {} parameters.", api_target_parts_max));
    }
    const std::size_t equals = std::min(pair.find('='), pair.size());
    std::string value(pair.substr(std::min(equals + 1, pair.size())));
    std::ranges::replace(value, '+', ' ');
    std::optional<std::string> name = percent_decoded(pair.substr(0, equals));
    std::optional<std::string> plain = percent_decoded(value);
    if (!name || !plain) {
      return bad_request("BadRequest", "The query is not percent-encoded UTF-8.");
    }
    target.query.emplace_back(std::move(*name), std::move(*plain));
  }
  return {};
}

/// Takes the prefix off; false for a path that has none.
bool take_prefix(Target& target) {
  constexpr std::array<std::string_view, 8> words{"subscriptions", "", "resourceGroups", "", "providers", "Microsoft.ApiManagement",
                                                  "service",       ""};
  if (target.parts.size() < words.size()) {
    return false;
  }
  std::string prefix;
  for (std::size_t at = 0; at < words.size(); ++at) {
    if (!words[at].empty() && !wire::equals_ignoring_case(words[at], target.parts[at])) {
      return false;
    }
    prefix += fmt::format("/{}", words[at].empty() ? wire::percent_encode(target.parts[at]) : words[at]);
  }
  target.prefix = std::move(prefix);
  target.parts.erase(target.parts.begin(), target.parts.begin() + words.size());
  return true;
}

}  // namespace

std::optional<std::string> percent_decoded(std::string_view text) {
  std::string out;
  for (std::size_t at = 0; at < text.size(); ++at) {
    char c = text[at];
    if (c == '%') {
      const int high = at + 2 < text.size() ? wire::hex_value(text[at + 1]) : -1;
      const int low = at + 2 < text.size() ? wire::hex_value(text[at + 2]) : -1;
      if (high < 0 || low < 0) {
        return std::nullopt;
      }
      c = static_cast<char>(high * 16 + low);
      at += 2;
    }
    if (static_cast<unsigned char>(c) < 0x20 || c == 0x7f) {
      return std::nullopt;
    }
    out += c;
  }
  return is_utf8(out) ? std::optional(std::move(out)) : std::nullopt;
}

std::optional<std::string> Target::parameter(std::string_view name) const {
  const auto found = std::ranges::find_if(query, [&](const auto& entry) { return wire::equals_ignoring_case(entry.first, name); });
  return found == query.end() ? std::nullopt : std::optional(found->second);
}

ApiResult<Target> parse_target(std::string_view text, const std::string& prefix_of_alias) {
  if (text.size() > api_target_size_max) {
    return std::unexpected(ApiError{.status = 414,
                                    .code = "UriTooLong",
                                    .message = fmt::format("The request target is longer than {} bytes.", api_target_size_max),
                                    .target = {},
                                    .details = {},
                                    .allow = {}});
  }
  Target target;
  text = text.substr(0, text.find('#'));
  const std::size_t mark = std::min(text.find('?'), text.size());
  target.path = text.substr(0, mark);
  if (!target.path.starts_with('/')) {
    return bad_request("BadRequest", "Expected a path.");
  }
  for (const std::string_view segment : split(std::string_view(target.path).substr(1), '/')) {
    std::optional<std::string> part = percent_decoded(segment);
    if (!part) {
      return bad_request("BadRequest", "The path is not percent-encoded UTF-8 without control characters.");
    }
    if (part->empty() || target.parts.size() >= api_target_parts_max) {
      return not_found("No such resource: the path has an empty segment, or too many.");
    }
    target.parts.push_back(std::move(*part));
  }
  if (ApiResult<void> read = read_query(text.substr(std::min(mark + 1, text.size())), target); !read) {
    return std::unexpected(std::move(read.error()));
  }
  const bool full = take_prefix(target);
  if (!full) {
    target.prefix = prefix_of_alias;
  }
  const std::optional<std::string> version = target.parameter("api-version");
  if (full && !version) {
    return bad_request("MissingApiVersionParameter", fmt::format("The api-version query parameter is required: use {}.", api_version));
  }
  if (version && *version != api_version) {
    return bad_request("InvalidApiVersionParameter", fmt::format("The api-version is not supported: use {}.", api_version));
  }
  return target;
}

}  // namespace signet::control
