// SPDX-License-Identifier: GPL-3.0-or-later
#include "signet/gateway/circuit_breaker.h"

#include <algorithm>
#include <charconv>
#include <chrono>
#include <tuple>

namespace signet::gateway {

namespace {

using config::CircuitBreakerRule;
using std::chrono::seconds;

bool within(const CircuitBreakerRule& rule, std::uint16_t status) {
  return std::ranges::any_of(rule.statuses,
                             [status](const config::StatusRange& range) { return range.min <= status && status <= range.max; });
}

bool equal(const CircuitBreakerRule& a, const CircuitBreakerRule& b) {
  const auto settings = [](const CircuitBreakerRule& rule) {
    return std::tie(rule.name, rule.failures_max, rule.percentage, rule.interval, rule.error_reasons, rule.trip_duration,
                    rule.accept_retry_after);
  };
  return settings(a) == settings(b) &&
         std::ranges::equal(a.statuses, b.statuses,
                            [](const config::StatusRange& x, const config::StatusRange& y) { return x.min == y.min && x.max == y.max; });
}

/// Never zero.
Duration slice_of(const CircuitBreakerRule& rule) {
  return std::max<Duration>(rule.interval / static_cast<std::int64_t>(limits::breaker_slices), std::chrono::milliseconds(1));
}

// ---- dates
// -------------------------------------------------------------------------------------------------------------------------------------

std::optional<int> number(std::string_view text) {
  int value = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
  return error == std::errc() && end == text.data() + text.size() && value >= 0 ? std::optional(value) : std::nullopt;
}

std::optional<unsigned> month(std::string_view text) {
  static constexpr std::string_view names = "JanFebMarAprMayJunJulAugSepOctNovDec";
  const std::size_t at = text.size() == 3 ? names.find(text) : std::string_view::npos;
  return at != std::string_view::npos && at % 3 == 0 ? std::optional(static_cast<unsigned>(at / 3 + 1)) : std::nullopt;
}

/// "Sun, 06 Nov 1994 08:49:37 GMT". The two older forms are sent by nobody any more.
std::optional<WallTime> parse_date(std::string_view text) {
  constexpr std::string_view form = "???, ?? ??? ???? ??:??:?? GMT";
  const auto fits = [](char c, char expected) { return expected == '?' || c == expected; };
  if (!std::ranges::equal(text, form, fits)) {
    return std::nullopt;
  }
  const auto day = number(text.substr(5, 2));
  const auto month_number = month(text.substr(8, 3));
  const auto year = number(text.substr(12, 4));
  const auto hour = number(text.substr(17, 2));
  const auto minute = number(text.substr(20, 2));
  const auto second = number(text.substr(23, 2));
  if (!day || !month_number || !year || !hour || !minute || !second || *hour > 23 || *minute > 59 || *second > 60) {
    return std::nullopt;
  }
  const std::chrono::year_month_day date{std::chrono::year(*year), std::chrono::month(*month_number),
                                         std::chrono::day(static_cast<unsigned>(*day))};
  if (!date.ok()) {
    return std::nullopt;
  }
  return WallTime(std::chrono::sys_days(date)) + std::chrono::hours(*hour) + std::chrono::minutes(*minute) + seconds(*second);
}

}  // namespace

std::optional<Duration> parse_retry_after(std::string_view value, WallTime now) {
  Duration wait{};
  if (!value.empty() && std::ranges::all_of(value, [](char c) { return c >= '0' && c <= '9'; })) {
    const std::optional<int> given = number(value);
    wait = given ? std::min<Duration>(seconds(*given), limits::breaker_retry_after_max) : limits::breaker_retry_after_max;
  } else if (const std::optional<WallTime> date = parse_date(value)) {
    wait = std::min<Duration>(std::min<seconds>(*date - now, limits::breaker_retry_after_max), limits::breaker_retry_after_max);
  }
  return wait > Duration::zero() ? std::optional(wait) : std::nullopt;
}

CircuitBreaker::CircuitBreaker(const std::vector<CircuitBreakerRule>& rules) {
  for (const CircuitBreakerRule& rule : rules) {
    counted_.push_back({.rule = rule, .slices = {}});
  }
}

Duration CircuitBreaker::wait(TimePoint now) const {
  return tripped(now) ? tripped_until_ - now : Duration::zero();
}

bool CircuitBreaker::is_failure(std::uint16_t status) const {
  return std::ranges::any_of(counted_, [status](const Counted& counted) { return within(counted.rule, status); });
}

void CircuitBreaker::answered(std::uint16_t status, std::optional<Duration> retry_after, TimePoint now) {
  for (Counted& counted : counted_) {
    count(counted, within(counted.rule, status), retry_after, now);
  }
}

void CircuitBreaker::failed(TimePoint now) {
  for (Counted& counted : counted_) {
    count(counted, !counted.rule.error_reasons.empty(), std::nullopt, now);
  }
}

void CircuitBreaker::count(Counted& counted, bool failure, std::optional<Duration> retry_after, TimePoint now) {
  if (tripped(now)) {
    return;
  }
  const std::int64_t at = now.time_since_epoch() / slice_of(counted.rule);
  Slice& slice = counted.slices[static_cast<std::size_t>(at) % counted.slices.size()];
  if (slice.number != at) {
    slice = {.number = at};
  }
  ++slice.calls;
  slice.failures += failure ? 1 : 0;
  if (failure && met(counted, at)) {
    tripped_until_ = now + (counted.rule.accept_retry_after && retry_after ? *retry_after : counted.rule.trip_duration);
    for (Counted& other : counted_) {
      other.slices = {};
    }
  }
}

/// `slice`: the one that `now` is in.
bool CircuitBreaker::met(const Counted& counted, std::int64_t slice) {
  std::uint64_t calls = 0;
  std::uint64_t failures = 0;
  for (const Slice& each : counted.slices) {
    if (each.number > slice - static_cast<std::int64_t>(counted.slices.size())) {
      calls += each.calls;
      failures += each.failures;
    }
  }
  if (counted.rule.failures_max != 0) {
    return failures >= counted.rule.failures_max;
  }
  return calls >= limits::breaker_percentage_calls_min && failures * 100 >= std::uint64_t{counted.rule.percentage} * calls;
}

bool CircuitBreaker::has_rules(const std::vector<CircuitBreakerRule>& rules) const {
  return std::ranges::equal(counted_, rules,
                            [](const Counted& counted, const CircuitBreakerRule& rule) { return equal(counted.rule, rule); });
}

}  // namespace signet::gateway
