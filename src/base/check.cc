// SPDX-License-Identifier: GPL-3.0-or-later
#include "signet/base/check.h"

#include <fmt/core.h>
#include <unistd.h>

#include <cstdlib>
#include <string>

namespace signet {

void check_failed(const char* condition, const char* file, int line) {
  const std::string text = fmt::format("signet: internal error: {} does not hold at {}:{}; please report this\n", condition, file, line);
  [[maybe_unused]] const ssize_t written = ::write(STDERR_FILENO, text.data(), text.size());
  std::abort();
}

}  // namespace signet
