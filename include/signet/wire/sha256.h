// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include <array>
#include <cstddef>

#include "signet/base/bytes.h"

namespace signet::wire {

using Sha256Digest = std::array<std::byte, 32>;

/// FIPS 180-4.
[[nodiscard]] Sha256Digest sha256(ByteView bytes);

}  // namespace signet::wire
