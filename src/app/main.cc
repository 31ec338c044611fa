// SPDX-License-Identifier: GPL-3.0-or-later
#include "signet/base/version.h"

#include <fmt/core.h>

int main() {
  fmt::print("signet {}\n", signet::version());
  return 0;
}
