// SPDX-License-Identifier: GPL-3.0-or-later
#include "odata.h"

#include <fmt/core.h>

#include <algorithm>
#include <array>
#include <charconv>
#include <nlohmann/json.hpp>
#include <optional>
#include <utility>
#include <variant>
#include <vector>

#include "signet/base/log.h"
#include "odata_date.h"

namespace signet::control {

namespace {

using nlohmann::json;

/// Most of a filter that an error shows.
constexpr std::size_t shown_size_max = 40;

enum class Operator : std::uint8_t { eq, ne, gt, ge, lt, le };
constexpr std::array<std::pair<std::string_view, Operator>, 6> operators{{
    {"eq", Operator::eq},
    {"ne", Operator::ne},
    {"gt", Operator::gt},
    {"ge", Operator::ge},
    {"lt", Operator::lt},
    {"le", Operator::le},
}};

enum class Function : std::uint8_t { contains, starts_with, ends_with };
struct FunctionName {
  std::string_view name;
  Function function;
  bool field_first;
};
constexpr std::array<FunctionName, 4> functions{{
    {"contains", Function::contains, true},
    {"substringof", Function::contains, false},
    {"startswith", Function::starts_with, true},
    {"endswith", Function::ends_with, true},
}};

using Literal = std::variant<std::nullptr_t, bool, double, std::string, Instant>;

struct Comparison {
  std::string field;
  Operator op = Operator::eq;
  Literal literal;
};

struct Call {
  Function function = Function::contains;
  std::string field;
  std::string text;  ///< lower case
};

enum class Junction : std::uint8_t { all, any, none };

std::string lower_case(std::string_view text) {
  std::string lower(text);
  std::ranges::transform(lower, lower.begin(), [](char c) { return c >= 'A' && c <= 'Z' ? static_cast<char>(c | 0x20) : c; });
  return lower;
}

bool is_digit(char c) {
  return c >= '0' && c <= '9';
}

/// Of names, keywords, numbers and dates alike.
bool is_word(char c) {
  return is_digit(c) || (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || std::string_view("_/.:+-").find(c) != std::string_view::npos;
}

}  // namespace

struct Filter::Term {
  struct Group {
    Junction junction = Junction::all;
    std::vector<Term> terms;
  };
  std::variant<Group, Comparison, Call> is;
};

namespace {

using Term = Filter::Term;

// ---- matching
// ------------------------------------------------------------------------------------------------------------------------------

template <typename T>
bool holds(const T& left, Operator op, const T& right) {
  switch (op) {
    case Operator::eq: return left == right;
    case Operator::ne: return !(left == right);
    case Operator::gt: return right < left;
    case Operator::ge: return !(left < right);
    case Operator::lt: return left < right;
    case Operator::le: return !(right < left);
  }
  return false;
}

const json* field_of(const json& object, const std::string& field) {
  const auto found = object.find(field);
  return found == object.end() || found->is_null() ? nullptr : &*found;
}

bool text_holds(const std::string& text, Operator op, const std::string& literal) {
  const std::optional<Instant> left = parse_instant(text);
  const std::optional<Instant> right = left ? parse_instant(literal) : std::nullopt;
  return right ? holds(*left, op, *right) : holds(text, op, literal);
}

bool matches_comparison(const Comparison& comparison, const json& object) {
  const json* const value = field_of(object, comparison.field);
  const Operator op = comparison.op;
  if (std::holds_alternative<std::nullptr_t>(comparison.literal)) {
    return (value == nullptr) == (op == Operator::eq);
  }
  if (value != nullptr) {
    if (const auto* flag = std::get_if<bool>(&comparison.literal); flag != nullptr && value->is_boolean()) {
      return holds(value->get<bool>(), op, *flag);
    }
    if (const auto* number = std::get_if<double>(&comparison.literal); number != nullptr && value->is_number()) {
      return holds(value->get<double>(), op, *number);
    }
    if (const auto* text = std::get_if<std::string>(&comparison.literal); text != nullptr && value->is_string()) {
      return text_holds(value->get_ref<const std::string&>(), op, *text);
    }
    const auto* const instant = std::get_if<Instant>(&comparison.literal);
    if (instant != nullptr && value->is_string()) {
      if (const std::optional<Instant> own = parse_instant(value->get_ref<const std::string&>())) {
        return holds(*own, op, *instant);
      }
    }
  }
  return op == Operator::ne;
}

bool matches_call(const Call& call, const json& object) {
  const json* const value = field_of(object, call.field);
  if (value == nullptr || !value->is_string()) {
    return false;
  }
  const std::string text = lower_case(value->get_ref<const std::string&>());
  switch (call.function) {
    case Function::contains: return text.find(call.text) != std::string::npos;
    case Function::starts_with: return text.starts_with(call.text);
    case Function::ends_with: return text.ends_with(call.text);
  }
  return false;
}

bool matches_term(const Term& term, const json& object) {
  if (const auto* comparison = std::get_if<Comparison>(&term.is)) {
    return matches_comparison(*comparison, object);
  }
  if (const auto* call = std::get_if<Call>(&term.is)) {
    return matches_call(*call, object);
  }
  const auto& group = std::get<Term::Group>(term.is);
  const auto holds_for = [&object](const Term& part) { return matches_term(part, object); };
  switch (group.junction) {
    case Junction::all: return std::ranges::all_of(group.terms, holds_for);
    case Junction::any: return std::ranges::any_of(group.terms, holds_for);
    case Junction::none: return std::ranges::none_of(group.terms, holds_for);
  }
  return false;
}

// ---- parsing
// -------------------------------------------------------------------------------------------------------------------------------

template <typename T>
using Parsed = std::expected<T, std::string>;

class Parser {
 public:
  Parser(std::string_view text, std::span<const std::string_view> fields) : text_(text), fields_(fields) {}

