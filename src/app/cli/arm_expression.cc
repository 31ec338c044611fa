// SPDX-License-Identifier: GPL-3.0-or-later
#include "arm_expression.h"

#include <fmt/core.h>

#include <algorithm>
#include <charconv>
#include <cstdint>
#include <optional>
#include <string_view>
#include <vector>

#include "letter_case.h"

namespace signet::app::cli {

namespace {

bool is_name(char c) {
  const char lower = static_cast<char>(c | 0x20);
  return (lower >= 'a' && lower <= 'z') || (c >= '0' && c <= '9') || c == '_' || c == '-';
}

std::string text_of_value(const json& value) {
  return value.is_string() ? value.get<std::string>() : value.dump(-1, ' ', false, json::error_handler_t::replace);
}

/// A member, its name in any case, as ARM has it; null for none.
const json* member_of(const json& object, const std::string& name) {
  for (const auto& [known, value] : object.items()) {
    if (lower_case(known) == lower_case(name)) {
      return &value;
    }
  }
  return nullptr;
}

class Evaluator {
 public:
  explicit Evaluator(const ArmScope& scope) : scope_(scope) {}

  json whole(const json& value) {
    if (depth_ >= arm_depth_max) {
      return unknown("nested too deeply");
    }
    ++depth_;
    json out = value;
    if (value.is_structured()) {
      for (json& item : out) {
        item = whole(item);
      }
    } else if (value.is_string()) {
      out = text(value.get_ref<const std::string&>());
    }
    --depth_;
    return out;
  }

  std::set<std::string> unknowns;

 private:
  json unknown(const std::string& what) {
    unknowns.insert(what);
    return fmt::format("<{}>", what);
  }

  json text(const std::string& text) {
    if (text.size() < 2 || text.front() != '[' || text.back() != ']') {
      return text;
    }
    if (text.starts_with("[[")) {
      return text.substr(1);  // an escaped bracket
    }
    const std::string_view outer_text = text_;
    const std::size_t outer_at = at_;
    text_ = std::string_view(text).substr(1, text.size() - 2);
    at_ = 0;
    std::optional<json> value = expression();
    skip_blanks();
    if (!value || at_ != text_.size()) {
      value = unknown(std::string(text_));
    }
    text_ = outer_text;
    at_ = outer_at;
    return std::move(*value);
  }

  void skip_blanks() {
    while (at_ < text_.size() && std::string_view(" \t\r\n").find(text_[at_]) != std::string_view::npos) {
      ++at_;
    }
  }

  bool take(char c) {
    skip_blanks();
    if (at_ < text_.size() && text_[at_] == c) {
      ++at_;
      return true;
    }
    return false;
  }

  /// Nothing for what is no expression.
  std::optional<json> expression() {
    if (++depth_ > arm_depth_max) {
      --depth_;
      return std::nullopt;
    }
    std::optional<json> value = primary();
    while (value && at_ < text_.size() && (text_[at_] == '.' || text_[at_] == '[')) {
      value = member(std::move(*value));
    }
    --depth_;
    return value;
  }

  std::optional<json> primary() {
    if (take('\'')) {
      std::string literal;
      while (at_ < text_.size()) {
        if (text_[at_] != '\'') {
          literal += text_[at_++];
        } else if (at_ + 1 < text_.size() && text_[at_ + 1] == '\'') {
          literal += '\'';
          at_ += 2;
        } else {
          ++at_;
          return literal;
        }
      }
      return std::nullopt;
    }
    std::int64_t number = 0;
    const char* const begin = text_.data() + at_;
    if (const auto [stop, error] = std::from_chars(begin, text_.data() + text_.size(), number); error == std::errc{}) {
      at_ += static_cast<std::size_t>(stop - begin);
      return number;
    }
    const std::size_t start = at_;
    const std::string name = word();
    if (name.empty() || !take('(')) {
      return std::nullopt;
    }
    std::vector<json> arguments;
    while (!take(')')) {
      std::optional<json> argument = !arguments.empty() && !take(',') ? std::nullopt : expression();
      if (!argument) {
        return std::nullopt;
      }
      arguments.push_back(std::move(*argument));
    }
    return call(lower_case(name), arguments, std::string(text_.substr(start, at_ - start)));
  }

  std::string word() {
    std::string name;
    while (at_ < text_.size() && is_name(text_[at_])) {
      name += text_[at_++];
    }
    return name;
  }

  /// .name or [expression] of a value.
  std::optional<json> member(json value) {
    const std::size_t start = at_;
    json key;
    if (take('.')) {
      key = word();
    } else if (take('[')) {
      const std::optional<json> index = expression();
      if (!index || !take(']')) {
        return std::nullopt;
      }
      key = *index;
    }
    if (value.is_object() && key.is_string()) {
      if (const json* const found = member_of(value, key.get<std::string>())) {
        return *found;
      }
    }
    if (value.is_array() && key.is_number_integer() && key.get<std::int64_t>() >= 0 && key.get<std::size_t>() < value.size()) {
      return value[key.get<std::size_t>()];
    }
    if (value.is_string() && value.get_ref<const std::string&>().starts_with('<')) {
      return value;  // what is not known has no members that are
    }
    return unknown(std::string(text_.substr(start, at_ - start)));
  }

