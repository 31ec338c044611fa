// SPDX-License-Identifier: GPL-3.0-or-later
#include "store_file.h"

#include <fcntl.h>
#include <fmt/core.h>
#include <sys/stat.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <utility>
#include <vector>

namespace signet::control {

namespace {

constexpr std::uint64_t application_id = 0x53674e74;  // "SgNt"
constexpr mode_t store_file_mode = 0600;

/// Up to this size the check at start looks at the contents of indices too.
constexpr std::uint64_t full_check_bytes_max = std::uint64_t{64} * 1024 * 1024;

constexpr std::string_view key_check_context = "signet store: key check";
constexpr std::string_view key_check_text = "this key opens this store";

/// Entry n brings a file of version n to n + 1. Never change one that was released.
constexpr std::array<const char*, 1> migrations{
    R"(CREATE TABLE store (
         id INTEGER PRIMARY KEY CHECK (id = 1),
         revision INTEGER NOT NULL CHECK (revision >= 0),
         key_check BLOB NOT NULL) STRICT;
       INSERT INTO store (id, revision, key_check) VALUES (1, 0, x'');
       CREATE TABLE objects (
         key TEXT PRIMARY KEY,
         revision INTEGER NOT NULL,
         value TEXT NOT NULL,
         secret BLOB NOT NULL) STRICT, WITHOUT ROWID;)",
};
constexpr std::uint64_t schema_version = migrations.size();

/// What every connection needs; none of it is kept in the file but the first.
constexpr const char* settings =
    "PRAGMA synchronous = FULL;"    // a commit is on the disk when it returns
    "PRAGMA secure_delete = ON;"    // what was erased is overwritten
    "PRAGMA cell_size_check = ON;"  // damage is noticed early
    "PRAGMA temp_store = MEMORY;"   // no further files
    "PRAGMA foreign_keys = ON;"
    "PRAGMA journal_size_limit = 4194304;"  // bytes of the log that stay for reuse
    "PRAGMA wal_autocheckpoint = 1000;";    // pages

std::unexpected<StoreError> refuse(std::string detail) {
  return std::unexpected(StoreError{.kind = StoreError::Kind::unavailable, .detail = std::move(detail)});
}

/// The file is there, empty if need be, and nobody else's business. SQLite gives its other files the mode of this one.
StoreResult<void> make_file(const std::string& path) {
  const int descriptor = ::open(path.c_str(), O_RDWR | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, store_file_mode);
  if (descriptor >= 0) {
    ::close(descriptor);
    return {};
  }
  if (errno != EEXIST) {
    return std::unexpected(system_error(fmt::format("{} cannot be made", path), errno));
  }
  struct stat found{};
  if (::lstat(path.c_str(), &found) != 0) {
    return std::unexpected(system_error(fmt::format("{} cannot be used", path), errno));
  }
  if (!S_ISREG(found.st_mode)) {
    return refuse(fmt::format("{} is no plain file", path));
  }
  if ((found.st_mode & 0177U) != 0 && ::chmod(path.c_str(), found.st_mode & store_file_mode) != 0) {
    return std::unexpected(system_error(fmt::format("{} cannot be kept from others", path), errno));
  }
  return {};
}

/// Version of the file; 0 for an empty one. Changes nothing.
StoreResult<std::uint64_t> identify(const Database& database) {
  const StoreResult<std::uint64_t> id = database.number("PRAGMA application_id");
  if (!id) {
    return std::unexpected(id.error());
  }
  const StoreResult<std::uint64_t> version = database.number("PRAGMA user_version");
  if (!version) {
    return std::unexpected(version.error());
  }
  const StoreResult<std::uint64_t> tables = database.number("SELECT count(*) FROM sqlite_schema");
  if (!tables) {
    return std::unexpected(tables.error());
  }
  if (*id == 0 && *version == 0 && *tables == 0) {
    return 0;
  }
  if (*id != application_id) {
    return refuse(fmt::format("{} is an SQLite database of another program: expected a store of Signet (application_id {}, found {})",
                              database.path(), application_id, *id));
  }
  if (*version > schema_version) {
    return refuse(
        fmt::format("{} was written by a newer Signet (schema {}, this one knows {}): run that version, or restore an older backup",
                    database.path(), *version, schema_version));
  }
  return *version;
}

StoreResult<void> set_up(const Database& database) {
  const StoreResult<std::string> mode = database.text("PRAGMA journal_mode = WAL");
  if (!mode) {
    return std::unexpected(mode.error());
  }
  if (*mode != "wal") {
    return refuse(fmt::format("{} cannot be write-ahead logged (journal mode {}): expected a local file system", database.path(), *mode));
  }
  return database.execute(settings);
}

StoreResult<void> check(const Database& database) {
  const StoreResult<std::uint64_t> pages = database.number("PRAGMA page_count");
  if (!pages) {
    return std::unexpected(pages.error());
  }
  const StoreResult<std::uint64_t> page_bytes = database.number("PRAGMA page_size");
  if (!page_bytes) {
    return std::unexpected(page_bytes.error());
  }
  const bool whole = *pages * *page_bytes <= full_check_bytes_max;
  const StoreResult<std::string> found = database.text(whole ? "PRAGMA integrity_check(1)" : "PRAGMA quick_check(1)");
  if (!found) {
    return std::unexpected(found.error());
  }
  if (*found != "ok") {
    return refuse(fmt::format("{} is damaged ({}): restore it from a backup", database.path(), *found));
  }
  return {};
}

