// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include <cstdint>

namespace signet::sim {

/// What an operation of a SimIo is; private to its two sources.
enum Kind : std::uint8_t { kind_accept, kind_connect, kind_recv, kind_send };

}  // namespace signet::sim
