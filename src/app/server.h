// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include <string>

namespace signet::app {

struct RunOptions {
  std::string config_file;
};

/// `signet run FILE`: loads, starts every shard, serves until SIGTERM or SIGINT, drains. Returns the process' exit status: 0 after a drain,
/// 1 when the configuration, the certificates or the system did not allow a start, 2 when the drain was cut short.
int run(const RunOptions& options);

}  // namespace signet::app
