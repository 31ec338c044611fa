// SPDX-License-Identifier: GPL-3.0-or-later
#include <fmt/core.h>

#include <algorithm>
#include <array>
#include <charconv>
#include <span>

#include "signet/base/bytes.h"
#include "signet/wire/digest.h"
#include "names.h"
#include "policy_elements.h"

namespace signet::config {

namespace {

/// In `children`: text may stand between the tags.
constexpr std::string_view text_marker = "#text";

std::string list(std::initializer_list<std::string_view> names) {
  std::string all;
  for (const std::string_view name : names) {
    all += (all.empty() ? "" : ", ") + std::string(name);
  }
  return all;
}

}  // namespace

void ElementReader::error(std::string_view message) {
  ok_ = false;
  report_.error(Source{.file = {}, .line = element_.line, .column = element_.column, .pointer = {}},
                policy_error(element_.name, element_.line, element_.column, message));
}

void ElementReader::attributes(std::initializer_list<std::string_view> names) {
  for (auto attribute = element_.attributes.begin(); attribute != element_.attributes.end(); ++attribute) {
    const std::string& name = attribute->first;
    if (std::ranges::find(names, name) == names.end()) {
      error(fmt::format("unknown attribute '{}'{}; expected {}", name, suggestion(name, std::span(names.begin(), names.size())),
                        names.size() == 0 ? "none" : list(names)));
    } else if (std::any_of(element_.attributes.begin(), attribute, [&name](const auto& other) { return other.first == name; })) {
      error(fmt::format("the attribute {} is there twice", name));
    }
  }
}

void ElementReader::children(std::initializer_list<std::string_view> names) {
  const bool takes_text = std::ranges::find(names, text_marker) != names.end();
  if (!takes_text && !text().empty()) {
    error("expected no text between the tags");
  }
  for (const XmlElement& child : element_.children) {
    if (std::ranges::find(names, child.name) == names.end()) {
      ok_ = false;
      ElementReader(child, report_)
          .error(takes_text || names.size() == 0
                     ? fmt::format("not expected inside <{}>", element_.name)
                     : fmt::format("not expected inside <{}>{}; expected {}", element_.name,
                                   suggestion(child.name, std::span(names.begin(), names.size())), list(names)));
    }
  }
}

const std::string* ElementReader::attribute(std::string_view name) const {
  const auto found = std::ranges::find(element_.attributes, name, [](const auto& attribute) { return std::string_view(attribute.first); });
  return found == element_.attributes.end() ? nullptr : &found->second;
}

std::string ElementReader::required(std::string_view name) {
  const std::string* value = attribute(name);
  if (value == nullptr || value->empty()) {
    error(fmt::format("expected the attribute {}", name));
    return {};
  }
  return *value;
}

bool ElementReader::boolean(std::string_view name, bool fallback) {
  const std::string* value = attribute(name);
  if (value == nullptr) {
    return fallback;
  }
  if (*value != "true" && *value != "false") {
    error(fmt::format("the attribute {} is '{}'; expected true or false", name, *value));
  }
  return *value == "true";
}

std::uint32_t ElementReader::number(std::string_view name, std::uint32_t min, std::uint32_t max) {
  const std::string text = required(name);
  if (text.empty()) {
    return min;
  }
  std::uint32_t value = 0;
  const auto [stop, failure] = std::from_chars(text.data(), text.data() + text.size(), value);
  if (failure != std::errc{} || stop != text.data() + text.size() || value < min || value > max) {
    error(fmt::format("the attribute {} is '{}'; expected a whole number from {} to {}", name, text, min, max));
    return min;
  }
  return value;
}

std::string_view ElementReader::text() const {
  constexpr std::string_view blanks = " \t\r\n";
  const std::string_view text = element_.text;
  const std::size_t begin = text.find_first_not_of(blanks);
  return begin == std::string_view::npos ? std::string_view() : text.substr(begin, text.find_last_not_of(blanks) - begin + 1);
}

bool is_framing_field(std::string_view lower_case_name) {
  constexpr std::array<std::string_view, 10> names{"connection",        "content-length",   "expect", "http2-settings",
                                                   "keep-alive",        "proxy-connection", "te",     "trailer",
                                                   "transfer-encoding", "upgrade"};
  // Many servers take "Content_Length" for "Content-Length".
  return std::ranges::any_of(names, [lower_case_name](std::string_view name) {
    return std::ranges::equal(name, lower_case_name, [](char a, char b) { return a == (b == '_' ? '-' : b); });
  });
}

std::string basic_credentials(std::string_view user, std::string_view password) {
  return "Basic " + wire::base64_encode(as_bytes(fmt::format("{}:{}", user, password)));
}

bool is_sensitive_name(std::string_view name) {
  constexpr std::array<std::string_view, 9> words{"authorization", "cookie",    "credential", "key", "pass",
                                                  "secret",        "signature", "token",      "sig"};
  const std::string lower = lower_case(name);
  return std::ranges::any_of(words, [&lower](std::string_view word) { return lower.find(word) != std::string::npos; });
}

}  // namespace signet::config
