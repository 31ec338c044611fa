// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include <optional>
#include <string>

#include "signet/control/store.h"
#include "signet/wire/seal.h"

/// A key in a file of its own: `SealKey::size_bytes` octets as they are, nothing else; 0600.
namespace signet::control {

/// Nothing: there is no such file. Error: see read_private_file, or another size.
[[nodiscard]] StoreResult<std::optional<wire::SealKey>> read_key_file(const std::string& path);

/// A new key in a new file, durable on return. Error too: the file exists.
[[nodiscard]] StoreResult<wire::SealKey> make_key_file(const std::string& path);

}  // namespace signet::control
