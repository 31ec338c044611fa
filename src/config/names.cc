// SPDX-License-Identifier: GPL-3.0-or-later
#include "names.h"

#include <fmt/core.h>

#include <algorithm>
#include <array>
#include <vector>

#include "signet/base/endpoint.h"
#include "signet/wire/http_path.h"

namespace signet::config {

namespace {

/// Longest text that is looked at for a suggestion.
constexpr std::size_t suggestion_size_max = 64;

bool is_digit(char c) {
  return c >= '0' && c <= '9';
}

bool is_alphanumeric(char c) {
  return is_digit(c) || (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z');
}

bool is_label(std::string_view label) {
  return !label.empty() && label.size() <= 63 && label.front() != '-' && label.back() != '-' &&
         std::all_of(label.begin(), label.end(), [](char c) { return is_alphanumeric(c) || c == '-' || c == '_'; });
}

bool is_dot_segment(std::string_view segment) {
  std::string plain;
  for (std::size_t i = 0; i < segment.size(); ++i) {
    const bool encoded_dot = segment[i] == '%' && i + 2 < segment.size() && segment[i + 1] == '2' && (segment[i + 2] | 0x20) == 'e';
    plain += encoded_dot ? '.' : segment[i];
    i += encoded_dot ? 2 : 0;
  }
  return plain == "." || plain == "..";
}

/// Edits (change, add, leave out, swap two neighbours) that lead from one text to the other.
std::size_t distance(std::string_view a, std::string_view b) {
  std::vector<std::vector<std::size_t>> rows(a.size() + 1, std::vector<std::size_t>(b.size() + 1));
  for (std::size_t i = 0; i <= a.size(); ++i) {
    for (std::size_t j = 0; j <= b.size(); ++j) {
      if (i == 0 || j == 0) {
        rows[i][j] = i + j;
        continue;
      }
      const std::size_t change = rows[i - 1][j - 1] + (a[i - 1] == b[j - 1] ? 0 : 1);
      rows[i][j] = std::min({change, rows[i - 1][j] + 1, rows[i][j - 1] + 1});
      if (i > 1 && j > 1 && a[i - 1] == b[j - 2] && a[i - 2] == b[j - 1]) {
        rows[i][j] = std::min(rows[i][j], rows[i - 2][j - 2] + 1);
      }
    }
  }
  return rows[a.size()][b.size()];
}

}  // namespace

std::string lower_case(std::string_view text) {
  std::string lower(text);
  std::transform(lower.begin(), lower.end(), lower.begin(), [](char c) { return c >= 'A' && c <= 'Z' ? static_cast<char>(c | 0x20) : c; });
  return lower;
}

bool is_id(std::string_view text, std::size_t size_max) {
  return !text.empty() && text.size() <= size_max && text.front() != ' ' && text.back() != ' ' && text.front() != '/' &&
         text.find_first_of("*#&+:<>?") == std::string_view::npos &&
         std::none_of(text.begin(), text.end(), [](char c) { return static_cast<unsigned char>(c) < 0x20 || c == 0x7f; });
}

bool is_host(std::string_view text) {
  if (parse_address(text, 0)) {
    return text.find(':') == std::string_view::npos;
  }
  if (text.ends_with('.')) {
    text.remove_suffix(1);
  }
  if (text.size() > 253) {
    return false;
  }
  std::string_view last;
  for (std::string_view rest = text;;) {
    const std::size_t dot = std::min(rest.find('.'), rest.size());
    last = rest.substr(0, dot);
    if (!is_label(last)) {
      return false;
    }
    if (dot == rest.size()) {
      break;
    }
    rest.remove_prefix(dot + 1);
  }
  return !std::all_of(last.begin(), last.end(), is_digit);
}

bool is_path(std::string_view text) {
  if (!text.starts_with('/')) {
    return false;
  }
  constexpr std::string_view others = "-._~!$&'()*+,;=:@/";
  for (std::size_t i = 0; i < text.size(); ++i) {
    if (text[i] == '%') {
      if (i + 2 >= text.size() || wire::hex_value(text[i + 1]) < 0 || wire::hex_value(text[i + 2]) < 0) {
        return false;
      }
    } else if (!is_alphanumeric(text[i]) && others.find(text[i]) == std::string_view::npos) {
      return false;
    }
  }
  for (std::string_view rest = text.substr(1); !rest.empty();) {
    const std::size_t slash = std::min(rest.find('/'), rest.size());
    if (slash == 0 || is_dot_segment(rest.substr(0, slash))) {
      return false;
    }
    rest.remove_prefix(std::min(slash + 1, rest.size()));
  }
  return true;
}

std::string normal_encoding(std::string_view path) {
  std::string normal;
  for (std::size_t i = 0; i < path.size(); ++i) {
    if (path[i] != '%' || i + 2 >= path.size()) {
      normal += path[i];
      continue;
    }
    const auto plain = static_cast<char>(wire::hex_value(path[i + 1]) * 16 + wire::hex_value(path[i + 2]));
    normal += wire::percent_encode({&plain, 1});
    i += 2;
  }
  return normal;
}

bool is_token(std::string_view text) {
  return !text.empty() && std::all_of(text.begin(), text.end(), [](char c) {
    return is_alphanumeric(c) || std::string_view("!#$%&'*+-.^_`|~").find(c) != std::string_view::npos;
  });
}

bool is_field_value(std::string_view text) {
  const auto is_space = [](char c) { return c == ' ' || c == '\t'; };
  return (text.empty() || (!is_space(text.front()) && !is_space(text.back()))) &&
         std::all_of(text.begin(), text.end(), [](char c) { return c == '\t' || (static_cast<unsigned char>(c) >= 0x20 && c != 0x7f); });
}

std::string_view id_in(std::string_view text, std::string_view collection) {
  if (!text.starts_with('/')) {
    return text;
  }
  // Empty names stand for what Azure's own names are.
  constexpr std::array<std::string_view, 8> prefix{"subscriptions", "", "resourcegroups", "", "providers", "microsoft.apimanagement",
                                                   "service",       ""};
  std::vector<std::string_view> segments;
  for (std::size_t begin = 1; begin <= text.size();) {
    const std::size_t end = std::min(text.find('/', begin), text.size());
    segments.push_back(text.substr(begin, end - begin));
    begin = end + 1;
  }
  if (segments.size() == prefix.size() + 2) {
    for (std::size_t i = 0; i < prefix.size(); ++i) {
      if (segments[i].empty() || (!prefix[i].empty() && lower_case(segments[i]) != prefix[i])) {
        return {};
      }
    }
  } else if (segments.size() != 2) {
    return {};
  }
  return lower_case(segments[segments.size() - 2]) == lower_case(collection) ? segments.back() : std::string_view();
}

std::string normal_thumbprint(std::string_view text) {
  std::string digits;
  for (const char c : text) {
    if (c == ':' || c == ' ') {
      continue;
    }
    if (wire::hex_value(c) < 0) {
      return {};
    }
    digits += c >= 'a' ? static_cast<char>(c & ~0x20) : c;
  }
  return digits.size() == 40 || digits.size() == 64 || digits.size() == 128 ? digits : std::string();
}

std::string_view nearest(std::string_view text, std::span<const std::string_view> names) {
  if (text.size() > suggestion_size_max) {
    return {};
  }
  std::string_view best;
  std::size_t best_distance = std::max<std::size_t>(2, text.size() / 3) + 1;
  const std::string lower = lower_case(text);
  for (const std::string_view name : names) {
    if (name.size() > suggestion_size_max) {
      continue;
    }
    const std::size_t edits = distance(lower, lower_case(name));
    // A name of which nothing is left after the edits is no suggestion.
    if (edits < best_distance && edits < std::max(text.size(), name.size())) {
      best = name;
      best_distance = edits;
    }
  }
  return best;
}

std::string suggestion(std::string_view text, std::span<const std::string_view> names) {
  const std::string_view name = nearest(text, names);
  return name.empty() ? std::string() : fmt::format("; did you mean \"{}\"?", name);
}

}  // namespace signet::config
