// SPDX-License-Identifier: GPL-3.0-or-later
#include "sqlite_database.h"

#include <fmt/core.h>

#include <cerrno>
#include <cstring>
#include <utility>

#include "signet/base/check.h"

namespace signet::control {

namespace {

/// How long another process (a backup) may keep us waiting.
constexpr int busy_timeout_ms = 5000;

/// No room: the disk, the quota, or the largest file that this process may write.
constexpr bool is_full(int system_error) {
  return system_error == ENOSPC || system_error == EDQUOT || system_error == EFBIG;
}

}  // namespace

Statement::Statement(const Database& database, std::string_view sql) : database_(&database) {
  sqlite3_stmt* statement = nullptr;
  failure_ = sqlite3_prepare_v2(database.handle_.get(), sql.data(), static_cast<int>(sql.size()), &statement, nullptr);
  statement_.reset(statement);
}

Statement& Statement::bind(int index, std::string_view text) {
  if (failure_ == SQLITE_OK) {
    failure_ = sqlite3_bind_text64(statement_.get(), index, text.empty() ? "" : text.data(), text.size(), SQLITE_STATIC, SQLITE_UTF8);
  }
  return *this;
}

Statement& Statement::bind(int index, ByteView blob) {
  if (failure_ == SQLITE_OK) {
    failure_ = blob.empty() ? sqlite3_bind_zeroblob(statement_.get(), index, 0)
                            : sqlite3_bind_blob64(statement_.get(), index, blob.data(), blob.size(), SQLITE_STATIC);
  }
  return *this;
}

Statement& Statement::bind(int index, std::uint64_t number) {
  if (failure_ == SQLITE_OK) {
    failure_ = sqlite3_bind_int64(statement_.get(), index, static_cast<sqlite3_int64>(number));
  }
  return *this;
}

StoreResult<bool> Statement::step() {
  if (failure_ == SQLITE_OK) {
    errno = 0;  // see Database::error
    const int code = sqlite3_step(statement_.get());
    if (code == SQLITE_ROW || code == SQLITE_DONE) {
      return code == SQLITE_ROW;
    }
    failure_ = code;
  }
  return std::unexpected(database_->error(failure_));
}

StoreResult<void> Statement::run() {
  for (;;) {
    const StoreResult<bool> row = step();
    if (!row) {
      return std::unexpected(row.error());
    }
    if (!*row) {
      return {};
    }
  }
}

void Statement::reset() {
  if (statement_) {
    sqlite3_reset(statement_.get());
    sqlite3_clear_bindings(statement_.get());
    failure_ = SQLITE_OK;
  }
}

std::string_view Statement::text(int column) const {
  const unsigned char* const begin = sqlite3_column_text(statement_.get(), column);
  return begin == nullptr ? std::string_view()
                          : std::string_view(reinterpret_cast<const char*>(begin),
                                             static_cast<std::size_t>(sqlite3_column_bytes(statement_.get(), column)));
}

ByteView Statement::blob(int column) const {
  const void* const begin = sqlite3_column_blob(statement_.get(), column);
  return begin == nullptr
             ? ByteView()
             : ByteView(static_cast<const std::byte*>(begin), static_cast<std::size_t>(sqlite3_column_bytes(statement_.get(), column)));
}

std::uint64_t Statement::number(int column) const {
  return static_cast<std::uint64_t>(sqlite3_column_int64(statement_.get(), column));
}

StoreResult<std::unique_ptr<Database>> Database::open(const std::string& path) {
  std::unique_ptr<Database> database(new Database(path));
  sqlite3* handle = nullptr;
  // Locks of our own (one thread at a time); the name is no URI.
  const int code = sqlite3_open_v2(path.c_str(), &handle, SQLITE_OPEN_READWRITE | SQLITE_OPEN_NOMUTEX, nullptr);
  database->handle_.reset(handle);
  if (handle == nullptr) {
    return std::unexpected(StoreError{.kind = StoreError::Kind::unavailable, .detail = fmt::format("{}: out of memory", path)});
  }
  if (code != SQLITE_OK) {
    return std::unexpected(database->error(code));
  }
  sqlite3_extended_result_codes(handle, 1);
  sqlite3_busy_timeout(handle, busy_timeout_ms);
  sqlite3_db_config(handle, SQLITE_DBCONFIG_DEFENSIVE, 1, nullptr);
  sqlite3_db_config(handle, SQLITE_DBCONFIG_TRUSTED_SCHEMA, 0, nullptr);
  if (sqlite3_db_readonly(handle, "main") != 0) {
    return std::unexpected(StoreError{.kind = StoreError::Kind::unavailable,
                                      .detail = fmt::format("{} cannot be written: expected a file that this user may change", path)});
  }
  return database;
}

StoreResult<void> Database::execute(const std::string& sql) const {
  errno = 0;  // see `error`
  const int code = sqlite3_exec(handle_.get(), sql.c_str(), nullptr, nullptr, nullptr);
  if (code != SQLITE_OK) {
    return std::unexpected(error(code));
  }
  return {};
}

StoreResult<std::uint64_t> Database::number(std::string_view sql) const {
  Statement statement = prepare(sql);
  const StoreResult<bool> row = statement.step();
  if (!row) {
    return std::unexpected(row.error());
  }
  if (!*row) {
    return std::unexpected(
        StoreError{.kind = StoreError::Kind::unavailable, .detail = fmt::format("{} is damaged: {}: no row", path_, sql)});
  }
  return statement.number(0);
}

StoreResult<std::string> Database::text(std::string_view sql) const {
  Statement statement = prepare(sql);
  const StoreResult<bool> row = statement.step();
  if (!row) {
    return std::unexpected(row.error());
  }
  return *row ? std::string(statement.text(0)) : std::string();
}

StoreError Database::error(int code) const {
  // SQLite notes what the system said only on some of its paths; writing out a commit is none of them.
  const int left_over = errno;
  const int noted = sqlite3_system_errno(handle_.get());
  const int system_error = noted != 0 ? noted : left_over;
  const int primary = code & 0xff;
  const bool of_system = (primary == SQLITE_IOERR || primary == SQLITE_CANTOPEN) && system_error != 0;
  std::string detail = fmt::format("{}: {} (SQLite {}", path_, sqlite3_errstr(code), code);
  if (of_system) {
    detail += fmt::format(", {}", std::strerror(system_error));
  }
  detail += ')';
  switch (primary) {
    case SQLITE_FULL: return {.kind = StoreError::Kind::full, .detail = std::move(detail)};
    case SQLITE_TOOBIG: return {.kind = StoreError::Kind::too_large, .detail = std::move(detail)};
    case SQLITE_CORRUPT:
    case SQLITE_NOTADB: detail += ": the file is damaged or is no SQLite database; restore it from a backup"; break;
    case SQLITE_READONLY:
    case SQLITE_PERM:
    case SQLITE_AUTH: detail += ": the file or its folder cannot be written"; break;
    case SQLITE_BUSY:
    case SQLITE_LOCKED: detail += ": another process works on it"; break;
    default:
      if (of_system && is_full(system_error)) {
        return {.kind = StoreError::Kind::full, .detail = std::move(detail)};
      }
  }
  return {.kind = StoreError::Kind::unavailable, .detail = std::move(detail)};
}

StoreResult<std::unique_ptr<Transaction>> Transaction::begin(Database& database) {
  if (const StoreResult<void> begun = database.execute("BEGIN IMMEDIATE"); !begun) {
    return std::unexpected(begun.error());
  }
  return std::unique_ptr<Transaction>(new Transaction(database));
}

Transaction::~Transaction() {
  if (database_.in_transaction()) {
    static_cast<void>(database_.execute("ROLLBACK"));
  }
}

StoreResult<void> Transaction::commit() {
  return database_.execute("COMMIT");
}

}  // namespace signet::control
