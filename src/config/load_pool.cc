// SPDX-License-Identifier: GPL-3.0-or-later
// Circuit breakers and pools of back ends.
#include <fmt/core.h>

#include <chrono>
#include <set>
#include <string>
#include <utility>

#include "load_objects.h"
#include "names.h"

namespace signet::config {

namespace {

/// As the management REST resources have it; of rules the service itself takes one, although its specification has room for more.
constexpr std::size_t rules_max = 1;
constexpr std::size_t status_ranges_max = 10;
constexpr std::size_t error_reasons_max = 10;
constexpr std::size_t members_max = 30;
constexpr std::uint64_t status_min = 200;
constexpr std::uint64_t status_max = 599;
constexpr std::uint32_t weight_max = 100;
constexpr std::uint32_t priority_max = 100;

constexpr std::size_t rule_name_size_max = 256;
constexpr std::size_t error_reason_size_max = 256;
constexpr std::uint32_t failures_max = 10'000;
/// Of a rule's interval and of the pause.
constexpr Duration rule_time_max = std::chrono::days(7);

void read_whole_seconds(ObjectReader& reader, std::string_view name, seconds& target) {
  reader.require({name});
  Duration time = target;
  reader.duration(name, time, seconds(1), rule_time_max);
  target = std::chrono::floor<seconds>(time);
  if (target != time) {
    reader.error(name, "expected a time of whole seconds");
  }
}

void read_statuses(ObjectReader& reader, std::vector<StatusRange>& statuses) {
  reader.each("statusCodeRanges", json::Type::object, [&](const Item& item) {
    ObjectReader entry(reader.document(), item);
    StatusRange range;
    entry.require({"min", "max"});
    entry.number("min", range.min, status_min, status_max);
    entry.number("max", range.max, status_min, status_max);
    if (range.min != 0 && range.max != 0 && range.min > range.max) {
      entry.error("min", fmt::format("min is above max: {} and {}", range.min, range.max));
    }
    statuses.push_back(range);
  });
  if (statuses.size() > status_ranges_max) {
    reader.error("statusCodeRanges", fmt::format("expected no more than {} ranges, found {}", status_ranges_max, statuses.size()));
  }
}

void read_error_reasons(ObjectReader& reader, std::vector<std::string>& reasons) {
  Document& document = reader.document();
  reader.each("errorReasons", json::Type::string, [&](const Item& item) {
    if (item.node->text.empty() || item.node->text.size() > error_reason_size_max) {
      document.report().error(document.source(item.node->offset, item.pointer),
                              fmt::format("expected a text of 1 to {} bytes, found {}", error_reason_size_max, item.node->text.size()));
    }
    reasons.push_back(item.node->text);
  });
  if (reasons.size() > error_reasons_max) {
    reader.error("errorReasons", fmt::format("expected no more than {} reasons, found {}", error_reasons_max, reasons.size()));
  }
}

void read_failure_condition(ObjectReader& reader, CircuitBreakerRule& rule) {
  reader.number("count", rule.failures_max, 1, failures_max);
  reader.number("percentage", rule.percentage, 1, 100);
  if (reader.has("count") == reader.has("percentage")) {
    reader.error(reader.has("percentage") ? "percentage" : "count", "expected either count or percentage");
  }
  read_whole_seconds(reader, "interval", rule.interval);
  read_statuses(reader, rule.statuses);
  read_error_reasons(reader, rule.error_reasons);
  if (rule.statuses.empty() && rule.error_reasons.empty()) {
    reader.error("statusCodeRanges", "expected statusCodeRanges, errorReasons or both: what counts as a failure");
  }
}

CircuitBreakerRule read_rule(Document& document, const Item& item) {
  ObjectReader reader(document, item);
  CircuitBreakerRule rule;
  reader.text("name", rule.name, 1, rule_name_size_max);
  reader.require({"failureCondition"});
  reader.object("failureCondition", [&](ObjectReader& condition) { read_failure_condition(condition, rule); });
  read_whole_seconds(reader, "tripDuration", rule.trip_duration);
  reader.boolean("acceptRetryAfter", rule.accept_retry_after);
  return rule;
}

}  // namespace

void read_circuit_breaker(ObjectReader& reader, std::vector<CircuitBreakerRule>& rules) {
  reader.each("rules", json::Type::object, [&](const Item& item) { rules.push_back(read_rule(reader.document(), item)); });
  if (rules.size() > rules_max) {
    reader.error("rules", fmt::format("expected no more than one rule, found {}", rules.size()));
  }
}

void read_pool(ObjectReader& reader, std::vector<PoolMember>& members) {
  Document& document = reader.document();
  std::set<std::string> ids;
  reader.each("services", json::Type::object, [&](const Item& item) {
    ObjectReader entry(document, item);
    PoolMember member;
    entry.require({"id"});
    entry.reference("id", member.backend_id);
    shorten(document, member.backend_id, "backends");
    entry.number("weight", member.weight, 0, weight_max);
    entry.number("priority", member.priority, 0, priority_max);
    if (!member.backend_id.value.empty() && !ids.insert(member.backend_id.value).second) {
      entry.error("id", "another member of this pool is the same backend");
    }
    members.push_back(std::move(member));
  });
  if (members.empty() || members.size() > members_max) {
    reader.error("services", fmt::format("expected 1 to {} members, found {}", members_max, members.size()));
  }
}

}  // namespace signet::config
