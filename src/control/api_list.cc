// SPDX-License-Identifier: GPL-3.0-or-later
#include "api_list.h"

#include <fmt/core.h>

#include <algorithm>
#include <charconv>
#include <optional>

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

/// The same request, further on.
std::string next_link(const Call& call, std::size_t skip) {
  std::string query;
  for (const auto& [name, value] : call.target.query) {
    if (!same_word(name, "$skip")) {
      query += fmt::format("{}{}={}", query.empty() ? "?" : "&", name.starts_with('$') ? name : percent_encoded(name), percent_encoded(value));
    }
  }
  query += fmt::format("{}$skip={}", query.empty() ? "?" : "&", skip);
  return fmt::format("{}://{}{}{}", call.request.scheme, call.request.authority, call.target.path, query);
}

}  // namespace

Answer list_answer(const Call& call, std::vector<std::string> names, const std::function<Resource(const std::string&)>& shown,
                   std::span<const ListField> fields) {
  const ApiResult<Page> page = read_page(call.target);
  if (!page) {
    return std::unexpected(page.error());
  }
  if (const std::optional<std::string> text = call.target.parameter("$filter"); text && !text->empty()) {
    static_cast<void>(fields);
    return invalid("$filter", "not available in this version");
  }
  std::ranges::sort(names);
  const std::size_t begin = std::min(page->skip, names.size());
  const std::size_t end = begin + std::min(page->top, names.size() - begin);
  json value = json::array();
  for (std::size_t at = begin; at < end; ++at) {
    value.push_back(envelope(call.target, shown(names[at])));
  }
  json body{{"value", std::move(value)}, {"count", names.size()}};
  if (end < names.size()) {
    body["nextLink"] = next_link(call, end);
  }
  return json_answer(200, body);
}

}  // namespace signet::control
