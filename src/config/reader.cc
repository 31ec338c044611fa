// SPDX-License-Identifier: GPL-3.0-or-later
#include "reader.h"

#include <fmt/core.h>

#include <algorithm>
#include <array>
#include <charconv>
#include <utility>

#include "signet/base/log.h"
#include "signet/config/files.h"
#include "names.h"

namespace signet::config {

namespace {

constexpr std::size_t shown_size_max = 64;

struct Unit {
  std::string_view name;
  Duration size;
};

constexpr std::array<Unit, 4> units{{
    {"ms", std::chrono::milliseconds(1)},
    {"s", std::chrono::seconds(1)},
    {"m", std::chrono::minutes(1)},
    {"h", std::chrono::hours(1)},
}};

std::string quoted(std::string_view text) {
  return fmt::format("\"{}\"", log::printable(text, shown_size_max));
}

/// RFC 6901 §3, fit for a line of text.
std::string escaped(std::string_view name) {
  std::string text;
  for (const char c : log::printable(name, shown_size_max)) {
    if (c == '~') {
      text += "~0";
    } else if (c == '/') {
      text += "~1";
    } else {
      text += c;
    }
  }
  return text;
}

std::string joined(const std::vector<std::string_view>& names, std::string_view between) {
  std::string text;
  for (const std::string_view name : names) {
    text.append(text.empty() ? "" : between).append(name);
  }
  return text;
}

/// Of UTF-8, which every JSON text is.
std::size_t characters(std::string_view text) {
  return static_cast<std::size_t>(
      std::count_if(text.begin(), text.end(), [](char c) { return (static_cast<unsigned char>(c) & 0xc0) != 0x80; }));
}

std::string found(const json::Node& node) {
  switch (node.type) {
    case json::Type::string: return quoted(node.text);
    case json::Type::number: return log::printable(node.text, shown_size_max);
    case json::Type::boolean: return node.boolean ? "true" : "false";
    case json::Type::null:
    case json::Type::array:
    case json::Type::object: break;
  }
  return std::string(json::name_of(node.type));
}

/// Largest number in front of a unit: of the smallest ones, thirty years.
constexpr std::int64_t units_max = 1'000'000'000;
constexpr std::array<Unit, 2> date_units{{{"W", std::chrono::weeks(1)}, {"D", std::chrono::days(1)}}};
constexpr std::array<Unit, 3> time_units{{{"H", std::chrono::hours(1)}, {"M", std::chrono::minutes(1)}, {"S", std::chrono::seconds(1)}}};

/// Behind the decimal point: whole milliseconds, in front of the seconds only. Takes what it has read off `rest`.
std::optional<Duration> parse_fraction(std::string_view& rest) {
  constexpr std::size_t digits_max = 3;
  const std::size_t size = std::min(rest.find_first_not_of("0123456789"), rest.size());
  std::int64_t part = 0;
  std::from_chars(rest.data(), rest.data() + std::min(size, digits_max), part);
  for (std::size_t i = size; i < digits_max; ++i) {
    part *= 10;
  }
  const bool fits = size > 0 && size <= digits_max && rest.substr(size).starts_with('S');
  rest.remove_prefix(size);
  return fits ? std::optional<Duration>(std::chrono::milliseconds(part)) : std::nullopt;
}

/// Numbers with units in the order of `in_order`, each at most once.
std::optional<Duration> parse_counts(std::string_view rest, std::span<const Unit> in_order) {
  Duration sum{};
  while (!rest.empty()) {
    std::int64_t count = 0;
    const auto [stop, error] = std::from_chars(rest.data(), rest.data() + rest.size(), count);
    if (error != std::errc{} || rest.starts_with('-') || count > units_max) {
      return std::nullopt;
    }
    rest.remove_prefix(static_cast<std::size_t>(stop - rest.data()));
    if (rest.starts_with('.')) {
      rest.remove_prefix(1);
      const std::optional<Duration> fraction = parse_fraction(rest);
      if (!fraction) {
        return std::nullopt;
      }
      sum += *fraction;
    }
    const auto unit = std::ranges::find_if(in_order, [rest](const Unit& known) { return rest.starts_with(known.name); });
    if (unit == in_order.end() || count > (Duration::max() - sum) / unit->size) {
      return std::nullopt;
    }
    sum += count * unit->size;
    in_order = in_order.subspan(static_cast<std::size_t>(unit - in_order.begin()) + 1);
    rest.remove_prefix(1);
  }
  return sum;
}

/// What stands behind the P.
std::optional<Duration> parse_iso_duration(std::string_view text) {
  const std::size_t split = std::min(text.find('T'), text.size());
  const std::string_view time = text.substr(std::min(split + 1, text.size()));
  if (text.empty() || (split < text.size() && time.empty())) {
    return std::nullopt;
  }
  const std::optional<Duration> days = parse_counts(text.substr(0, split), date_units);
  const std::optional<Duration> hours = parse_counts(time, time_units);
  return days && hours && *days <= Duration::max() - *hours ? std::optional<Duration>(*days + *hours) : std::nullopt;
}

}  // namespace

Duration parse_duration(std::string_view text) {
  return parse_time(text).value_or(Duration(-1));
}

std::optional<Duration> parse_time(std::string_view text) {
  if (text.starts_with('P')) {
    return parse_iso_duration(text.substr(1));
  }
  std::int64_t count = 0;
  const char* const end = text.data() + text.size();
  const auto [stop, error] = std::from_chars(text.data(), end, count);
  if (error == std::errc{} && count >= 0 && count <= units_max && !text.starts_with('-')) {
    for (const Unit& unit : units) {
      if (unit.name == std::string_view(stop, static_cast<std::size_t>(end - stop)) && count <= Duration::max() / unit.size) {
        return count * unit.size;
      }
    }
  }
  return std::nullopt;
}

std::string duration_text(Duration duration) {
  const Unit* best = &units[0];
  for (const Unit& unit : units) {
    if (duration % unit.size == Duration::zero() && (duration != Duration::zero() || unit.name == "s")) {
      best = &unit;
    }
  }
  return fmt::format("{}{}", duration / best->size, best->name);
}

Source Document::source(std::size_t offset, std::string pointer) const {
  if (file_.empty()) {
    return Source{.pointer = std::move(pointer)};
  }
  const json::Position position = lines_.at(offset);
  return Source{.file = file_, .line = position.line, .column = position.column, .pointer = std::move(pointer)};
}

ObjectReader::ObjectReader(Document& document, Item item) : document_(document), item_(std::move(item)) {
  if (item_.node->type != json::Type::object) {
    document_.report().error(source(), fmt::format("expected an object, found {}", found(*item_.node)));
    return;
  }
  const std::vector<json::Node>& members = item_.node->children;
  for (auto member = members.begin(); member != members.end(); ++member) {
    const auto first = std::find_if(members.begin(), member, [member](const json::Node& other) { return other.key == member->key; });
    if (first != member) {
      document_.report().error(document_.source(member->key_offset, pointer_to(member->key)),
                               fmt::format("{} stands here a second time; the first is on line {}", quoted(member->key),
                                           document_.source(first->key_offset, {}).line));
    }
  }
}

ObjectReader::~ObjectReader() {
  if (item_.node->type != json::Type::object) {
    return;
  }
  for (const json::Node& member : item_.node->children) {
    if (std::find(known_.begin(), known_.end(), member.key) != known_.end() ||
        std::find(passed_over_.begin(), passed_over_.end(), member.key) != passed_over_.end()) {
      continue;
    }
    std::string hint = suggestion(member.key, known_);
    if (hint.empty()) {
      hint = "; expected " + joined(known_, ", ");
    }
    document_.report().error(document_.source(member.key_offset, pointer_to(member.key)),
                             fmt::format("unknown setting {}{}", quoted(member.key), hint));
  }
}

Source ObjectReader::source() const {
  return document_.source(item_.node->offset, item_.pointer);
}

Source ObjectReader::source(std::string_view name) const {
  const json::Node* node = find(name);
  return node == nullptr ? source() : document_.source(node->offset, pointer_to(name));
}

void ObjectReader::error(std::string_view name, std::string message) {
  document_.report().error(source(name), std::move(message));
}

void ObjectReader::warning(std::string_view name, std::string message) {
  document_.report().warning(source(name), std::move(message));
}

void ObjectReader::require(std::initializer_list<std::string_view> names) {
  for (const std::string_view name : names) {
    if (find(name) == nullptr && item_.node->type == json::Type::object) {
      document_.report().error(source(), fmt::format("\"{}\" is missing", name));
    }
  }
}

void ObjectReader::not_available(std::initializer_list<std::string_view> names) {
  for (const std::string_view name : names) {
    if (const json::Node* node = find(name)) {
      document_.report().error(document_.source(node->key_offset, pointer_to(name)),
                               fmt::format("\"{}\" is not available in this version", name));
      known_.push_back(name);
    }
  }
}

void ObjectReader::text(std::string_view name, std::string& target, std::size_t size_min, std::size_t size_max) {
  const json::Node* node = take(name, json::Type::string);
  if (node == nullptr) {
    return;
  }
  const std::size_t size = characters(node->text);
  if (size < size_min || size > size_max) {
    error(name, fmt::format("expected a text of {} to {} characters, found {}", size_min, size_max, size));
  } else if (node->text.find('\0') != std::string::npos) {
    error(name, "expected a text without NUL");
  } else {
    target = node->text;
  }
}

void ObjectReader::id(std::string& target, std::size_t size_max) {
  const json::Node* node = take("id", json::Type::string);
  if (node == nullptr) {
    return;
  }
  target = node->text;
  if (!is_id(node->text, size_max)) {
    error("id", fmt::format("expected an id of 1 to {} characters and none of * # & + : < > ?, no slash in front, found {}", size_max,
                            shown(*node)));
  }
}

void ObjectReader::reference(std::string_view name, Reference& target) {
  std::string value;
  text(name, value, 1, 4096);
  if (!value.empty()) {
    target = Reference{.value = std::move(value), .source = source(name)};
  }
}

void ObjectReader::file(std::string_view name, Reference& target) {
  Reference relative;
  reference(name, relative);
  if (!relative.value.empty()) {
    target = Reference{.value = beside(document_.file(), relative.value), .source = std::move(relative.source)};
  }
}

void ObjectReader::boolean(std::string_view name, bool& target) {
  if (const json::Node* node = take(name, json::Type::boolean)) {
    target = node->boolean;
  }
}

void ObjectReader::duration(std::string_view name, Duration& target, Duration min, Duration max) {
  const json::Node* node = take(name, json::Type::string);
  if (node == nullptr) {
    return;
  }
  const Duration value = parse_duration(node->text);
  if (value < Duration::zero()) {
    error(name, fmt::format(R"(expected a time such as "500ms", "30s", "2m" or "1h", found {})", shown(*node)));
  } else if (value < min || value > max) {
    error(name, fmt::format("expected a time from {} to {}, found {}", duration_text(min), duration_text(max), shown(*node)));
  } else {
    target = value;
  }
}

void ObjectReader::whole_number(std::string_view name, std::uint64_t& target, std::uint64_t min, std::uint64_t max) {
  const json::Node* node = take(name, json::Type::number);
  if (node == nullptr) {
    return;
  }
  std::uint64_t value = 0;
  const char* const end = node->text.data() + node->text.size();
  const auto [stop, error_code] = std::from_chars(node->text.data(), end, value);
  if (error_code != std::errc{} || stop != end || value < min || value > max) {
    error(name, fmt::format("expected a whole number from {} to {}, found {}", min, max, shown(*node)));
  } else {
    target = value;
  }
}

bool ObjectReader::each(std::string_view name, json::Type type, const std::function<void(const Item&)>& use) {
  const json::Node* array = take(name, json::Type::array);
  if (array == nullptr) {
    return false;
  }
  for (std::size_t i = 0; i < array->children.size(); ++i) {
    const Item item{.node = &array->children[i], .pointer = fmt::format("{}/{}", pointer_to(name), i)};
    if (item.node->type == type) {
      use(item);
    } else {
      document_.report().error(document_.source(item.node->offset, item.pointer),
                               fmt::format("expected {}, found {}", json::name_of(type), shown(*item.node)));
    }
  }
  return array->children.empty();
}

void ObjectReader::references(std::string_view name, std::vector<Reference>& target, std::size_t count_max) {
  each(name, json::Type::string, [&](const Item& item) {
    target.push_back(Reference{.value = item.node->text, .source = document_.source(item.node->offset, item.pointer)});
  });
  if (target.size() > count_max) {
    error(name, fmt::format("expected no more than {} entries, found {}", count_max, target.size()));
  }
}

void ObjectReader::members(std::string_view name, const std::function<void(const std::string& key, const Item&)>& use) {
  const json::Node* object = take(name, json::Type::object);
  if (object == nullptr) {
    return;
  }
  const Item item{.node = object, .pointer = pointer_to(name)};
  ObjectReader reader(document_, item);
  for (const json::Node& member : object->children) {
    reader.ignore(member.key);
    if (reader.find(member.key) == &member) {
      use(member.key, Item{.node = &member, .pointer = reader.pointer_to(member.key)});
    }
  }
}

void ObjectReader::object(std::string_view name, const std::function<void(ObjectReader&)>& use) {
  if (const json::Node* node = take(name, json::Type::object)) {
    ObjectReader reader(document_, Item{.node = node, .pointer = pointer_to(name)});
    use(reader);
  }
}

const json::Node* ObjectReader::find(std::string_view name) const {
  if (item_.node->type != json::Type::object) {
    return nullptr;
  }
  for (const json::Node& member : item_.node->children) {
    if (member.key == name) {
      return &member;
    }
  }
  return nullptr;
}

const json::Node* ObjectReader::take(std::string_view name, json::Type type) {
  const bool asked_before = std::find(known_.begin(), known_.end(), name) != known_.end();
  if (!asked_before) {
    known_.push_back(name);
  }
  const json::Node* node = find(name);
  if (node == nullptr || node->type == type) {
    return node;
  }
  if (!asked_before) {
    error(name, fmt::format("expected {}, found {}", json::name_of(type), shown(*node)));
  }
  return nullptr;
}

std::string ObjectReader::shown(const json::Node& node) const {
  return hides_values_ ? std::string(json::name_of(node.type)) : found(node);
}

std::string ObjectReader::pointer_to(std::string_view name) const {
  return item_.pointer + "/" + escaped(name);
}

void ObjectReader::no_such_choice(const Item& item, const std::vector<std::string_view>& names) {
  document_.report().error(document_.source(item.node->offset, item.pointer),
                           fmt::format("expected one of \"{}\", found {}", joined(names, "\", \""), shown(*item.node)));
}

}  // namespace signet::config
