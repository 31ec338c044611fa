// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <mutex>
#include <string>
#include <string_view>

#include "signet/control/sqlite_store.h"
#include "signet/control/store.h"
#include "signet/wire/seal.h"
#include "private_file.h"
#include "sqlite_database.h"

/// The SQLite file of an SqliteStore. Format, version 1 (application_id "SgNt", user_version 1; UTF-8, keys compare as bytes):
///
///     store    one row     revision   of the last commit; grows with each one and never falls
///                          key_check  `key_check_text`, sealed for the context `key_check_context`; empty until the first key is set
///     objects  key         see StoredObject
///              revision    of the commit that wrote it
///              value       JSON
///              secret      sealed for `secret_context`; empty for none
///
/// user_version is raised with each change of these tables; `open_store_file` brings older files up to date in one transaction.
namespace signet::control {

struct SqliteStore::Parts {
  FileLock lock;
  std::unique_ptr<Database> database;
  wire::SealKey key;
  std::mutex mutex;  ///< one thread at a time works on the database
};

/// Taken before anything is read, and before the key is.
[[nodiscard]] StoreResult<FileLock> lock_store_file(const std::string& path);

/// REQUIRES: the lock. Makes, checks, migrates.
[[nodiscard]] StoreResult<std::unique_ptr<Database>> open_store_file(const std::string& path);

/// Is there anything in the file?
[[nodiscard]] bool store_file_exists(const std::string& path);

enum class KeyFit : std::uint8_t {
  fits,
  other,  ///< the store was made under another key
  unset,  ///< no key has been set yet
};
[[nodiscard]] StoreResult<bool> has_key(const Database& database);
[[nodiscard]] StoreResult<KeyFit> key_fit(const Database& database, const wire::SealKey& key);
/// Without a transaction of its own. Secrets stay as they are.
[[nodiscard]] StoreResult<void> set_key(const Database& database, const wire::SealKey& key);

/// Sets the key if none is set. Error: it does not fit.
[[nodiscard]] StoreResult<void> require_key(const Database& database, const wire::SealKey& key);

/// In one transaction. `step` is called within it after each secret. Returns the number of secrets.
[[nodiscard]] StoreResult<std::size_t> seal_anew(Database& database, const wire::SealKey& old_key, const wire::SealKey& new_key,
                                                 const std::function<void()>& step);

/// Where a secret belongs.
[[nodiscard]] std::string secret_context(std::string_view key, std::uint64_t revision);
/// Error: names the object.
[[nodiscard]] StoreResult<wire::SecretBytes> open_secret(const Database& database, const wire::SealKey& seal_key, std::string_view key,
                                                         std::uint64_t revision, ByteView sealed);

}  // namespace signet::control
