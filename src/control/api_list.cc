// SPDX-License-Identifier: GPL-3.0-or-later
#include "api_list.h"

#include <fmt/core.h>

#include <algorithm>
#include <charconv>
#include <optional>

#include "signet/wire/http_head.h"
#include "signet/wire/http_path.h"
#include "odata.h"

namespace signet::control {

namespace {

/// A whole number; nothing for anything else.
std::optional<std::size_t> number(const std::string& text) {
  std::size_t value = 0;
  const auto [stop, error] = std::from_chars(text.data(), text.data() + text.size(), value);
  return error == std::errc{} && stop == text.data() + text.size() ? std::optional(value) : std::nullopt;
}

struct Page {
  std::size_t skip = 0;
  std::size_t top = api_page_max;
};

ApiResult<Page> read_page(const Target& target) {
  Page page;
  if (const std::optional<std::string> top = target.parameter("$top")) {
    const std::optional<std::size_t> value = number(*top);
    if (!value || *value < 1) {
      return invalid("$top", "expected a whole number of at least 1");
    }
    page.top = std::min(*value, api_page_max);
  }
  if (const std::optional<std::string> skip = target.parameter("$skip")) {
    const std::optional<std::size_t> value = number(*skip);
    if (!value) {
      return invalid("$skip", "expected a whole number of at least 0");
    }
    page.skip = *value;
  }
  return page;
}

ApiResult<std::optional<Filter>> read_filter(const Target& target, std::span<const std::string_view> fields) {
  const std::optional<std::string> text = target.parameter("$filter");
  if (!text || text->empty()) {
    return std::nullopt;
  }
  std::expected<Filter, std::string> filter = parse_filter(*text, fields);
  if (!filter) {
    return invalid("$filter", std::move(filter.error()));
  }
  return std::move(*filter);
}

bool fits(const Filter& filter, const Resource& resource) {
  json properties = resource.properties;
  properties["name"] = resource.parts.back();
  return filter.matches(properties);
}

/// The same request, further on.
std::string next_link(const Call& call, std::size_t skip) {
  std::string query;
  for (const auto& [name, value] : call.target.query) {
    if (!wire::equals_ignoring_case(name, "$skip")) {
      query += fmt::format("{}{}={}", query.empty() ? "?" : "&", name.starts_with('$') ? name : wire::percent_encode(name),
                           wire::percent_encode(value));
    }
  }
  query += fmt::format("{}$skip={}", query.empty() ? "?" : "&", skip);
  return fmt::format("{}://{}{}{}", call.request.scheme, call.request.authority, call.target.path, query);
}

}  // namespace

Answer list_answer(const Call& call, std::vector<std::string> names, const std::function<Resource(const std::string&)>& shown,
                   std::span<const std::string_view> fields) {
  const ApiResult<Page> page = read_page(call.target);
  if (!page) {
    return std::unexpected(page.error());
  }
  const ApiResult<std::optional<Filter>> filter = read_filter(call.target, fields);
  if (!filter) {
    return std::unexpected(filter.error());
  }
  std::ranges::sort(names);
  std::size_t count = names.size();
  json value = json::array();
  if (*filter) {
    count = 0;
    for (const std::string& name : names) {
      const Resource resource = shown(name);
      if (!fits(**filter, resource)) {
        continue;
      }
      if (count >= page->skip && value.size() < page->top) {
        value.push_back(envelope(call.target, resource));
      }
      ++count;
    }
  } else {
    for (std::size_t at = page->skip; at < names.size() && value.size() < page->top; ++at) {
      value.push_back(envelope(call.target, shown(names[at])));
    }
  }
  const std::size_t left = count - std::min(count, page->skip);
  const bool more = left > value.size();
  json body{{"count", count}};
  if (more) {
    body["nextLink"] = next_link(call, page->skip + value.size());
  }
  body["value"] = std::move(value);
  return json_answer(200, body);
}

}  // namespace signet::control
