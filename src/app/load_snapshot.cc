// SPDX-License-Identifier: GPL-3.0-or-later
#include "load_snapshot.h"

#include <fmt/core.h>

#include <utility>

#include "signet/base/log.h"
#include "signet/config/load.h"
#include "process.h"

namespace signet::app {

SnapshotLoader::Loaded SnapshotLoader::load() {
  files_.start_over();
  config::Loaded read = config::load_config(file_, files_);
  config::Report report = std::move(read.report);
  Loaded loaded;
  if (read.config) {
    config::Built built =
        config::build_snapshot(*read.config, files_, {.generation = generation_ + 1, .now = wall_now(), .material = &material_});
    report.append(std::move(built.report));
    loaded.snapshot = std::move(built.snapshot);
    loaded.certificates_changed = built.certificates_changed;
  }
  for (const config::Problem& problem : report.warnings) {
    log::warning(problem.text());
  }
  for (const config::Problem& problem : report.errors) {
    log::error(problem.text());
  }
  const std::size_t errors = report.errors.size() + report.errors_left_out;
  if (errors != 0) {
    loaded.snapshot = nullptr;
    loaded.refusal = fmt::format("{} cannot be used: {} error{}", file_, errors, errors == 1 ? "" : "s");
    return loaded;
  }
  ++generation_;
  return loaded;
}

std::shared_ptr<const config::Snapshot> load_snapshot(const std::string& file) {
  SnapshotLoader::Loaded loaded = SnapshotLoader(file).load();
  if (!loaded.snapshot) {
    log::error(loaded.refusal);
  }
  return std::move(loaded.snapshot);
}

}  // namespace signet::app