  Parsed<Term> whole() {
    Parsed<Term> term = filter();
    skip_spaces();
    if (term && at_ != text_.size()) {
      return expected(R"("and", "or" or the end)");
    }
    return term;
  }

 private:
  Parsed<Term> filter() {
    return joined(Junction::any, "or", [this] { return joined(Junction::all, "and", [this] { return term(); }); });
  }

  template <typename Part>
  Parsed<Term> joined(Junction junction, std::string_view word, Part part) {
    Term::Group group{.junction = junction, .terms = {}};
    do {
      Parsed<Term> next = part();
      if (!next) {
        return next;
      }
      group.terms.push_back(std::move(*next));
    } while (take_word(word));
    if (group.terms.size() == 1) {
      return std::move(group.terms.front());
    }
    return Term{std::move(group)};
  }

  Parsed<Term> term() {
    if (depth_ == filter_depth_max) {
      return refused(fmt::format("expected no more than {} parentheses and \"not\" inside each other", filter_depth_max));
    }
    ++depth_;
    Parsed<Term> parsed = take_word("not") ? negated(term()) : take('(') ? closed(filter()) : condition();
    --depth_;
    return parsed;
  }

  static Parsed<Term> negated(Parsed<Term> inner) {
    if (!inner) {
      return inner;
    }
    Term::Group group{.junction = Junction::none, .terms = {}};
    group.terms.push_back(std::move(*inner));
    return Term{std::move(group)};
  }

  Parsed<Term> closed(Parsed<Term> inner) {
    if (inner && !take(')')) {
      return expected("\")\", \"and\" or \"or\"");
    }
    return inner;
  }

  Parsed<Term> condition() {
    for (const FunctionName& known : functions) {
      if (take_word(known.name)) {
        return call(known);
      }
    }
    skip_spaces();
    const std::size_t start = at_;
    if (std::optional<std::string> name = field()) {
      return comparison(std::move(*name));
    }
    if (std::optional<Literal> value = literal()) {
      return turned_comparison(std::move(*value), start);
    }
    return expected_field("a field, a function, \"not\" or \"(\"");
  }

