// SPDX-License-Identifier: GPL-3.0-or-later
#include "signet/base/version.h"

namespace signet {

std::string_view version() noexcept {
  return SIGNET_VERSION;
}

}  // namespace signet
