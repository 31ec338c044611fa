// SPDX-License-Identifier: GPL-3.0-or-later
#include "gateway_state.h"

#include <fmt/core.h>

#include <set>
#include <utility>

#include "command_parts.h"

namespace signet::app::cli {

namespace {

/// Entity tags of objects of the gateway's own file begin so: they have no revision.
constexpr std::string_view file_etag = "\"file-";
constexpr std::string_view as_written = "format=rawxml";

/// In the form of Objects.
json object_of(const Parts& parts, const json& envelope) {
  json properties = properties_of(envelope);
  if (parts[parts.size() - 2] != "certificates") {
    return normalised(parts, std::move(properties));
  }
  if (const auto source = properties.find("keyVault"); source != properties.end() && source->is_object()) {
    source->erase("lastStatus");
    return {{"keyVault", *source}};
  }
  return {{"thumbprint", text_of(properties, "thumbprint")}};
}

void add_all(Client& client, GatewayState& state, const Parts& list, std::string_view query = {}) {
  for (const json& envelope : client.list(list, query)) {
    Parts parts = list;
    parts.push_back(text_of(envelope, "name"));
    json object = object_of(parts, envelope);
    state.objects.emplace(std::move(parts), std::move(object));
  }
}

/// Paths of one kind, so that more may be added while they are gone through.
std::vector<Parts> all_of(const GatewayState& state, std::string_view kind) {
  std::vector<Parts> found;
  for (const auto& [parts, properties] : state.objects) {
    if (parts[parts.size() - 2] == kind) {
      found.push_back(parts);
    }
  }
  return found;
}

Parts below(Parts parts, const char* name) {
  parts.emplace_back(name);
  return parts;
}

void refresh(Client& client, GatewayState& state, const Parts& parts) {
  const std::optional<Answer> answer = client.find(parts, parts.back() == "policy" ? as_written : std::string_view());
  if (!answer) {
    state.objects.erase(parts);
    return;
  }
  state.objects[parts] = object_of(parts, answer->body);
  state.etags[parts] = answer->etag;
  if (answer->etag.starts_with(file_etag)) {
    state.fixed.push_back(parts);
  }
}

}  // namespace

GatewayState read_state(Client& client) {
  GatewayState state;
  add_all(client, state, {"certificates"});
  add_all(client, state, {"backends"});
  add_all(client, state, {"apis"});
  for (const Parts& api : all_of(state, "apis")) {
    add_all(client, state, below(api, "operations"));
    add_all(client, state, below(api, "policies"), as_written);
  }
  for (const Parts& operation : all_of(state, "operations")) {
    add_all(client, state, below(operation, "policies"), as_written);
  }
  add_all(client, state, {"policies"}, as_written);
  return state;
}

std::vector<Step> plan_against(Client& client, const Objects& wanted, GatewayState& state, const PlanOptions& options) {
  std::set<Parts> seen;
  while (true) {
    std::vector<Step> plan = make_plan(wanted, state.objects, state.fixed, options);
    bool news = false;
    for (const Step& step : plan) {
      if (step.action != Action::add && seen.insert(step.parts).second) {
        refresh(client, state, step.parts);
        news = true;
      }
    }
    // Once more: an API that turns out to be the file's stays, and what was to go with it has to be looked at by itself.
    if (!news) {
      return plan;
    }
  }
}

void carry_out(Client& client, const Step& step, const Desired& desired, const GatewayState& state) {
  const auto etag = state.etags.find(step.parts);
  const std::string tag = etag == state.etags.end() ? std::string() : etag->second;
  if (step.action == Action::remove) {
    client.remove(step.parts, tag);
    return;
  }
  if (const auto upload = desired.uploads.find(step.parts); upload != desired.uploads.end()) {
    client.put(step.parts, upload->second.body(), tag);
    return;
  }
  json body = json::object();
  body["properties"] = step.properties;
  if (step.parts.back() == "policy" && step.parts[step.parts.size() - 2] == "policies") {
    body["properties"]["format"] = "rawxml";
  }
  client.put(step.parts, std::move(body), tag);
}

}  // namespace signet::app::cli