StoreResult<void> migrate(Database& database, std::uint64_t version) {
  if (version == schema_version) {
    return {};
  }
  StoreResult<std::unique_ptr<Transaction>> transaction = Transaction::begin(database);
  if (!transaction) {
    return std::unexpected(transaction.error());
  }
  for (; version < schema_version; ++version) {
    if (StoreResult<void> done = database.execute(migrations[version]); !done) {
      return done;
    }
  }
  if (StoreResult<void> done =
          database.execute(fmt::format("PRAGMA application_id = {}; PRAGMA user_version = {}", application_id, schema_version));
      !done) {
    return done;
  }
  return (*transaction)->commit();
}

}  // namespace

StoreResult<FileLock> lock_store_file(const std::string& path) {
  return FileLock::take(path + ".lock", path);
}

bool store_file_exists(const std::string& path) {
  struct stat found{};
  return ::stat(path.c_str(), &found) == 0 && found.st_size > 0;
}

StoreResult<std::unique_ptr<Database>> open_store_file(const std::string& path) {
  if (StoreResult<void> made = make_file(path); !made) {
    return std::unexpected(std::move(made.error()));
  }
  StoreResult<std::unique_ptr<Database>> database = Database::open(path);
  if (!database) {
    return database;
  }
  const StoreResult<std::uint64_t> version = identify(**database);
  if (!version) {
    return std::unexpected(version.error());
  }
  for (const auto& step : {std::function(set_up), std::function(check)}) {
    if (StoreResult<void> done = step(**database); !done) {
      return std::unexpected(std::move(done.error()));
    }
  }
  if (StoreResult<void> done = migrate(**database, *version); !done) {
    return std::unexpected(std::move(done.error()));
  }
  return database;
}

StoreResult<bool> has_key(const Database& database) {
  const StoreResult<std::uint64_t> size = database.number("SELECT length(key_check) FROM store");
  return size ? StoreResult<bool>(*size != 0) : std::unexpected(size.error());
}

StoreResult<KeyFit> key_fit(const Database& database, const wire::SealKey& key) {
  Statement statement = database.prepare("SELECT key_check FROM store");
  const StoreResult<bool> row = statement.step();
  if (!row) {
    return std::unexpected(row.error());
  }
  if (!*row || statement.blob(0).empty()) {
    return KeyFit::unset;
  }
  const Result<wire::SecretBytes> text = wire::unseal(key, key_check_context, statement.blob(0));
  return text && as_text(*text) == key_check_text ? KeyFit::fits : KeyFit::other;
}

StoreResult<void> set_key(const Database& database, const wire::SealKey& key) {
  const ByteVector sealed = wire::seal(key, key_check_context, as_bytes(key_check_text));
  return database.prepare("UPDATE store SET key_check = ?1").bind(1, ByteView(sealed)).run();
}

StoreResult<void> require_key(const Database& database, const wire::SealKey& key) {
  const StoreResult<KeyFit> fit = key_fit(database, key);
  if (!fit) {
    return std::unexpected(fit.error());
  }
  if (*fit == KeyFit::other) {
    return refuse(
        fmt::format("{} was made under another key: expected the signet.key that belongs to it, from the same backup", database.path()));
  }
  return *fit == KeyFit::unset ? set_key(database, key) : StoreResult<void>();
}

StoreResult<std::size_t> seal_anew(Database& database, const wire::SealKey& old_key, const wire::SealKey& new_key,
                                   const std::function<void()>& step) {
  StoreResult<std::unique_ptr<Transaction>> transaction = Transaction::begin(database);
  if (!transaction) {
    return std::unexpected(transaction.error());
  }
  std::size_t secrets = 0;
  Statement select =
      database.prepare("SELECT key, revision, secret FROM objects WHERE length(secret) > 0 AND key > ?1 ORDER BY key LIMIT 1");
  for (std::string key;; ++secrets, step()) {
    select.reset();
    const StoreResult<bool> row = select.bind(1, std::string_view(key)).step();
    if (!row) {
      return std::unexpected(row.error());
    }
    if (!*row) {
      break;
    }
    const std::string next(select.text(0));
    const std::uint64_t revision = select.number(1);
    const StoreResult<wire::SecretBytes> secret = open_secret(database, old_key, next, revision, select.blob(2));
    if (!secret) {
      return std::unexpected(secret.error());
    }
    const ByteVector sealed = wire::seal(new_key, secret_context(next, revision), *secret);
    Statement update = database.prepare("UPDATE objects SET secret = ?2 WHERE key = ?1");
    if (const StoreResult<void> done = update.bind(1, std::string_view(next)).bind(2, ByteView(sealed)).run(); !done) {
      return std::unexpected(done.error());
    }
    key = next;
  }
  if (const StoreResult<void> done = set_key(database, new_key); !done) {
    return std::unexpected(done.error());
  }
  if (const StoreResult<void> done = (*transaction)->commit(); !done) {
    return std::unexpected(done.error());
  }
  return secrets;
}

std::string secret_context(std::string_view key, std::uint64_t revision) {
  return fmt::format("signet store: secret, revision {}, {}", revision, key);
}

StoreResult<wire::SecretBytes> open_secret(const Database& database, const wire::SealKey& seal_key, std::string_view key,
                                           std::uint64_t revision, ByteView sealed) {
  Result<wire::SecretBytes> secret = wire::unseal(seal_key, secret_context(key, revision), sealed);
  if (!secret) {
    return refuse(fmt::format("{}: the secret of {} {}", database.path(), key, secret.error().detail));
  }
  return std::move(*secret);
}

}  // namespace signet::control
