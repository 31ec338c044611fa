// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include <string>

#include "client.h"

namespace signet::app::cli {

struct ApplyOptions {
  std::string file;
  bool dry_run = false;
  bool prune = false;
  bool rewrite_secrets = false;
};

/// Makes a gateway have what a file says (desired.h): prints the plan, then carries it out, unless `dry_run`. Stops at the first refusal;
/// what was done until then stays, and the same command goes on from there. Throws Failure.
void apply(Client& client, const ApplyOptions& options);

/// Prints what a gateway has, in the form that apply reads, and on standard error what cannot be in it: private keys and credentials.
void export_all(Client& client);

}  // namespace signet::app::cli
