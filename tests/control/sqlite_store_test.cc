// SPDX-License-Identifier: GPL-3.0-or-later
#include "signet/control/sqlite_store.h"

#include <sqlite3.h>
#include <unistd.h>

#include <catch2/catch_test_macros.hpp>
#include <catch2/generators/catch_generators.hpp>
#include <catch2/matchers/catch_matchers_string.hpp>
#include <filesystem>
#include <memory>
#include <string>
#include <thread>
#include <vector>

#include "control/store_file.h"
#include "support/memory_store.h"
#include "support/state_folder.h"

using namespace signet;
using namespace signet::control;
using namespace signet::test;
using Catch::Matchers::ContainsSubstring;

namespace {

const wire::SealKey test_key(as_bytes("0123456789abcdef0123456789abcdef"));

/// A store in a folder of its own, and what others may do to its file.
struct Fixture {
  Fixture() { std::filesystem::create_directory(folder.directory()); }

  StoreResult<std::unique_ptr<SqliteStore>> open(const wire::SealKey& key = test_key) const { return SqliteStore::open(path, key); }
  /// As another program would; the store has to be closed.
  void sql(const std::string& statements) const {
    sqlite3* handle = nullptr;
    REQUIRE(sqlite3_open(path.c_str(), &handle) == SQLITE_OK);
    CHECK(sqlite3_exec(handle, statements.c_str(), nullptr, nullptr, nullptr) == SQLITE_OK);
    sqlite3_close(handle);
  }

  StateFolder folder;
  std::string path = folder.file("signet.db");
};

StoreError::Kind kind_of(const StoreResult<std::uint64_t>& result) {
  REQUIRE_FALSE(result);
  return result.error().kind;
}

/// The contract of Store, for whoever promises it.
void check_contract(Store& store) {
  CHECK(store.revision() == 0);
  CHECK(store.commit({.puts = {{"apis/b", "{}", ""}, {"apis/a", R"({"x":1})", "hush"}, {"backends/a", "{}", ""}}}) == 1);
  CHECK(text_of(store.list("")) == R"(apis/a@1={"x":1}/hush apis/b@1={}/ backends/a@1={}/)");
  CHECK(text_of(store.list("apis/")) == R"(apis/a@1={"x":1}/hush apis/b@1={}/)");
  CHECK(text_of(store.list("apis/c")).empty());
  CHECK(store.get("apis/a").value()->secret == "hush");
  CHECK_FALSE(store.get("apis").value());
  CHECK_FALSE(store.get("apis/a/").value());

  SECTION("an expectation that does not hold lets nothing through") {
    for (const Batch::Expectation& wrong :
         {Batch::Expectation{"apis/a", 0}, Batch::Expectation{"apis/a", 2}, Batch::Expectation{"apis/c", 1}}) {
      const auto refused = store.commit({.expectations = {{"apis/b", 1}, wrong}, .puts = {{"apis/z", "{}", ""}}, .erased = {"apis/b"}});
      CHECK(kind_of(refused) == StoreError::Kind::conflict);
      CHECK_THAT(refused.error().detail, ContainsSubstring(wrong.key));
    }
    CHECK(store.revision() == 1);
    CHECK(text_of(store.list("apis/")) == R"(apis/a@1={"x":1}/hush apis/b@1={}/)");
    CHECK(store.commit({.expectations = {{"apis/b", 1}, {"apis/c", 0}}, .puts = {{"apis/c", "{}", ""}}}) == 2);
  }

  SECTION("a revision is never given twice, not even after everything was erased") {
    CHECK(store.commit({.erased = {"apis/a", "apis/b", "backends/a", "apis/none"}}) == 2);
    CHECK(text_of(store.list("")).empty());
    CHECK(store.commit({.puts = {{"apis/a", "{}", ""}}}) == 3);
    CHECK(store.commit({}) == 4);
    CHECK(store.revision() == 4);
    CHECK(text_of(store.list("")) == "apis/a@3={}/");
  }

  SECTION("a write replaces value and secret") {
    CHECK(store.commit({.expectations = {{"apis/a", 1}}, .puts = {{"apis/a", "[]", ""}}}) == 2);
    CHECK(text_of(store.list("apis/a")) == "apis/a@2=[]/");
  }

  SECTION("keys compare as bytes, and any bytes come back") {
    const std::string odd = "apis/\xc3\xbc%2F\"'\x01";
    const std::string secret("\0\xff\n", 3);
    CHECK(store.commit({.puts = {{odd, "\xf0\x9f\x98\x80", secret}, {"apis/~", "", ""}, {"apis/\x7f", "", ""}}}) == 2);
    const auto found = store.list("apis/");
    REQUIRE(found.value().size() == 5);
    CHECK(found->at(2).key == "apis/~");
    CHECK(found->at(4).key == odd);
    CHECK(found->at(4).secret == secret);
    CHECK(store.get(odd).value()->value == "\xf0\x9f\x98\x80");
  }
}

}  // namespace