  json call(const std::string& name, const std::vector<json>& arguments, const std::string& whole_text) {
    const bool one_text = arguments.size() == 1 && arguments[0].is_string();
    if ((name == "parameters" || name == "variables") && one_text) {
      const json* const found = member_of(name == "parameters" ? scope_.parameters : scope_.variables, arguments[0].get<std::string>());
      return found != nullptr ? whole(*found) : unknown(fmt::format("{}('{}')", name, arguments[0].get<std::string>()));
    }
    if (name == "concat") {
      return concat(arguments);
    }
    if (name == "format" && !arguments.empty() && arguments[0].is_string()) {
      return format(arguments);
    }
    if (name == "resourceid") {
      return resource_id(arguments);
    }
    if ((name == "tolower" || name == "toupper") && one_text) {
      return name == "tolower" ? lower_case(arguments[0].get<std::string>()) : upper_case(arguments[0].get<std::string>());
    }
    if (name == "string" && arguments.size() == 1) {
      return text_of_value(arguments[0]);
    }
    return unknown(whole_text);
  }

  static json concat(const std::vector<json>& arguments) {
    if (!arguments.empty() && std::ranges::all_of(arguments, [](const json& argument) { return argument.is_array(); })) {
      json all = json::array();
      for (const json& argument : arguments) {
        all.insert(all.end(), argument.begin(), argument.end());
      }
      return all;
    }
    std::string all;
    for (const json& argument : arguments) {
      all += text_of_value(argument);
    }
    return all;
  }

  /// "{0}/{1}"; forms such as {0:D3} are left as they are, and not known.
  json format(const std::vector<json>& arguments) {
    const std::string& form = arguments[0].get_ref<const std::string&>();
    std::string out;
    for (std::size_t at = 0; at < form.size(); ++at) {
      if ((form[at] == '{' || form[at] == '}') && at + 1 < form.size() && form[at + 1] == form[at]) {
        out += form[at++];
        continue;
      }
      if (form[at] != '{') {
        out += form[at];
        continue;
      }
      const std::size_t end = std::min(form.find('}', at), form.size());
      std::size_t index = 0;
      const auto [stop, error] = std::from_chars(form.data() + at + 1, form.data() + end, index);
      if (error != std::errc{} || stop != form.data() + end || index + 1 >= arguments.size()) {
        return unknown(fmt::format("format('{}', …)", form));
      }
      out += text_of_value(arguments[index + 1]);
      at = end;
    }
    return out;
  }

  /// What stands in front of the type (subscription, group) does not matter here.
  json resource_id(const std::vector<json>& arguments) {
    const auto type = std::ranges::find_if(
        arguments, [](const json& argument) { return argument.is_string() && argument.get<std::string>().find('/') != std::string::npos; });
    if (type == arguments.end()) {
      return unknown("resourceId(…)");
    }
    std::string id = "/providers";
    auto name = std::next(type);
    const std::string types = type->get<std::string>();
    for (std::size_t begin = 0; begin < types.size();) {
      const std::size_t end = std::min(types.find('/', begin), types.size());
      id += fmt::format("/{}", types.substr(begin, end - begin));
      if (begin != 0 && name != arguments.end()) {
        id += fmt::format("/{}", text_of_value(*name++));
      }
      begin = end + 1;
    }
    return id;
  }

  const ArmScope& scope_;
  std::string_view text_;
  std::size_t at_ = 0;
  std::size_t depth_ = 0;
};

}  // namespace

Evaluated evaluate(const json& value, const ArmScope& scope) {
  Evaluator evaluator(scope);
  json result = evaluator.whole(value);
  return {.value = std::move(result), .unknown = std::move(evaluator.unknowns)};
}

ArmScope arm_scope(const json& arm_template, const json& parameters_file) {
  ArmScope scope;
  if (const auto declared = arm_template.find("parameters"); declared != arm_template.end() && declared->is_object()) {
    for (const auto& [name, parameter] : declared->items()) {
      if (parameter.is_object() && parameter.contains("defaultValue")) {
        scope.parameters[name] = parameter["defaultValue"];
      }
    }
  }
  if (parameters_file.is_object()) {
    const json given = parameters_file.value("parameters", json::object());
    for (const auto& [name, parameter] : given.items()) {
      if (parameter.is_object() && parameter.contains("value")) {
        scope.parameters[name] = parameter["value"];
      }
    }
  }
  if (const auto variables = arm_template.find("variables"); variables != arm_template.end() && variables->is_object()) {
    scope.variables = *variables;
  }
  return scope;
}

}  // namespace signet::app::cli
