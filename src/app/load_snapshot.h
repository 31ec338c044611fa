// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include <memory>
#include <string>

#include "signet/config/snapshot.h"

namespace signet::app {

/// Reads a configuration file and all that it names. Every problem goes to the log; nullptr when there was an error among them. May take
/// seconds.
[[nodiscard]] std::shared_ptr<const config::Snapshot> load_snapshot(const std::string& file);

}  // namespace signet::app
