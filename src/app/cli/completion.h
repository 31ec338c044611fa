// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include <CLI/CLI.hpp>
#include <string>

namespace signet::app::cli {

/// A script that completes commands, options and their fixed values, made from the commands themselves. `shell` is bash, zsh or fish;
/// throws Failure for any other.
[[nodiscard]] std::string completion_script(const CLI::App& app, const std::string& shell);

}  // namespace signet::app::cli
