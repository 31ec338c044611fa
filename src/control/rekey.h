// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include <cstddef>
#include <cstdint>
#include <functional>
#include <memory>
#include <string>

#include "signet/control/state_directory.h"
#include "signet/control/store.h"
#include "signet/wire/seal.h"
#include "sqlite_database.h"

/// A new key for a store, such that a process that dies at any moment leaves a store with its key beside it:
///
///     1  signet.key.new is made, durably           the store is under signet.key
///     2  one transaction: every secret and the     either, and the store's key check tells which
///        key check are sealed under the new key
///     3  signet.key.new is renamed to signet.key   the store is under signet.key.new until then
///
/// `settle_keys` does what is left to do: it removes signet.key.new if the store is under signet.key, and goes on with step 3 if it is
/// under signet.key.new.
namespace signet::control {

/// Of a state directory.
struct StatePaths {
  explicit StatePaths(const std::string& directory);

  std::string store;
  std::string key;
  std::string new_key;
};

/// REQUIRES: the lock of the store; no other process. Returns the key that the store is under; for a new store without one it makes it.
[[nodiscard]] StoreResult<wire::SealKey> settle_keys(const StatePaths& paths, const Database& database);

/// Moments at which a test may end the process.
enum class RekeyStep : std::uint8_t { begun, new_key_made, secret_sealed, committed, renamed };

[[nodiscard]] StoreResult<Rekeyed> rekey(const StatePaths& paths, const std::function<void(RekeyStep)>& step);

}  // namespace signet::control
