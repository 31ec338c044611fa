// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include <string>

#include "client.h"

namespace signet::app::cli {

struct ImportOptions {
  std::string file;
  std::string parameters_file;
  bool dry_run = false;
};

/// Brings a gateway what it can have of a document of Azure API Management (import_mapping.h), and prints what it cannot. What the gateway
/// refuses is told and the rest goes on. Returns `in_part` when something was left out. Throws Failure.
ExitStatus import_file(Client& client, const ImportOptions& options);

}  // namespace signet::app::cli