TEST_CASE("sqlite store: keeps the contract of a store", "[control][store]") {
  const Fixture fixture;
  check_contract(**fixture.open());
}

TEST_CASE("memory store of the tests: keeps the contract of a store", "[control][store]") {
  MemoryStore store;
  check_contract(store);
}

TEST_CASE("sqlite store: everything is there after it was opened again, and revisions go on", "[control][store]") {
  const Fixture fixture;
  CHECK((*fixture.open())->commit({.puts = {{"apis/a", "{}", "hush"}, {"apis/b", "{}", ""}}}) == 1);
  CHECK((*fixture.open())->commit({.erased = {"apis/b"}}) == 2);
  const auto store = fixture.open();
  CHECK(text_of((*store)->list("")) == "apis/a@1={}/hush");
  CHECK((*store)->revision() == 2);
  CHECK((*store)->commit({}) == 3);
}

TEST_CASE("sqlite store: no file of it is open to others, and none shows a secret", "[control][store]") {
  const Fixture fixture;
  const auto store = fixture.open();
  CHECK((*store)->commit({.puts = {{"apis/a", "{}", "hush-hush-hush"}}}) == 1);
  std::size_t files = 0;
  for (const auto& entry : std::filesystem::directory_iterator(fixture.folder.directory())) {
    CAPTURE(entry.path());
    CHECK(mode_of(entry.path()) == 0600);
    CHECK_THAT(content_of(entry.path()), !ContainsSubstring("hush"));
    ++files;
  }
  CHECK(files >= 3);
}

TEST_CASE("sqlite store: a commit is synced before it returns, and what was erased is overwritten", "[control][store]") {
  // No test can take the power away; so what SQLite promises for these settings is what counts.
  const Fixture fixture;
  const auto database = open_store_file(fixture.path);
  REQUIRE(database);
  CHECK((*database)->text("PRAGMA journal_mode") == "wal");
  CHECK((*database)->number("PRAGMA synchronous") == 2);  // FULL
  CHECK((*database)->number("PRAGMA secure_delete") == 1);
}

TEST_CASE("sqlite store: a file that was left open to others is closed to them", "[control][store]") {
  const Fixture fixture;
  CHECK(fixture.open());
  std::filesystem::permissions(fixture.path, std::filesystem::perms(0644));
  CHECK(fixture.open());
  CHECK(mode_of(fixture.path) == 0600);
}

TEST_CASE("sqlite store: a second one on the same file is refused, until the first has gone", "[control][store]") {
  const Fixture fixture;
  {
    const auto first = fixture.open();
    REQUIRE(first);
    CHECK_THAT(refusal(fixture.open()), ContainsSubstring("signet.db is in use by process " + std::to_string(getpid())));
    CHECK((*first)->commit({}) == 1);
  }
  CHECK(fixture.open());
}

TEST_CASE("sqlite store: another key than the one it was made under is refused", "[control][store]") {
  const Fixture fixture;
  CHECK((*fixture.open())->commit({.puts = {{"apis/a", "{}", ""}}}) == 1);
  CHECK_THAT(refusal(fixture.open(wire::SealKey::make())), ContainsSubstring("signet.db was made under another key"));
  CHECK(fixture.open());
}

TEST_CASE("sqlite store: a secret that was moved or changed is an error that names its object", "[control][store]") {
  const Fixture fixture;
  CHECK((*fixture.open())->commit({.puts = {{"backends/a", "{}", "secret of a"}, {"backends/b", "{}", "secret of b"}}}) == 1);
  const std::string statement =
      GENERATE("UPDATE objects SET secret = (SELECT secret FROM objects WHERE key = 'backends/a') WHERE key = 'backends/b'",
               "UPDATE objects SET revision = 2 WHERE key = 'backends/b'", "UPDATE objects SET secret = x'01' WHERE key = 'backends/b'",
               "UPDATE objects SET secret = substr(secret, 1, length(secret) - 1) WHERE key = 'backends/b'");
  fixture.sql(statement);
  const auto store = fixture.open();
  for (const std::string& refused : {refusal((*store)->get("backends/b")), refusal((*store)->list(""))}) {
    CHECK_THAT(refused, ContainsSubstring("the secret of backends/b ") && !ContainsSubstring("secret of a"));
  }
  CHECK(text_of((*store)->list("backends/a")) == "backends/a@1={}/secret of a");
  CHECK((*store)->commit({.erased = {"backends/b"}}) == 2);
}

