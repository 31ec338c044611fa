// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include <sqlite3.h>

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>

#include "signet/base/bytes.h"
#include "signet/control/store.h"

namespace signet::control {

class Database;

/// One prepared statement. Whatever fails on the way is the result of the next `step`. Must not outlive its database.
class Statement {
 public:
  /// Parameters are numbered from 1. Text and blobs must stay until the statement is stepped or gone.
  Statement& bind(int index, std::string_view text);
  Statement& bind(int index, ByteView blob);
  Statement& bind(int index, std::uint64_t number);

  /// True: there is a row.
  [[nodiscard]] StoreResult<bool> step();
  /// For a statement without rows.
  [[nodiscard]] StoreResult<void> run();
  /// Ready to be bound and stepped again.
  void reset();

  /// Of the row; columns are numbered from 0. Valid until the next step.
  [[nodiscard]] std::string_view text(int column) const;
  [[nodiscard]] ByteView blob(int column) const;
  [[nodiscard]] std::uint64_t number(int column) const;

 private:
  friend class Database;
  struct Finalize {
    void operator()(sqlite3_stmt* statement) const { sqlite3_finalize(statement); }
  };
  Statement(const Database& database, std::string_view sql);

  const Database* database_;
  std::unique_ptr<sqlite3_stmt, Finalize> statement_;
  int failure_ = SQLITE_OK;
};

/// One connection to an SQLite file. Not thread-safe.
class Database {
 public:
  /// The file has to be there already. Error: unavailable.
  [[nodiscard]] static StoreResult<std::unique_ptr<Database>> open(const std::string& path);
  Database(const Database&) = delete;
  Database& operator=(const Database&) = delete;
  ~Database() = default;

  [[nodiscard]] Statement prepare(std::string_view sql) const { return {*this, sql}; }
  /// Statements without parameters; rows are dropped.
  [[nodiscard]] StoreResult<void> execute(const std::string& sql) const;
  /// The first column of the first row. Error too: there is none.
  [[nodiscard]] StoreResult<std::uint64_t> number(std::string_view sql) const;
  [[nodiscard]] StoreResult<std::string> text(std::string_view sql) const;

  /// Did the last failure leave a transaction open?
  [[nodiscard]] bool in_transaction() const { return sqlite3_get_autocommit(handle_.get()) == 0; }
  /// What the last call on this connection failed of. To be called at once: errno counts.
  [[nodiscard]] StoreError error(int code) const;
  [[nodiscard]] const std::string& path() const { return path_; }

 private:
  friend class Statement;
  struct Close {
    void operator()(sqlite3* handle) const { sqlite3_close(handle); }
  };
  explicit Database(std::string path) : path_(std::move(path)) {}

  std::string path_;
  std::unique_ptr<sqlite3, Close> handle_;
};

/// From construction on: all or nothing. Rolled back when it goes without `commit`.
class Transaction {
 public:
  [[nodiscard]] static StoreResult<std::unique_ptr<Transaction>> begin(Database& database);
  Transaction(const Transaction&) = delete;
  Transaction& operator=(const Transaction&) = delete;
  ~Transaction();

  [[nodiscard]] StoreResult<void> commit();

 private:
  explicit Transaction(Database& database) : database_(database) {}

  Database& database_;
};

}  // namespace signet::control
