// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include <cstddef>
#include <memory>
#include <string>

#include "signet/base/bytes.h"
#include "signet/control/sqlite_store.h"
#include "signet/control/store.h"

/// The folder with what Signet itself makes (setting stateDirectory), 0700:
///
///     signet.db        the managed resources (sqlite_store.h), with signet.db-wal and signet.db-shm while it is open
///     signet.db.lock   held by whoever works on it
///     signet.key       32 random bytes, 0600: the key of the secrets in signet.db
///     signet.key.new   only while `rekey` works
///
/// All functions block.
namespace signet::control {

/// Opens the store; makes what is missing of folder, key and store, and finishes a `rekey` that was cut off. Error: one sentence; also when
/// there is a store without its key.
[[nodiscard]] StoreResult<std::unique_ptr<SqliteStore>> open_state_directory(const std::string& directory);

struct Rekeyed {
  std::size_t secrets = 0;  ///< that were sealed anew
};

/// Gives the store a new key and seals every secret anew; the old key opens nothing afterwards. Cut off at any moment, the next
/// `open_state_directory` opens the store under the old or the new key. Error: it opens as before; also while a gateway runs.
[[nodiscard]] StoreResult<Rekeyed> rekey_state_directory(const std::string& directory);

/// For further secrets in the folder: a file (0600) with this content, there as a whole or not at all, durable on return. Error too: it
/// exists. `path` + ".tmp" is used on the way.
[[nodiscard]] StoreResult<void> make_private_file(const std::string& path, ByteView content);

}  // namespace signet::control