TEST_CASE("sqlite store: a file of a newer Signet, of another program, and none at all are refused as such", "[control][store]") {
  const Fixture fixture;
  SECTION("newer") {
    CHECK(fixture.open());
    fixture.sql("PRAGMA user_version = 7");
    CHECK_THAT(refusal(fixture.open()), ContainsSubstring("was written by a newer Signet (schema 7, this one knows 1)"));
  }
  SECTION("another program's") {
    fixture.sql("CREATE TABLE notes (text)");
    CHECK_THAT(refusal(fixture.open()), ContainsSubstring("is an SQLite database of another program"));
    fixture.sql("DROP TABLE notes; PRAGMA application_id = 5");
    CHECK_THAT(refusal(fixture.open()), ContainsSubstring("is an SQLite database of another program"));
  }
  SECTION("no database") {
    write_file(fixture.path, std::string(5000, 'x'));
    CHECK_THAT(refusal(fixture.open()), ContainsSubstring("is no SQLite database; restore it from a backup"));
    CHECK(content_of(fixture.path) == std::string(5000, 'x'));
  }
  SECTION("a link") {
    std::filesystem::create_symlink("elsewhere", fixture.path);
    CHECK_THAT(refusal(fixture.open()), ContainsSubstring("is no plain file"));
  }
  SECTION("no folder") {
    std::filesystem::remove_all(fixture.folder.directory());
    CHECK_THAT(refusal(fixture.open()), ContainsSubstring("No such file or directory"));
  }
}

TEST_CASE("sqlite store: a damaged file is refused at start", "[control][store]") {
  const Fixture fixture;
  {
    const auto store = fixture.open();
    Batch batch;
    for (int i = 0; i < 200; ++i) {
      batch.puts.push_back({"apis/" + std::to_string(i), std::string(500, 'v'), ""});
    }
    CHECK((*store)->commit(batch) == 1);
  }
  std::string content = content_of(fixture.path);
  REQUIRE(content.size() > 20 * 4096);
  SECTION("a page is overwritten") {
    content.replace(content.size() - 3 * 4096, 4096, std::string(4096, '\x5a'));
  }
  SECTION("the end is missing") {
    content.resize(content.size() - 5 * 4096);
  }
  SECTION("the second page is empty") {
    content.replace(4096, 4096, std::string(4096, '\0'));
  }
  write_file(fixture.path, content);
  CHECK_THAT(refusal(fixture.open()), ContainsSubstring("damaged") && ContainsSubstring("restore it from a backup"));
  CHECK(content_of(fixture.path) == content);
}

TEST_CASE("sqlite store: objects over the limits are refused as what has no room", "[control][store]") {
  const Fixture fixture;
  const auto store = fixture.open();
  const auto refused = [&](Batch::Put put) { return kind_of((*store)->commit({.puts = {{"a", "", ""}, std::move(put)}})); };
  CHECK(refused({std::string(stored_key_bytes_max + 1, 'k'), "", ""}) == StoreError::Kind::too_large);
  CHECK(refused({"", "", ""}) == StoreError::Kind::too_large);
  CHECK(refused({std::string("a\0b", 3), "", ""}) == StoreError::Kind::too_large);
  CHECK(refused({"b", std::string(stored_value_bytes_max + 1, 'v'), ""}) == StoreError::Kind::too_large);
  CHECK(refused({"b", "", std::string(stored_secret_bytes_max + 1, 's')}) == StoreError::Kind::too_large);
  CHECK((*store)->revision() == 0);
  const Batch largest{.puts = {{std::string(stored_key_bytes_max, 'k'), std::string(stored_value_bytes_max, 'v'),
                                std::string(stored_secret_bytes_max, 's')}}};
  CHECK((*store)->commit(largest) == 1);
  CHECK((*store)->get(largest.puts[0].key).value()->secret == largest.puts[0].secret);
}

TEST_CASE("sqlite store: threads may write and read at once", "[control][store]") {
  const Fixture fixture;
  const auto store = fixture.open();
  constexpr int commits = 50;
  std::vector<std::thread> threads;
  for (int i = 0; i < 4; ++i) {
    threads.emplace_back([&store, i] {
      for (int n = 0; n < commits; ++n) {
        const std::string text = std::to_string(i) + " " + std::to_string(n);
        static_cast<void>((*store)->commit({.puts = {{"a", text, ""}, {"b", text, ""}}}));
        static_cast<void>((*store)->list(""));
      }
    });
  }
  for (std::thread& thread : threads) {
    thread.join();
  }
  CHECK((*store)->revision() == 4 * commits);
  const auto objects = (*store)->list("");
  REQUIRE(objects.value().size() == 2);
  CHECK(objects->at(0).value == objects->at(1).value);
}

TEST_CASE("sqlite store: another program can make a backup while it is open", "[control][store]") {
  const Fixture fixture;
  const auto store = fixture.open();
  CHECK((*store)->commit({.puts = {{"apis/a", "{}", "hush"}}}) == 1);
  const Fixture copy;
  fixture.sql("VACUUM INTO '" + copy.path + "'");
  CHECK(text_of((*copy.open())->list("")) == "apis/a@1={}/hush");
  CHECK((*store)->commit({}) == 2);
}
