// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include "signet/config/config.h"
#include "reader.h"

namespace signet::config {

/// The setting "admin" of the whole. REQUIRES: state_directory has been read.
void read_admin(ObjectReader& reader, Config& config);

}  // namespace signet::config
