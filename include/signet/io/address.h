// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include <vector>

#include "signet/base/endpoint.h"
#include "signet/base/result.h"

namespace signet::io {

/// Whether a listener of another program holds `address`. Listeners share addresses between shards (SO_REUSEPORT), and two programs would
/// share them too, each with a part of the connections: this asks without sharing. Blocks up to two seconds for a program that is just
/// ending: never on a shard. Error: config, with the address and the system's reason.
[[nodiscard]] Result<void> check_address_free(const Endpoint& address);

/// Where a listener at `address` is reached: there, and for the unspecified address at all addresses of its family that the machine's
/// interfaces have now.
[[nodiscard]] std::vector<Endpoint> reached_at(const Endpoint& address);

}  // namespace signet::io
