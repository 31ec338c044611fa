// SPDX-License-Identifier: GPL-3.0-or-later
#include "load_snapshot.h"

#include <fmt/core.h>

#include <utility>

#include "signet/base/log.h"
#include "signet/config/files.h"
#include "signet/config/load.h"
#include "process.h"

namespace signet::app {

std::shared_ptr<const config::Snapshot> load_snapshot(const std::string& file) {
  config::SystemFiles files;
  config::Loaded loaded = config::load_config(file, files);
  config::Report report = std::move(loaded.report);
  std::shared_ptr<const config::Snapshot> snapshot;
  if (loaded.config) {
    config::Built built = config::build_snapshot(*loaded.config, files, {.now = wall_now()});
    report.append(std::move(built.report));
    snapshot = std::move(built.snapshot);
  }
  for (const config::Problem& problem : report.warnings) {
    log::warning(problem.text());
  }
  for (const config::Problem& problem : report.errors) {
    log::error(problem.text());
  }
  const std::size_t errors = report.errors.size() + report.errors_left_out;
  if (errors != 0) {
    log::error(fmt::format("{} cannot be used: {} error{}", file, errors, errors == 1 ? "" : "s"));
    return nullptr;
  }
  return snapshot;
}

}  // namespace signet::app
