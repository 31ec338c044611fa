// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include <CLI/CLI.hpp>
#include <functional>

/// The commands that work on a gateway, as CLI11 knows them.
namespace signet::app::cli {

/// Adds `backend`, `api`, `apply`, `export`, `import`, `status`, `refusals` and `completion` to `app`, and what works on a gateway to
/// `cert`. Parsing sets `command` to what is to be done; it returns the process' exit status, after an error that it has explained on
/// standard error. `app`, `cert` and `command` must outlive it.
void add_management_commands(CLI::App& app, CLI::App& cert, std::function<int()>& command);

}  // namespace signet::app::cli
