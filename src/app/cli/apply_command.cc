// SPDX-License-Identifier: GPL-3.0-or-later
#include "apply_command.h"

#include <fmt/core.h>

#include "command_parts.h"
#include "desired.h"
#include "gateway_state.h"
#include "plan.h"
#include "table.h"

namespace signet::app::cli {

namespace {

/// Before anything is written: has every certificate that is to be written something to be made of?
void check_sources(const std::vector<Step>& plan, const Desired& desired, const std::string& file) {
  for (const Step& step : plan) {
    if (step.action != Action::remove && step.parts.front() == "certificates" && !step.properties.contains("keyVault") &&
        !desired.uploads.contains(step.parts)) {
      throw Failure(
          fmt::format("{}: {} with thumbprint {} is not on the gateway: expected pfxFile in the file, or `signet cert add {} FILE`", file,
                      name_of(step.parts), step.properties.value("thumbprint", std::string()), step.parts[1]));
    }
  }
}

void carry_out_all(Client& client, const std::vector<Step>& plan, const Desired& desired, const GatewayState& state) {
  std::size_t done = 0;
  for (const Step& step : plan) {
    try {
      carry_out(client, step, desired, state);
    } catch (const Failure& failure) {
      std::vector<std::string> lines = failure.lines();
      lines.push_back(
          fmt::format("{} of {} steps are done and stay; once this is corrected, the same command does the rest.", done, plan.size()));
      throw Failure(failure.status(), fmt::format("{}: {}", clean(name_of(step.parts)), failure.message()), std::move(lines));
    }
    ++done;
  }
}

}  // namespace

void apply(Client& client, const ApplyOptions& options) {
  const Desired desired = read_desired(options.file);
  GatewayState state = read_state(client);
  const std::vector<Step> plan =
      plan_against(client, desired.objects, state, {.prune = options.prune, .rewrite_secrets = options.rewrite_secrets});
  check_sources(plan, desired, options.file);
  const bool table = client.output() == Output::as_table;
  if (table) {
    print(plan.empty() ? "no changes\n" : fmt::format("{}plan: {}\n", plan_text(plan), plan_summary(plan)));
  }
  if (!options.dry_run) {
    carry_out_all(client, plan, desired, state);
  }
  if (!table) {
    print_json({{"plan", plan_json(plan)}, {"applied", !options.dry_run}});
  } else if (!plan.empty()) {
    print(options.dry_run ? "nothing was changed: dry run\n" : "applied\n");
  }
}

namespace {

json& child(json& list, const std::string& id) {
  for (json& item : list) {
    if (item["id"] == id) {
      return item;
    }
  }
  list.push_back({{"id", id}});
  return list.back();
}

bool masked(const json& value) {
  if (value.is_string()) {
    return value.get_ref<const std::string&>() == secret_mask;
  }
  if (value.is_structured()) {
    for (const json& item : value) {
      if (masked(item)) {
        return true;
      }
    }
  }
  return false;
}

}  // namespace

void export_all(Client& client) {
  json root{{"certificates", json::array()}, {"backends", json::array()}, {"apis", json::array()}};
  // In the order of Parts: what an object belongs to comes before it.
  for (const auto& [parts, properties] : read_state(client).objects) {
    if (parts[parts.size() - 2] == "policies") {
      json& scope = parts.size() == 2   ? root
                    : parts.size() == 4 ? child(root["apis"], parts[1])
                                        : child(child(root["apis"], parts[1])["operations"], parts[3]);
      scope["policy"] = properties.value("value", std::string());
      continue;
    }
    json& item = parts.size() == 2 ? child(root[parts[0]], parts[1]) : child(child(root["apis"], parts[1])["operations"], parts[3]);
    item.update(properties);
    if (parts.front() == "certificates" && properties.contains("thumbprint")) {
      complain(fmt::format("{}: its private key stays on the gateway; for another gateway put pfxFile in place of thumbprint",
                           clean(name_of(parts))));
    }
    if (masked(properties)) {
      complain(fmt::format("{}: credentials are shown as {}, which means \"as they are\"; another gateway needs the values",
                           clean(name_of(parts)), secret_mask));
    }
  }
  print_json(root);
}

}  // namespace signet::app::cli
