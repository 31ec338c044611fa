// SPDX-License-Identifier: GPL-3.0-or-later
// Typed access to the members of a JSON object. Every fault becomes one Problem with its place; the reader goes on, so that one run shows
// all. A setting that is absent, or faulty, leaves the target as it was.
#pragma once

#include <cstddef>
#include <cstdint>
#include <functional>
#include <initializer_list>
#include <limits>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "signet/base/clock.h"
#include "signet/config/config.h"
#include "signet/config/report.h"
#include "json.h"

namespace signet::config {

/// The document that is read, and what is said about it.
class Document {
 public:
  /// `text` must stay. Without a file (the object of a request) places have no line.
  Document(std::string file, std::string_view text, Report& report) : file_(std::move(file)), lines_(text), report_(report) {}

  [[nodiscard]] const std::string& file() const { return file_; }
  [[nodiscard]] Source source(std::size_t offset, std::string pointer) const;
  [[nodiscard]] Report& report() { return report_; }
  [[nodiscard]] bool is_file() const { return !file_.empty(); }

 private:
  std::string file_;
  json::Lines lines_;
  Report& report_;
};

/// A value with its pointer.
struct Item {
  const json::Node* node = nullptr;
  std::string pointer;
};

template <typename T>
struct Choice {
  std::string_view name;
  T value;
};

class ObjectReader {
 public:
  /// Says so if `item` is no object, or has a key twice; all settings are then absent, or the first counts.
  ObjectReader(Document& document, Item item);
  ObjectReader(const ObjectReader&) = delete;
  ObjectReader& operator=(const ObjectReader&) = delete;
  /// Reports the keys that nobody asked for, each with the nearest name that somebody did ask for.
  ~ObjectReader();

  /// Of the object.
  [[nodiscard]] Source source() const;
  /// Of a setting's value; of the object if it is absent.
  [[nodiscard]] Source source(std::string_view name) const;
  [[nodiscard]] bool has(std::string_view name) const { return find(name) != nullptr; }
  /// It is there and of that type: for a setting that may have one of several.
  [[nodiscard]] bool is(std::string_view name, json::Type type) const {
    const json::Node* const node = find(name);
    return node != nullptr && node->type == type;
  }

  void error(std::string_view name, std::string message);
  void warning(std::string_view name, std::string message);
  /// Says so for each name that is absent.
  void require(std::initializer_list<std::string_view> names);
  /// Names that have a meaning, but not yet here.
  void not_available(std::initializer_list<std::string_view> names);
  /// Any value will do; nobody reads it.
  void ignore(std::string_view name) { known_.push_back(name); }
  /// The same for names that nobody is to be told of.
  void pass_over(std::initializer_list<std::string_view> names) { passed_over_.insert(passed_over_.end(), names); }
  /// From now on errors show no value of this object: it holds secrets.
  void hide_values() { hides_values_ = true; }

  /// Sizes in characters.
  void text(std::string_view name, std::string& target, std::size_t size_min, std::size_t size_max);
  void id(std::string& target, std::size_t size_max);
  /// A text that is not empty, with its place.
  void reference(std::string_view name, Reference& target);
  /// A reference to a file; relative ones start beside the document.
  void file(std::string_view name, Reference& target);
  void boolean(std::string_view name, bool& target);
  /// Text such as "30s" or "PT30S"; see parse_time.
  void duration(std::string_view name, Duration& target, Duration min, Duration max);

  template <typename T>
  void number(std::string_view name, T& target, std::uint64_t min, std::uint64_t max = std::numeric_limits<T>::max()) {
    std::uint64_t value = target;
    whole_number(name, value, min, max);
    target = static_cast<T>(value);
  }

  template <typename T>
  void choice(std::string_view name, T& target, std::span<const Choice<T>> choices) {
    if (const json::Node* node = take(name, json::Type::string)) {
      choose(Item{.node = node, .pointer = pointer_to(name)}, target, choices);
    }
  }

  template <typename T>
  void choices(std::string_view name, std::vector<T>& target, std::span<const Choice<T>> choices) {
    if (take(name, json::Type::array) != nullptr) {
      target.clear();
    }
    each(name, json::Type::string, [&](const Item& item) {
      if (T value{}; choose(item, value, choices)) {
        target.push_back(value);
      }
    });
  }

  /// Calls `use` for each element of type `type` of an array; says so for others. Returns true if the array is there and empty.
  bool each(std::string_view name, json::Type type, const std::function<void(const Item&)>& use);
  void references(std::string_view name, std::vector<Reference>& target, std::size_t count_max);

  /// Calls `use` for each member of an object whose keys are free, with its key. None comes twice: that is an error.
  void members(std::string_view name, const std::function<void(const std::string& key, const Item&)>& use);

  /// Calls `use` with the object `name`, if there is one.
  void object(std::string_view name, const std::function<void(ObjectReader&)>& use);

  [[nodiscard]] Document& document() { return document_; }

 private:
  [[nodiscard]] const json::Node* find(std::string_view name) const;
  /// The value, if it is there and of that type. From now on the name is known.
  const json::Node* take(std::string_view name, json::Type type);
  [[nodiscard]] std::string pointer_to(std::string_view name) const;
  void whole_number(std::string_view name, std::uint64_t& target, std::uint64_t min, std::uint64_t max);
  void no_such_choice(const Item& item, const std::vector<std::string_view>& names);
  /// A value as errors may show it.
  [[nodiscard]] std::string shown(const json::Node& node) const;

  template <typename T>
  bool choose(const Item& item, T& target, std::span<const Choice<T>> choices) {
    std::vector<std::string_view> names;
    for (const Choice<T>& choice : choices) {
      if (choice.name == item.node->text) {
        target = choice.value;
        return true;
      }
      names.push_back(choice.name);
    }
    no_such_choice(item, names);
    return false;
  }

  Document& document_;
  Item item_;
  std::vector<std::string_view> known_;
  std::vector<std::string_view> passed_over_;
  bool hides_values_ = false;
};

/// As parse_time; negative for anything else.
[[nodiscard]] Duration parse_duration(std::string_view text);
/// In the largest unit that leaves a whole number.
[[nodiscard]] std::string duration_text(Duration duration);

}  // namespace signet::config
