// SPDX-License-Identifier: GPL-3.0-or-later
#include "table.h"

#include <fmt/core.h>

#include <algorithm>
#include <array>
#include <charconv>
#include <chrono>
#include <nlohmann/json.hpp>
#include <optional>

#include "signet/base/check.h"

namespace signet::app::cli {

namespace {

using nlohmann::json;

bool continues(std::string_view text, std::size_t at) {
  return at < text.size() && (static_cast<unsigned char>(text[at]) & 0xc0) == 0x80;
}

/// Bytes of the UTF-8 character that begins at `at`; 0 for what is none.
std::size_t character_size(std::string_view text, std::size_t at) {
  const auto first = static_cast<unsigned char>(text[at]);
  if (first < 0x80) {
    return 1;
  }
  const std::size_t size = first >= 0xf0 && first < 0xf5 ? 4 : first >= 0xe0 ? 3 : first >= 0xc2 ? 2 : 0;
  for (std::size_t more = 1; more < size; ++more) {
    if (!continues(text, at + more)) {
      return 0;
    }
  }
  return first < 0xf5 ? size : 0;
}

bool is_control(std::string_view character) {
  const auto first = static_cast<unsigned char>(character[0]);
  return first < 0x20 || first == 0x7f || (first == 0xc2 && static_cast<unsigned char>(character[1]) < 0xa0);
}

/// Characters, not bytes.
std::size_t width(std::string_view text) {
  return static_cast<std::size_t>(std::ranges::count_if(text, [](char c) { return (static_cast<unsigned char>(c) & 0xc0) != 0x80; }));
}

std::optional<WallTime> parse_time(std::string_view text) {
  // yyyy-MM-ddTHH:mm:ssZ
  constexpr std::string_view form = "0000-00-00T00:00:00";
  if (text.size() < form.size()) {
    return std::nullopt;
  }
  std::array<int, 6> numbers{};
  constexpr std::array<std::pair<std::size_t, std::size_t>, 6> places{{{0, 4}, {5, 2}, {8, 2}, {11, 2}, {14, 2}, {17, 2}}};
  for (std::size_t at = 0; at < places.size(); ++at) {
    const char* const begin = text.data() + places[at].first;
    const char* const end = begin + places[at].second;
    if (std::from_chars(begin, end, numbers[at]).ptr != end) {
      return std::nullopt;
    }
  }
  const std::chrono::year_month_day day{std::chrono::year{numbers[0]}, std::chrono::month{static_cast<unsigned>(numbers[1])},
                                        std::chrono::day{static_cast<unsigned>(numbers[2])}};
  if (!day.ok()) {
    return std::nullopt;
  }
  return std::chrono::sys_days(day) + std::chrono::hours(numbers[3]) + std::chrono::minutes(numbers[4]) + std::chrono::seconds(numbers[5]);
}

bool is_list_of_objects(const json& value) {
  return value.is_array() && !value.empty() && std::ranges::all_of(value, [](const json& item) { return item.is_object(); });
}

std::string table_of(const json& objects) {
  std::vector<std::string> names;
  for (const json& object : objects) {
    for (const auto& [name, value] : object.items()) {
      if (std::ranges::find(names, name) == names.end()) {
        names.push_back(name);
      }
    }
  }
  // What a line is about comes first.
  for (const std::string_view first : {"time", "name"}) {
    if (const auto found = std::ranges::find(names, first); found != names.end()) {
      std::rotate(names.begin(), found, found + 1);
    }
  }
  Table table(names);
  for (const json& object : objects) {
    std::vector<std::string> cells;
    for (const std::string& name : names) {
      cells.push_back(object.contains(name) ? one_line(object[name]) : std::string());
    }
    table.add(std::move(cells));
  }
  return table.text();
}

/// Single values go into `table`, lists of objects behind it.
void flatten(const json& object, const std::string& prefix, Table& table, std::string& lists) {
  for (const auto& [name, value] : object.items()) {
    const std::string full = prefix.empty() ? name : fmt::format("{}.{}", prefix, name);
    if (value.is_object() && !value.empty()) {
      flatten(value, full, table, lists);
    } else if (is_list_of_objects(value)) {
      lists += fmt::format("\n{}:\n{}", clean(full), table_of(value));
    } else {
      table.add({full, one_line(value)});
    }
  }
}

}  // namespace

std::string clean(std::string_view text) {
  std::string out;
  out.reserve(text.size());
  for (std::size_t at = 0; at < text.size();) {
    const std::size_t size = character_size(text, at);
    const std::string_view character = text.substr(at, std::max<std::size_t>(size, 1));
    if (size == 0 || is_control(character)) {
      for (const char c : character) {
        out += fmt::format("\\x{:02x}", static_cast<unsigned char>(c));
      }
    } else {
      out += character;
    }
    at += character.size();
  }
  return out;
}

Table::Table(std::vector<std::string> head) : head_(std::move(head)) {
  for (std::string& name : head_) {
    name = clean(name);
  }
}

void Table::add(std::vector<std::string> cells) {
  SIGNET_CHECK(cells.size() == head_.size());
  for (std::string& cell : cells) {
    cell = clean(cell);
  }
  rows_.push_back(std::move(cells));
}

std::string Table::text() const {
  std::vector<std::size_t> widths;
  for (std::size_t column = 0; column < head_.size(); ++column) {
    std::size_t widest = width(head_[column]);
    for (const std::vector<std::string>& row : rows_) {
      widest = std::max(widest, width(row[column]));
    }
    widths.push_back(widest);
  }
  std::string out;
  const auto write = [&](const std::vector<std::string>& cells) {
    std::string line;
    for (std::size_t column = 0; column < cells.size(); ++column) {
      line += cells[column];
      line.append(widths[column] - width(cells[column]) + 2, ' ');
    }
    line.erase(line.find_last_not_of(' ') + 1);
    out += line + '\n';
  };
  if (std::ranges::any_of(head_, [](const std::string& name) { return !name.empty(); })) {
    write(head_);
  }
  std::ranges::for_each(rows_, write);
  return out;
}

std::string time_left(std::string_view expiration_date, WallTime now) {
  const std::optional<WallTime> end = parse_time(expiration_date);
  if (!end) {
    return {};
  }
  if (*end < now) {
    return "EXPIRED";
  }
  const auto plural = [](std::int64_t count, std::string_view unit) { return fmt::format("{} {}{}", count, unit, count == 1 ? "" : "s"); };
  const auto left = *end - now;
  if (left >= std::chrono::days(2)) {
    return plural(std::chrono::floor<std::chrono::days>(left).count(), "day");
  }
  return left >= std::chrono::hours(1) ? plural(std::chrono::floor<std::chrono::hours>(left).count(), "hour")
                                       : plural(std::chrono::floor<std::chrono::minutes>(left).count(), "minute");
}

std::string one_line(const json& value) {
  if (value.is_string()) {
    return value.get<std::string>();
  }
  if (value.is_null()) {
    return {};
  }
  if (value.is_array()) {
    std::string out;
    for (const json& item : value) {
      out += fmt::format("{}{}", out.empty() ? "" : ", ", one_line(item));
    }
    return out;
  }
  return value.dump(-1, ' ', false, json::error_handler_t::replace);
}

std::string describe(const json& value) {
  if (value.is_array()) {
    return value.empty() ? std::string() : is_list_of_objects(value) ? table_of(value) : clean(one_line(value)) + '\n';
  }
  Table table({"", ""});
  std::string lists;
  flatten(value, {}, table, lists);
  return table.text() + lists;
}

}  // namespace signet::app::cli