  Parsed<Term> comparison(std::string name) {
    const std::optional<Operator> op = take_operator();
    if (!op) {
      return expected("eq, ne, gt, ge, lt or le");
    }
    skip_spaces();
    const std::size_t start = at_;
    std::optional<Literal> value = literal();
    if (!value) {
      return expected("a text in apostrophes, a number, a date, true, false or null");
    }
    return compared(std::move(name), *op, std::move(*value), start);
  }

  /// The literal stands in front.
  Parsed<Term> turned_comparison(Literal value, std::size_t start) {
    std::optional<Operator> op = take_operator();
    if (!op) {
      return expected("eq, ne, gt, ge, lt or le");
    }
    std::optional<std::string> name = field();
    if (!name) {
      return expected_field("a field");
    }
    switch (*op) {
      case Operator::gt: op = Operator::lt; break;
      case Operator::ge: op = Operator::le; break;
      case Operator::lt: op = Operator::gt; break;
      case Operator::le: op = Operator::ge; break;
      case Operator::eq:
      case Operator::ne: break;
    }
    return compared(std::move(*name), *op, std::move(value), start);
  }

  Parsed<Term> compared(std::string name, Operator op, Literal value, std::size_t literal_at) {
    const bool has_order = !std::holds_alternative<std::nullptr_t>(value) && !std::holds_alternative<bool>(value);
    if (!has_order && op != Operator::eq && op != Operator::ne) {
      at_ = literal_at;
      return expected("a text, a number or a date, because only those have an order");
    }
    return Term{Comparison{.field = std::move(name), .op = op, .literal = std::move(value)}};
  }

  Parsed<Term> call(const FunctionName& known) {
    if (!take('(')) {
      return expected(fmt::format("\"(\" behind {}", known.name));
    }
    std::optional<std::string> name;
    std::optional<std::string> text;
    for (const bool wants_field : {known.field_first, !known.field_first}) {
      if (wants_field ? !(name = field()) : !(text = text_literal())) {
        return wants_field ? expected_field("a field") : expected("a text in apostrophes");
      }
      if (wants_field == known.field_first && !take(',')) {
        return expected("\",\"");
      }
    }
    if (!take(')')) {
      return expected("\")\"");
    }
    return compared_call(Term{Call{.function = known.function, .field = std::move(*name), .text = lower_case(*text)}});
  }

  /// Some clients write "contains(…) eq true".
  Parsed<Term> compared_call(Term made) {
    const bool ne = take_word("ne");
    if (!ne && !take_word("eq")) {
      return made;
    }
    const bool is_true = take_word("true");
    if (!is_true && !take_word("false")) {
      return expected("true or false");
    }
    return is_true != ne ? Parsed<Term>(std::move(made)) : negated(std::move(made));
  }

  // ---- what it is made of ----

  std::optional<std::string> field() {
    constexpr std::string_view prefix = "properties/";
    std::string name = lower_case(word());
    const std::size_t size = name.size();
    if (name.starts_with(prefix)) {
      name.erase(0, prefix.size());
    }
    const auto known = std::ranges::find_if(fields_, [&name](std::string_view field) { return lower_case(field) == name; });
    if (known == fields_.end()) {
      return std::nullopt;
    }
    at_ += size;
    return std::string(*known);
  }

  std::optional<Operator> take_operator() {
    for (const auto& [name, op] : operators) {
      if (take_word(name)) {
        return op;
      }
    }
    return std::nullopt;
  }

  std::optional<Literal> literal() {
    if (take_word("null")) {
      return Literal(nullptr);
    }
    for (const bool flag : {true, false}) {
      if (take_word(flag ? "true" : "false")) {
        return Literal(flag);
      }
    }
    if (std::optional<std::string> text = text_literal()) {
      return Literal(std::move(*text));
    }
    const std::string_view bare = word();
    if (bare == "datetime" || bare == "datetimeoffset") {
      return quoted_date(bare.size());
    }
    if (const std::optional<Instant> instant = parse_instant(bare)) {
      at_ += bare.size();
      return Literal(*instant);
    }
    double number = 0;
    const auto [stop, error] = std::from_chars(bare.data(), bare.data() + bare.size(), number);
    if (bare.empty() || (!is_digit(bare.front()) && bare.front() != '-') || !is_digit(bare.back()) || error != std::errc{} ||
        stop != bare.data() + bare.size()) {
      return std::nullopt;
    }
    at_ += bare.size();
    return Literal(number);
  }

