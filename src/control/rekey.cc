// SPDX-License-Identifier: GPL-3.0-or-later
#include "rekey.h"

#include <fmt/core.h>

#include <optional>
#include <utility>

#include "key_file.h"
#include "private_file.h"
#include "store_file.h"

namespace signet::control {

namespace {

std::unexpected<StoreError> refuse(std::string detail) {
  return std::unexpected(StoreError{.kind = StoreError::Kind::unavailable, .detail = std::move(detail)});
}

/// There is a signet.key.new: a rekey was cut off.
StoreResult<wire::SealKey> finish(const StatePaths& paths, const Database& database, std::optional<wire::SealKey> key) {
  if (key) {
    const StoreResult<KeyFit> fit = key_fit(database, *key);
    if (!fit) {
      return std::unexpected(fit.error());
    }
    if (*fit != KeyFit::other) {
      if (const StoreResult<void> removed = remove_file(paths.new_key); !removed) {
        return std::unexpected(removed.error());
      }
      if (const StoreResult<void> fits = require_key(database, *key); !fits) {
        return std::unexpected(fits.error());
      }
      return std::move(*key);
    }
  }
  StoreResult<std::optional<wire::SealKey>> new_key = read_key_file(paths.new_key);
  if (!new_key) {
    return std::unexpected(new_key.error());
  }
  if (!*new_key) {
    return refuse(fmt::format("{} has gone", paths.new_key));
  }
  const StoreResult<KeyFit> fit = key_fit(database, **new_key);
  if (!fit) {
    return std::unexpected(fit.error());
  }
  if (*fit != KeyFit::fits) {
    return refuse(
        fmt::format("{} was made under another key than {} and {}: expected the signet.key that belongs to it, from the same backup",
                    paths.store, paths.key, paths.new_key));
  }
  if (const StoreResult<void> renamed = rename_file(paths.new_key, paths.key); !renamed) {
    return std::unexpected(renamed.error());
  }
  return std::move(**new_key);
}

}  // namespace

StatePaths::StatePaths(const std::string& directory)
    : store(directory + "/signet.db"), key(directory + "/signet.key"), new_key(directory + "/signet.key.new") {}

StoreResult<wire::SealKey> settle_keys(const StatePaths& paths, const Database& database) {
  for (const std::string& path : {paths.key, paths.new_key}) {
    if (const StoreResult<void> removed = remove_unfinished(path); !removed) {
      return std::unexpected(removed.error());
    }
  }
  StoreResult<std::optional<wire::SealKey>> key = read_key_file(paths.key);
  if (!key) {
    return std::unexpected(key.error());
  }
  if (exists(paths.new_key)) {
    return finish(paths, database, std::move(*key));
  }
  if (!*key) {
    const StoreResult<bool> keyed = has_key(database);
    if (!keyed) {
      return std::unexpected(keyed.error());
    }
    if (*keyed) {
      return refuse(fmt::format("{} is missing although there is {}: expected the key that belongs to it, from the same backup", paths.key,
                                paths.store));
    }
    StoreResult<wire::SealKey> made = make_key_file(paths.key);
    if (!made) {
      return made;
    }
    *key = std::move(*made);
  }
  if (const StoreResult<void> fits = require_key(database, **key); !fits) {
    return std::unexpected(fits.error());
  }
  return std::move(**key);
}

StoreResult<Rekeyed> rekey(const StatePaths& paths, const std::function<void(RekeyStep)>& step) {
  if (!store_file_exists(paths.store)) {
    return refuse(fmt::format("there is no store {}", paths.store));
  }
  const StoreResult<FileLock> lock = lock_store_file(paths.store);
  if (!lock) {
    return std::unexpected(lock.error());
  }
  const StoreResult<std::unique_ptr<Database>> database = open_store_file(paths.store);
  if (!database) {
    return std::unexpected(database.error());
  }
  const StoreResult<wire::SealKey> old_key = settle_keys(paths, **database);
  if (!old_key) {
    return std::unexpected(old_key.error());
  }
  step(RekeyStep::begun);
  const StoreResult<wire::SealKey> new_key = make_key_file(paths.new_key);
  if (!new_key) {
    return std::unexpected(new_key.error());
  }
  step(RekeyStep::new_key_made);
  const StoreResult<std::size_t> secrets = seal_anew(**database, *old_key, *new_key, [&step] { step(RekeyStep::secret_sealed); });
  if (!secrets) {
    static_cast<void>((*database)->execute("PRAGMA wal_checkpoint(TRUNCATE)"));  // see SqliteStore::commit
    static_cast<void>(settle_keys(paths, **database));
    return std::unexpected(secrets.error());
  }
  step(RekeyStep::committed);
  if (const StoreResult<void> renamed = rename_file(paths.new_key, paths.key); !renamed) {
    return std::unexpected(renamed.error());
  }
  step(RekeyStep::renamed);
  return Rekeyed{.secrets = *secrets};
}

}  // namespace signet::control
