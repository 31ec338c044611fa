// SPDX-License-Identifier: GPL-3.0-or-later
#include "plan.h"

#include <fmt/core.h>

#include <algorithm>
#include <array>
#include <set>
#include <string_view>
#include <tuple>

#include "table.h"

namespace signet::app::cli {

namespace {

/// Longest value that a plan shows, in bytes.
constexpr std::size_t shown_value_bytes_max = 100;

enum class Kind : std::uint8_t { certificate, backend, api, operation, policy };

Kind kind_of(const Parts& parts) {
  const std::string& word = parts[parts.size() - 2];
  return word == "certificates" ? Kind::certificate
         : word == "backends"   ? Kind::backend
         : word == "apis"       ? Kind::api
         : word == "operations" ? Kind::operation
                                : Kind::policy;
}

std::string last_segment(const std::string& id) {
  return id.substr(id.rfind('/') + 1);  // npos + 1 is 0
}

void shorten(json& value) {
  if (value.is_string()) {
    value = last_segment(value.get<std::string>());
  }
}

void drop_empty(json& value) {
  if (value.is_array()) {
    std::ranges::for_each(value, drop_empty);
    return;
  }
  if (!value.is_object()) {
    return;
  }
  for (auto member = value.begin(); member != value.end();) {
    drop_empty(*member);
    const bool empty_text = member->is_string() && member->get_ref<const std::string&>().empty() && member.key() != "path";
    const bool empty = member->is_null() || empty_text || (member->is_structured() && member->empty());
    member = empty ? value.erase(member) : std::next(member);
  }
}

void normalise_backend(json& properties) {
  const bool pool = properties.value("type", std::string()) == "Pool";
  if (pool) {
    const json::json_pointer services("/pool/services");
    if (properties.contains(services) && properties[services].is_array()) {
      for (json& member : properties[services]) {
        if (member.is_object() && member.contains("id")) {
          shorten(member["id"]);
          member.emplace("weight", 1);
          member.emplace("priority", 0);
        }
      }
    }
    return;
  }
  properties.erase("type");
  properties.emplace("protocol", "http");
  const json::json_pointer ids("/credentials/certificateIds");
  if (properties.contains(ids) && properties[ids].is_array()) {
    std::ranges::for_each(properties[ids], shorten);
  }
  // Both checks are on unless it is said.
  const auto tls = properties.find("tls");
  if (tls != properties.end() && tls->is_object()) {
    for (const char* const name : {"validateCertificateChain", "validateCertificateName"}) {
      if (tls->contains(name) && (*tls)[name] == true) {
        tls->erase(name);
      }
    }
  }
}

void normalise_api(json& properties, const std::string& id) {
  for (const char* const said : {"apiRevision", "isCurrent", "isOnline", "provisioningState", "operations", "policy", "policyFile"}) {
    properties.erase(said);
  }
  properties.emplace("displayName", id);
  properties.emplace("protocols", json::array({"http", "https"}));
  if (auto& protocols = properties["protocols"]; protocols.is_array()) {
    std::sort(protocols.begin(), protocols.end());
  }
  if (properties.contains("subscriptionRequired") && properties["subscriptionRequired"] == false) {
    properties.erase("subscriptionRequired");
  }
  for (const char* const reference : {"backendId", "certificateId"}) {
    if (properties.contains(reference)) {
      shorten(properties[reference]);
    }
  }
}

/// A document's line ends, and blanks around it, say nothing.
std::string normal_text(const std::string& text) {
  std::string out;
  std::ranges::copy_if(text, std::back_inserter(out), [](char c) { return c != '\r'; });
  const std::size_t begin = std::min(out.find_first_not_of(" \t\n"), out.size());
  return out.substr(begin, out.find_last_not_of(" \t\n") + 1 - begin);
}

/// Values of which a gateway answers only masks.
bool is_secret(std::string_view property) {
  constexpr std::array<std::string_view, 4> secrets{"credentials.header", "credentials.query", "credentials.authorization.parameter",
                                                    "proxy.password"};
  return std::ranges::any_of(secrets, [&](std::string_view secret) { return property.starts_with(secret); });
}

/// Equal as far as one can see: a mask stands for anything, at the same place.
bool looks_equal(const json& wanted, const json& actual) {
  if (actual.is_string() && actual.get_ref<const std::string&>() == secret_mask) {
    return wanted.is_string();
  }
  if (wanted.is_array() && actual.is_array()) {
    return std::ranges::equal(wanted, actual, looks_equal);
  }
  return wanted == actual;
}

bool has_mask(const json& value) {
  return value.is_string() ? value.get_ref<const std::string&>() == secret_mask
                           : value.is_structured() && std::ranges::any_of(value, has_mask);
}

std::string shown(const json& value, const std::string& property) {
  if (is_secret(property)) {
    return "(secret)";
  }
  std::string text = clean(value.dump(-1, ' ', false, json::error_handler_t::replace));
  if (text.size() > shown_value_bytes_max) {
    text.resize(shown_value_bytes_max);
    while (!text.empty() && (static_cast<unsigned char>(text.back()) & 0xc0) == 0x80) {
      text.pop_back();  // no half character
    }
    text += "…";
  }
  return text;
}

void compare(const json& wanted, const json& actual, const std::string& prefix, std::vector<PropertyChange>& changes) {
  std::set<std::string> names;
  for (const json* const object : {&wanted, &actual}) {
    for (const auto& [name, value] : object->items()) {
      names.insert(name);
    }
  }
  for (const std::string& name : names) {
    const std::string property = prefix.empty() ? name : fmt::format("{}.{}", prefix, name);
    const json* const after = wanted.contains(name) ? &wanted[name] : nullptr;
    const json* const before = actual.contains(name) ? &actual[name] : nullptr;
    if (after != nullptr && before != nullptr && after->is_object() && before->is_object()) {
      compare(*after, *before, property, changes);
    } else if (after != nullptr && before != nullptr && looks_equal(*after, *before)) {
      continue;
    } else {
      changes.push_back({.action = before == nullptr  ? Action::add
                                   : after == nullptr ? Action::remove
                                                      : Action::change,
                         .property = property,
                         .before = before == nullptr ? std::string() : shown(*before, property),
                         .after = after == nullptr ? std::string() : shown(*after, property)});
    }
  }
}

std::string lines_of(const json& properties) {
  const std::string text = properties.value("value", std::string());
  const auto count = text.empty() ? 0 : std::ranges::count(text, '\n') + 1;
  return fmt::format("{} line{}", count, count == 1 ? "" : "s");
}

std::vector<PropertyChange> changes_of(const Parts& parts, const json& wanted, const json& actual, const PlanOptions& options) {
  std::vector<PropertyChange> changes;
  if (kind_of(parts) == Kind::policy) {
    if (wanted != actual) {
      changes.push_back({.action = Action::change, .property = "text", .before = lines_of(actual), .after = lines_of(wanted)});
    }
    return changes;
  }
  compare(wanted, actual, {}, changes);
  if (options.rewrite_secrets && has_mask(actual) && !has_mask(wanted)) {
    changes.push_back({.action = Action::change, .property = "credentials", .before = "(secret)", .after = "(secret), written again"});
  }
  return changes;
}

/// Order of writes: kind, pools behind what they consist of, outer policies before inner ones.
std::tuple<Kind, bool, std::size_t, Parts> rank(const Step& step) {
  const bool pool = kind_of(step.parts) == Kind::backend && step.properties.is_object() && step.properties.contains("pool");
  return {kind_of(step.parts), pool, step.parts.size(), step.parts};
}

/// Goes with an API or operation that is removed too.
bool goes_along(const Parts& parts, const std::set<Parts>& removed) {
  for (std::size_t size = 2; size < parts.size(); size += 2) {
    if (removed.contains(Parts(parts.begin(), parts.begin() + static_cast<std::ptrdiff_t>(size)))) {
      return true;
    }
  }
  return false;
}

std::vector<Step> removals(const Objects& wanted, const Objects& actual, const std::vector<Parts>& fixed) {
  std::set<Parts> removed;
  for (const auto& [parts, properties] : actual) {
    if (!wanted.contains(parts) && std::ranges::find(fixed, parts) == fixed.end()) {
      removed.insert(parts);
    }
  }
  std::vector<Step> steps;
  for (const Parts& parts : removed) {
    if (!goes_along(parts, removed)) {
      steps.push_back({.action = Action::remove, .parts = parts, .changes = {}, .properties = actual.at(parts)});
    }
  }
  std::ranges::sort(steps, std::ranges::greater(), rank);
  for (Step& step : steps) {
    step.properties = json();
  }
  return steps;
}

const char* sign_of(Action action) {
  return action == Action::add ? "+" : action == Action::change ? "~" : "−";
}

const char* word_of(Action action) {
  return action == Action::add ? "add" : action == Action::change ? "change" : "remove";
}

/// What a new object is, in a few words.
std::string note_of(const Step& step) {
  if (step.action != Action::add) {
    return {};
  }
  const auto text = [&](const char* name) { return step.properties.value(name, std::string()); };
  switch (kind_of(step.parts)) {
    case Kind::certificate: return text("thumbprint").empty() ? "from a secret source" : fmt::format("thumbprint {}", text("thumbprint"));
    case Kind::backend: return text("url").empty() ? "pool" : text("url");
    case Kind::api: return fmt::format("/{}", text("path"));
    case Kind::operation: return fmt::format("{} {}", text("method"), text("urlTemplate"));
    case Kind::policy: return lines_of(step.properties);
  }
  return {};
}

}  // namespace

json normalised(const Parts& parts, json properties) {
  if (!properties.is_object()) {
    return json::object();
  }
  properties.erase("id");
  drop_empty(properties);
  switch (kind_of(parts)) {
    case Kind::certificate: break;
    case Kind::backend: normalise_backend(properties); break;
    case Kind::api: normalise_api(properties, parts.back()); break;
    case Kind::operation:
      for (const char* const said : {"policy", "policyFile", "policies"}) {
        properties.erase(said);
      }
      properties.emplace("displayName", parts.back());
      break;
    case Kind::policy:
      if (properties.contains("value") && properties["value"].is_string()) {
        properties = {{"value", normal_text(properties["value"].get_ref<const std::string&>())}};
      }
      break;
  }
  drop_empty(properties);
  return properties;
}

std::vector<Step> make_plan(const Objects& wanted, const Objects& actual, const std::vector<Parts>& fixed, const PlanOptions& options) {
  std::vector<Step> steps;
  for (const auto& [parts, properties] : wanted) {
    const auto there = actual.find(parts);
    if (there == actual.end()) {
      steps.push_back({.action = Action::add, .parts = parts, .changes = {}, .properties = properties});
      continue;
    }
    std::vector<PropertyChange> changes = changes_of(parts, properties, there->second, options);
    if (!changes.empty()) {
      steps.push_back({.action = Action::change, .parts = parts, .changes = std::move(changes), .properties = properties});
    }
  }
  std::ranges::sort(steps, std::ranges::less(), rank);
  if (options.prune) {
    for (Step& step : removals(wanted, actual, fixed)) {
      steps.push_back(std::move(step));
    }
  }
  return steps;
}

std::string name_of(const Parts& parts) {
  switch (kind_of(parts)) {
    case Kind::certificate: return fmt::format("certificate {}", parts[1]);
    case Kind::backend: return fmt::format("backend {}", parts[1]);
    case Kind::api: return fmt::format("API {}", parts[1]);
    case Kind::operation: return fmt::format("operation {}/{}", parts[1], parts[3]);
    case Kind::policy: break;
  }
  return parts.size() == 2   ? "global policy"
         : parts.size() == 4 ? fmt::format("policy of API {}", parts[1])
                             : fmt::format("policy of operation {}/{}", parts[1], parts[3]);
}

std::string plan_text(const std::vector<Step>& plan) {
  std::string out;
  for (const Step& step : plan) {
    const std::string note = note_of(step);
    out += fmt::format("{} {}{}\n", sign_of(step.action), clean(name_of(step.parts)), note.empty() ? "" : fmt::format("  {}", clean(note)));
    for (const PropertyChange& change : step.changes) {
      const std::string values = change.action == Action::change ? fmt::format("{} → {}", change.before, change.after)
                                                                 : fmt::format("{}{}", change.before, change.after);
      out += fmt::format("    {} {}: {}\n", sign_of(change.action), clean(change.property), values);
    }
  }
  return out;
}

json plan_json(const std::vector<Step>& plan) {
  json steps = json::array();
  for (const Step& step : plan) {
    json changes = json::array();
    for (const PropertyChange& change : step.changes) {
      changes.push_back(
          {{"action", word_of(change.action)}, {"property", change.property}, {"before", change.before}, {"after", change.after}});
    }
    std::string id;
    for (const std::string& part : step.parts) {
      id += fmt::format("{}{}", id.empty() ? "" : "/", part);
    }
    steps.push_back({{"action", word_of(step.action)}, {"id", id}, {"changes", std::move(changes)}});
  }
  return steps;
}

std::string plan_summary(const std::vector<Step>& plan) {
  const auto count = [&](Action action) { return std::ranges::count(plan, action, &Step::action); };
  return fmt::format("{} to add, {} to change, {} to remove", count(Action::add), count(Action::change), count(Action::remove));
}

}  // namespace signet::app::cli
