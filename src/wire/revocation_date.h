// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include <optional>

#include "signet/base/bytes.h"
#include "signet/base/clock.h"

namespace signet::wire {

/// When the successor of a revocation list was promised (RFC 5280 §5.1.2.5); WallTime::max() if none was, nothing if it cannot be read.
[[nodiscard]] std::optional<WallTime> revocation_list_end(ByteView der);

}  // namespace signet::wire
