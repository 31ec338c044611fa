// SPDX-License-Identifier: GPL-3.0-or-later
#include "signet/control/state_directory.h"

#include <utility>

#include "private_file.h"
#include "rekey.h"
#include "store_file.h"

namespace signet::control {

StoreResult<std::unique_ptr<SqliteStore>> open_state_directory(const std::string& directory) {
  if (const StoreResult<void> made = make_private_folder(directory); !made) {
    return std::unexpected(made.error());
  }
  const StatePaths paths(directory);
  StoreResult<FileLock> lock = lock_store_file(paths.store);
  if (!lock) {
    return std::unexpected(lock.error());
  }
  StoreResult<std::unique_ptr<Database>> database = open_store_file(paths.store);
  if (!database) {
    return std::unexpected(database.error());
  }
  StoreResult<wire::SealKey> key = settle_keys(paths, **database);
  if (!key) {
    return std::unexpected(key.error());
  }
  return std::make_unique<SqliteStore>(std::unique_ptr<SqliteStore::Parts>(
      new SqliteStore::Parts{.lock = std::move(*lock), .database = std::move(*database), .key = std::move(*key), .mutex = {}}));
}

StoreResult<Rekeyed> rekey_state_directory(const std::string& directory) {
  return rekey(StatePaths(directory), [](RekeyStep /*step*/) {});
}

}  // namespace signet::control
