// SPDX-License-Identifier: GPL-3.0-or-later
#include "signet/control/sqlite_store.h"

#include <fmt/core.h>

#include <utility>

#include "store_file.h"

namespace signet::control {

namespace {

std::unexpected<StoreError> too_large(std::string detail) {
  return std::unexpected(StoreError{.kind = StoreError::Kind::too_large, .detail = std::move(detail)});
}

StoreResult<void> check_sizes(const Batch& batch) {
  for (const Batch::Put& put : batch.puts) {
    if (put.key.empty() || put.key.size() > stored_key_bytes_max || put.key.find('\0') != std::string::npos) {
      return too_large(
          fmt::format("a key of {} bytes cannot be stored, expected 1 to {}, none of them zero", put.key.size(), stored_key_bytes_max));
    }
    if (put.value.size() > stored_value_bytes_max) {
      return too_large(fmt::format("{} has {} bytes, expected at most {}", put.key, put.value.size(), stored_value_bytes_max));
    }
    if (put.secret.size() > stored_secret_bytes_max) {
      return too_large(
          fmt::format("the secret of {} has {} bytes, expected at most {}", put.key, put.secret.size(), stored_secret_bytes_max));
    }
  }
  return {};
}

/// Columns: key, revision, value, secret.
StoreResult<StoredObject> read_object(const SqliteStore::Parts& parts, const Statement& row) {
  StoredObject object{.key = std::string(row.text(0)), .revision = row.number(1), .value = std::string(row.text(2)), .secret = {}};
  if (const ByteView sealed = row.blob(3); !sealed.empty()) {
    const StoreResult<wire::SecretBytes> secret = open_secret(*parts.database, parts.key, object.key, object.revision, sealed);
    if (!secret) {
      return std::unexpected(secret.error());
    }
    object.secret = as_text(*secret);
  }
  return object;
}

StoreResult<void> check_expectations(const Database& database, const std::vector<Batch::Expectation>& expectations) {
  Statement select = database.prepare("SELECT revision FROM objects WHERE key = ?1");
  for (const Batch::Expectation& expectation : expectations) {
    select.reset();
    const StoreResult<bool> row = select.bind(1, std::string_view(expectation.key)).step();
    if (!row) {
      return std::unexpected(row.error());
    }
    const std::uint64_t revision = *row ? select.number(0) : 0;
    if (revision != expectation.revision) {
      return std::unexpected(StoreError{
          .kind = StoreError::Kind::conflict,
          .detail = fmt::format("{} has revision {}, expected {} (0: does not exist)", expectation.key, revision, expectation.revision)});
    }
  }
  return {};
}

StoreResult<void> erase(const Database& database, const std::vector<std::string>& keys) {
  Statement statement = database.prepare("DELETE FROM objects WHERE key = ?1");
  for (const std::string& key : keys) {
    statement.reset();
    if (StoreResult<void> done = statement.bind(1, std::string_view(key)).run(); !done) {
      return done;
    }
  }
  return {};
}

StoreResult<void> put(const SqliteStore::Parts& parts, std::uint64_t revision, const std::vector<Batch::Put>& puts) {
  Statement statement = parts.database->prepare("INSERT OR REPLACE INTO objects (key, revision, value, secret) VALUES (?1, ?2, ?3, ?4)");
  for (const Batch::Put& put : puts) {
    ByteVector sealed;
    if (!put.secret.empty()) {
      sealed = wire::seal(parts.key, secret_context(put.key, revision), as_bytes(put.secret));
    }
    statement.reset();
    statement.bind(1, std::string_view(put.key)).bind(2, revision).bind(3, std::string_view(put.value)).bind(4, ByteView(sealed));
    if (StoreResult<void> done = statement.run(); !done) {
      return done;
    }
  }
  return {};
}

StoreResult<std::uint64_t> write(const SqliteStore::Parts& parts, const Batch& batch) {
  Database& database = *parts.database;
  StoreResult<std::unique_ptr<Transaction>> transaction = Transaction::begin(database);
  if (!transaction) {
    return std::unexpected(transaction.error());
  }
  StoreResult<void> done = check_expectations(database, batch.expectations);
  if (!done) {
    return std::unexpected(done.error());
  }
  done = database.execute("UPDATE store SET revision = revision + 1");
  if (!done) {
    return std::unexpected(done.error());
  }
  const StoreResult<std::uint64_t> revision = database.number("SELECT revision FROM store");
  if (!revision) {
    return revision;
  }
  done = erase(database, batch.erased);
  if (done) {
    done = put(parts, *revision, batch.puts);
  }
  if (done) {
    done = (*transaction)->commit();
  }
  return done ? revision : std::unexpected(std::move(done.error()));
}

}  // namespace

StoreResult<std::unique_ptr<SqliteStore>> SqliteStore::open(const std::string& path, const wire::SealKey& key) {
  StoreResult<FileLock> lock = lock_store_file(path);
  if (!lock) {
    return std::unexpected(lock.error());
  }
  StoreResult<std::unique_ptr<Database>> database = open_store_file(path);
  if (!database) {
    return std::unexpected(database.error());
  }
  if (const StoreResult<void> fits = require_key(**database, key); !fits) {
    return std::unexpected(fits.error());
  }
  return std::make_unique<SqliteStore>(
      std::unique_ptr<Parts>(new Parts{.lock = std::move(*lock), .database = std::move(*database), .key = key, .mutex = {}}));
}

SqliteStore::SqliteStore(std::unique_ptr<Parts> parts) : parts_(std::move(parts)) {}

SqliteStore::~SqliteStore() = default;

StoreResult<std::optional<StoredObject>> SqliteStore::get(std::string_view key) {
  const std::scoped_lock lock(parts_->mutex);
  Statement select = parts_->database->prepare("SELECT key, revision, value, secret FROM objects WHERE key = ?1");
  const StoreResult<bool> row = select.bind(1, key).step();
  if (!row) {
    return std::unexpected(row.error());
  }
  if (!*row) {
    return std::nullopt;
  }
  return read_object(*parts_, select);
}

StoreResult<std::vector<StoredObject>> SqliteStore::list(std::string_view prefix) {
  const std::scoped_lock lock(parts_->mutex);
  Statement select = parts_->database->prepare("SELECT key, revision, value, secret FROM objects WHERE key >= ?1 ORDER BY key");
  select.bind(1, prefix);
  std::vector<StoredObject> found;
  for (;;) {
    const StoreResult<bool> row = select.step();
    if (!row) {
      return std::unexpected(row.error());
    }
    if (!*row || !select.text(0).starts_with(prefix)) {
      return found;
    }
    StoreResult<StoredObject> object = read_object(*parts_, select);
    if (!object) {
      return std::unexpected(object.error());
    }
    found.push_back(std::move(*object));
  }
}

StoreResult<std::uint64_t> SqliteStore::commit(const Batch& batch) {
  if (const StoreResult<void> small = check_sizes(batch); !small) {
    return std::unexpected(small.error());
  }
  const std::scoped_lock lock(parts_->mutex);
  StoreResult<std::uint64_t> revision = write(*parts_, batch);
  if (!revision && revision.error().kind != StoreError::Kind::conflict) {
    // The log may hold the whole batch although it could not be synced; after a crash it would count. Emptying the log takes it away, and
    // gives room back; if that fails too, the next commit overwrites it.
    static_cast<void>(parts_->database->execute("PRAGMA wal_checkpoint(TRUNCATE)"));
  }
  return revision;
}

StoreResult<std::uint64_t> SqliteStore::revision() {
  const std::scoped_lock lock(parts_->mutex);
  return parts_->database->number("SELECT revision FROM store");
}

void SqliteStore::watch(std::function<void(std::uint64_t revision)> /*changed*/) {}

}  // namespace signet::control