  std::optional<Literal> quoted_date(std::size_t word_size) {
    const std::size_t start = at_;
    at_ += word_size;
    if (at_ < text_.size() && text_[at_] == '\'') {
      const std::optional<std::string> text = text_literal();
      if (const std::optional<Instant> instant = text ? parse_instant(*text) : std::nullopt) {
        return Literal(*instant);
      }
    }
    at_ = start;
    return std::nullopt;
  }

  std::optional<std::string> text_literal() {
    skip_spaces();
    if (at_ == text_.size() || text_[at_] != '\'') {
      return std::nullopt;
    }
    std::string value;
    for (std::size_t i = at_ + 1; i < text_.size(); ++i) {
      if (text_[i] == '\'') {
        if (i + 1 == text_.size() || text_[i + 1] != '\'') {
          at_ = i + 1;
          return value;
        }
        ++i;
      }
      value += text_[i];
    }
    return std::nullopt;
  }

  void skip_spaces() {
    while (at_ < text_.size() && (text_[at_] == ' ' || text_[at_] == '\t')) {
      ++at_;
    }
  }

  /// The word that stands here, which stays.
  std::string_view word() {
    skip_spaces();
    const std::string_view rest = text_.substr(at_);
    return rest.substr(0, static_cast<std::size_t>(std::ranges::find_if_not(rest, is_word) - rest.begin()));
  }

  bool take_word(std::string_view wanted) {
    if (word() != wanted) {
      return false;
    }
    at_ += wanted.size();
    return true;
  }

  bool take(char wanted) {
    skip_spaces();
    if (at_ == text_.size() || text_[at_] != wanted) {
      return false;
    }
    ++at_;
    return true;
  }

  // ---- errors ----

  std::unexpected<std::string> refused(std::string_view sentence) {
    skip_spaces();
    const auto characters =
        std::ranges::count_if(text_.substr(0, at_), [](char c) { return (static_cast<unsigned char>(c) & 0xc0) != 0x80; });
    return std::unexpected(fmt::format("$filter at position {}: {}", characters + 1, sentence));
  }

  std::unexpected<std::string> expected(std::string_view what) {
    skip_spaces();
    const std::string_view here = word();
    const std::string_view shown = here.empty() ? text_.substr(at_, shown_size_max) : here;
    return refused(shown.empty() ? fmt::format("expected {}, found the end", what)
                                 : fmt::format("expected {}, found {}", what, log::printable(shown, shown_size_max)));
  }

  std::unexpected<std::string> expected_field(std::string_view what) {
    std::string names;
    for (const std::string_view field : fields_) {
      names.append(names.empty() ? "" : ", ").append(field);
    }
    return expected(fmt::format("{} (fields: {})", what, names));
  }

  std::string_view text_;
  std::span<const std::string_view> fields_;
  std::size_t at_ = 0;
  std::size_t depth_ = 0;
};

}  // namespace

bool Filter::matches(const nlohmann::json& object) const {
  return matches_term(*term_, object);
}

std::expected<Filter, std::string> parse_filter(std::string_view text, std::span<const std::string_view> fields) {
  if (text.size() > filter_size_max) {
    return std::unexpected(fmt::format("$filter: expected no more than {} bytes, found {}", filter_size_max, text.size()));
  }
  Parsed<Term> term = Parser(text, fields).whole();
  if (!term) {
    return std::unexpected(std::move(term.error()));
  }
  return Filter(std::make_shared<const Term>(std::move(*term)));
}

}  // namespace signet::control
