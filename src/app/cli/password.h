// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include <string>

#include "signet/config/files.h"

namespace signet::app::cli {

/// Where a password comes from; at most one is set.
struct PasswordSource {
  std::string file;  ///< "-": standard input
  std::string variable;
};

[[nodiscard]] inline bool is_named(const PasswordSource& source) {
  return !source.file.empty() || !source.variable.empty();
}

/// Throws Failure. REQUIRES: is_named.
[[nodiscard]] std::string read_password(const PasswordSource& source, config::Files& files);

/// Is there a terminal that could be asked?
[[nodiscard]] bool terminal_there();
/// Asks on the terminal, without echo; standard input may be anything. Throws Failure, also after Ctrl-C.
[[nodiscard]] std::string ask_password(const std::string& prompt);

}  // namespace signet::app::cli
