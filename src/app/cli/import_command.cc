// SPDX-License-Identifier: GPL-3.0-or-later
#include "import_command.h"

#include <fmt/core.h>

#include <algorithm>
#include <set>

#include "command_parts.h"
#include "gateway_state.h"
#include "import_mapping.h"
#include "plan.h"
#include "table.h"

namespace signet::app::cli {

namespace {

/// Certificates whose keys are not in the document: fine if the gateway has them.
void note_needed(const GatewayState& state, Imported& imported) {
  for (const NeededCertificate& needed : imported.needed) {
    const auto there = state.objects.find({"certificates", needed.id});
    const std::string thumbprint = there == state.objects.end() ? std::string() : there->second.value("thumbprint", std::string());
    const std::string name = fmt::format("certificate {}", clean(needed.id));
    if (there == state.objects.end()) {
      imported.notes.push_back(
          {.object = name,
           .text = fmt::format("its key is not in the file{}: signet cert add {} FILE.pfx, then import again",
                               needed.where.empty() ? "" : fmt::format(" but in {}", needed.where), clean(needed.id))});
    } else if (!needed.thumbprint.empty() && !thumbprint.empty() && needed.thumbprint != thumbprint) {
      imported.notes.push_back(
          {.object = name,
           .text = fmt::format("the gateway's has another thumbprint: {}, not {}", clean(thumbprint), clean(needed.thumbprint))});
    }
  }
}

/// Everything that can be done; the rest becomes notes.
void carry_out_all(Client& client, const std::vector<Step>& plan, const GatewayState& state, Imported& imported) {
  std::set<Parts> refused;
  for (const Step& step : plan) {
    const std::string name = clean(name_of(step.parts));
    const bool orphan = std::ranges::any_of(refused, [&](const Parts& parent) {
      return parent.size() < step.parts.size() && std::equal(parent.begin(), parent.end(), step.parts.begin());
    });
    if (orphan) {
      imported.notes.push_back({.object = name, .text = "is not carried over: what it belongs to was refused"});
      continue;
    }
    try {
      carry_out(client, step, imported.desired, state);
    } catch (const Failure& failure) {
      if (failure.status() == ExitStatus::unreachable || failure.status() == ExitStatus::unauthorised) {
        throw;
      }
      std::string text = fmt::format("the gateway refused it: {}", failure.message());
      for (const std::string& line : failure.lines()) {
        text += fmt::format(" {}", line.substr(std::min(line.find_first_not_of(' '), line.size())));
      }
      imported.notes.push_back({.object = name, .text = std::move(text)});
      refused.insert(step.parts);
    }
  }
}

}  // namespace

ExitStatus import_file(Client& client, const ImportOptions& options) {
  const json parameters = options.parameters_file.empty() ? json() : read_json(options.parameters_file, desired_file_bytes_max);
  Imported imported = import_document(read_json(options.file, desired_file_bytes_max), parameters);
  GatewayState state = read_state(client);
  note_needed(state, imported);
  const std::vector<Step> plan = plan_against(client, imported.desired.objects, state, {});
  const bool table = client.output() == Output::as_table;
  if (table) {
    print(plan.empty() ? "no changes\n" : fmt::format("{}plan: {}\n", plan_text(plan), plan_summary(plan)));
  }
  if (!options.dry_run) {
    carry_out_all(client, plan, state, imported);
  }
  json notes = json::array();
  for (const ImportNote& note : imported.notes) {
    notes.push_back({{"object", note.object}, {"text", note.text}});
  }
  if (!table) {
    print_json({{"plan", plan_json(plan)}, {"applied", !options.dry_run}, {"notes", notes}});
  } else if (!imported.notes.empty()) {
    print("not carried over, or not as it was:\n");
    for (const ImportNote& note : imported.notes) {
      print(fmt::format("  {}: {}\n", clean(note.object), note.text));
    }
  }
  if (table && options.dry_run) {
    print("nothing was changed: dry run\n");
  }
  return imported.notes.empty() ? ExitStatus::ok : ExitStatus::in_part;
}

}  // namespace signet::app::cli
