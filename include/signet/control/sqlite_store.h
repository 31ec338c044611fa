// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include <cstddef>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "signet/control/store.h"
#include "signet/wire/seal.h"

namespace signet::control {

/// Largest object that an SqliteStore takes; a commit with a larger one is refused as `full`.
inline constexpr std::size_t stored_key_bytes_max = 2048;
inline constexpr std::size_t stored_value_bytes_max = std::size_t{4} * 1024 * 1024;
inline constexpr std::size_t stored_secret_bytes_max = std::size_t{1024} * 1024;

/// The store of a single gateway: one SQLite file, write-ahead logged, synced before `commit` returns. Secrets are sealed
/// (wire/seal.h) for their object and revision, so that none can be read, changed or moved to another object without the key. One process
/// at a time: PATH.lock is held for as long as the object lives; others may still read (backups).
///
/// A commit that fails leaves the store as it was, and usable: reads go on, and writes do once their cause (a full disk) is gone.
class SqliteStore final : public Store {
 public:
  /// Makes the file (0600) unless it is there; an existing one is checked from end to end. Errors, each with the file and what to do: in
  /// use, damaged, of another program, of a newer Signet, made under another key, not writable.
  [[nodiscard]] static StoreResult<std::unique_ptr<SqliteStore>> open(const std::string& path, const wire::SealKey& key);

  /// For state_directory.cc.
  struct Parts;
  explicit SqliteStore(std::unique_ptr<Parts> parts);
  ~SqliteStore() override;

  /// Errors of reads: unavailable; a secret that is damaged or of another object is one, and names the object.
  [[nodiscard]] StoreResult<std::optional<StoredObject>> get(std::string_view key) override;
  [[nodiscard]] StoreResult<std::vector<StoredObject>> list(std::string_view prefix) override;
  [[nodiscard]] StoreResult<std::uint64_t> commit(const Batch& batch) override;
  [[nodiscard]] StoreResult<std::uint64_t> revision() override;
  /// Never calls: nobody else writes.
  void watch(std::function<void(std::uint64_t revision)> changed) override;

 private:
  std::unique_ptr<Parts> parts_;
};

}  // namespace signet::control
