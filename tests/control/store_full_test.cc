// SPDX-License-Identifier: GPL-3.0-or-later
// No room, no right to write: what was there stays, can be read, and writing goes on once it can.
#include <sched.h>
#include <signal.h>
#include <sys/mount.h>
#include <sys/resource.h>
#include <unistd.h>

#include <catch2/catch_test_macros.hpp>
#include <catch2/matchers/catch_matchers_string.hpp>
#include <filesystem>
#include <memory>
#include <string>
#include <vector>

#include "signet/control/sqlite_store.h"
#include "signet/control/state_directory.h"
#include "control/child_process.h"
#include "control/store_file.h"
#include "support/state_folder.h"

using namespace signet;
using namespace signet::control;
using namespace signet::test;
using Catch::Matchers::ContainsSubstring;

namespace {

const wire::SealKey test_key(as_bytes("0123456789abcdef0123456789abcdef"));

/// While it is there, no file of this process may grow over `bytes`. Nothing may be printed meanwhile.
class FileSizeLimit {
 public:
  explicit FileSizeLimit(rlim_t bytes) {
    ::getrlimit(RLIMIT_FSIZE, &before_);
    rlimit limit = before_;
    limit.rlim_cur = bytes;
    handler_ = ::signal(SIGXFSZ, SIG_IGN);
    ::setrlimit(RLIMIT_FSIZE, &limit);
  }
  FileSizeLimit(const FileSizeLimit&) = delete;
  FileSizeLimit& operator=(const FileSizeLimit&) = delete;
  ~FileSizeLimit() {
    ::setrlimit(RLIMIT_FSIZE, &before_);
    ::signal(SIGXFSZ, handler_);
  }

 private:
  rlimit before_{};
  sighandler_t handler_ = SIG_DFL;
};

const Batch large{.expectations = {{"apis/a", 1}}, .puts = {{"apis/a", "changed", "changed"}, {"apis/b", std::string(1'000'000, 'v'), ""}}};
const std::string before = "apis/a@1={}/hush";

void check_recovered(Store& store) {
  CHECK(text_of(store.list("")) == before);
  CHECK(store.revision() == 1);
  CHECK(store.commit(large) == 2);
  CHECK(store.get("apis/a").value()->secret == "changed");
}

}  // namespace

TEST_CASE("sqlite store: a commit for which there is no room on the disk changes nothing; reads go on, and writes once there is room",
          "[control][store]") {
  const StateFolder folder;
  const auto store = open_state_directory(folder.directory());
  CHECK((*store)->commit({.puts = {{"apis/a", "{}", "hush"}}}) == 1);
  std::vector<StoreResult<std::uint64_t>> refused;
  std::string seen;
  {
    const FileSizeLimit limit(200'000);
    for (int i = 0; i < 3; ++i) {
      refused.push_back((*store)->commit(large));
    }
    seen = text_of((*store)->list(""));
  }
  for (const StoreResult<std::uint64_t>& result : refused) {
    REQUIRE_FALSE(result);
    CHECK(result.error().kind == StoreError::Kind::full);
    CHECK_THAT(result.error().detail, ContainsSubstring("signet.db") && ContainsSubstring("File too large"));
  }
  CHECK(seen == before);
  check_recovered(**store);
}

TEST_CASE("sqlite store: the same on a file system that is full", "[control][store]") {
  const StateFolder folder;
  std::filesystem::create_directory(folder.directory());
  const std::string told = in_child([&folder] {  // a mount that only this process has, and that goes with it
    if (::unshare(CLONE_NEWNS) != 0 || ::mount(nullptr, "/", nullptr, MS_REC | MS_PRIVATE, nullptr) != 0 ||
        ::mount("tmpfs", folder.directory().c_str(), "tmpfs", 0, "size=3m,mode=700") != 0) {
      return std::string("not permitted");
    }
    const auto store = open_state_directory(folder.directory());
    if (!store || !(*store)->commit({.puts = {{"apis/a", "{}", "hush"}}})) {
      return std::string("cannot be made");
    }
    write_file(folder.file("ballast"), std::string(2'500'000, 'x'));
    std::string seen;
    for (int i = 0; i < 3; ++i) {
      const auto refused = (*store)->commit(large);
      seen += refused ? "written; " : refused.error().kind == StoreError::Kind::full ? "full; " : refused.error().detail + "; ";
      seen += text_of((*store)->list("")) + "; ";
    }
    std::filesystem::remove(folder.file("ballast"));
    const auto written = (*store)->commit(large);
    return seen + (written ? std::to_string(*written) : written.error().detail);
  });
  if (told == "not permitted") {
    SKIP("no mount may be made here");
  }
  CHECK(told == "full; " + before + "; full; " + before + "; full; " + before + "; 2");
}

TEST_CASE("sqlite store: a commit that the store has no room for changes nothing either", "[control][store]") {
  const StateFolder folder;
  std::filesystem::create_directory(folder.directory());
  const std::string path = folder.file("signet.db");
  auto parts = std::unique_ptr<SqliteStore::Parts>(new SqliteStore::Parts{
      .lock = lock_store_file(path).value(), .database = open_store_file(path).value(), .key = test_key, .mutex = {}});
  Database& database = *parts->database;
  SqliteStore store(std::move(parts));
  CHECK(store.commit({.puts = {{"apis/a", "{}", "hush"}}}) == 1);
  CHECK(database.number("PRAGMA max_page_count = 20") == 20);
  const auto refused = store.commit(large);
  REQUIRE_FALSE(refused);
  CHECK(refused.error().kind == StoreError::Kind::full);
  CHECK_THAT(refused.error().detail, ContainsSubstring("database or disk is full"));
  CHECK(text_of(store.list("")) == before);
  CHECK(database.number("PRAGMA max_page_count = 1000000") == 1'000'000);
  check_recovered(store);
}

TEST_CASE("state directory: without room for key or store nothing is left that a later start stumbles over", "[control][store]") {
  const StateFolder folder;
  for (const rlim_t bytes : {0U, 10U, 31U, 100U, 5000U, 20'000U}) {
    std::string refused;
    {
      const FileSizeLimit limit(bytes);
      refused = refusal(open_state_directory(folder.directory()));
    }
    CAPTURE(bytes);
    CHECK_THAT(refused, ContainsSubstring("File too large"));
  }
  const auto store = open_state_directory(folder.directory());
  REQUIRE(store);
  CHECK((*store)->commit({}) == 1);
}

TEST_CASE("state directory: a store that cannot be written is refused at start", "[control][store]") {
  const std::string refused = in_child([] {
    if (::geteuid() == 0 && (::setgid(65534) != 0 || ::setuid(65534) != 0)) {
      return std::string("no other user");
    }
    const StateFolder folder;
    if (!open_state_directory(folder.directory())) {
      return std::string("not made");
    }
    std::filesystem::permissions(folder.file("signet.db"), std::filesystem::perms(0400));
    return refusal(open_state_directory(folder.directory()));
  });
  CHECK_THAT(refused, ContainsSubstring("signet.db cannot be written: expected a file that this user may change"));
}
