// SPDX-License-Identifier: GPL-3.0-or-later
#include "odata_date.h"

#include <algorithm>

namespace signet::control {

namespace {

/// Takes pieces off the front; once one is not as it should be, everything fails.
class Pieces {
 public:
  explicit Pieces(std::string_view text) : rest_(text) {}

  [[nodiscard]] bool at_end() const { return rest_.empty(); }
  [[nodiscard]] bool good() const { return good_; }

  bool skip(std::string_view any_of) {
    const bool there = !rest_.empty() && any_of.find(rest_.front()) != std::string_view::npos;
    rest_.remove_prefix(there ? 1 : 0);
    return there;
  }

  void require(std::string_view any_of) { good_ = skip(any_of) && good_; }

  /// Exactly that many digits.
  int number(std::size_t digits, int min, int max) {
    int value = 0;
    std::size_t taken = 0;
    for (; taken < digits && taken < rest_.size() && rest_[taken] >= '0' && rest_[taken] <= '9'; ++taken) {
      value = value * 10 + (rest_[taken] - '0');
    }
    rest_.remove_prefix(taken);
    good_ = good_ && taken == digits && value >= min && value <= max;
    return value;
  }

  /// Behind the decimal point: one to seven digits.
  Ticks fraction() {
    constexpr std::size_t digits_max = 7;
    const std::size_t digits = std::min(rest_.find_first_not_of("0123456789"), rest_.size());
    good_ = good_ && digits >= 1 && digits <= digits_max;
    std::int64_t ticks = 0;
    for (std::size_t i = 0; i < digits_max; ++i) {
      ticks = ticks * 10 + (i < digits ? rest_[i] - '0' : 0);
    }
    rest_.remove_prefix(digits);
    return Ticks(ticks);
  }

 private:
  std::string_view rest_;
  bool good_ = true;
};

std::chrono::sys_days read_date(Pieces& pieces, bool& exists) {
  const std::chrono::year year(pieces.number(4, 1, 9999));
  pieces.require("-");
  const std::chrono::month month(static_cast<unsigned>(pieces.number(2, 1, 12)));
  pieces.require("-");
  const std::chrono::day day(static_cast<unsigned>(pieces.number(2, 1, 31)));
  const std::chrono::year_month_day date(year, month, day);
  exists = date.ok();
  return exists ? std::chrono::sys_days(date) : std::chrono::sys_days();
}

Ticks read_time(Pieces& pieces) {
  Ticks time = std::chrono::hours(pieces.number(2, 0, 23));
  pieces.require(":");
  time += std::chrono::minutes(pieces.number(2, 0, 59));
  if (pieces.skip(":")) {
    time += std::chrono::seconds(pieces.number(2, 0, 59));
    if (pieces.skip(".")) {
      time += pieces.fraction();
    }
  }
  return time;
}

/// What is to be taken off the local time.
std::chrono::minutes read_offset(Pieces& pieces) {
  if (pieces.at_end() || pieces.skip("Zz")) {
    return {};
  }
  const bool behind = pieces.skip("-");
  if (!behind) {
    pieces.require("+");
  }
  const std::chrono::hours hours(pieces.number(2, 0, 23));
  pieces.require(":");
  const std::chrono::minutes offset = hours + std::chrono::minutes(pieces.number(2, 0, 59));
  return behind ? -offset : offset;
}

}  // namespace

std::optional<Instant> parse_instant(std::string_view text) {
  Pieces pieces(text);
  bool exists = false;
  Instant instant = read_date(pieces, exists);
  if (pieces.skip("Tt")) {
    instant += read_time(pieces);
    instant -= read_offset(pieces);
  }
  return exists && pieces.good() && pieces.at_end() ? std::optional<Instant>(instant) : std::nullopt;
}

}  // namespace signet::control
