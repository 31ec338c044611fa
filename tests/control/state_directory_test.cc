// SPDX-License-Identifier: GPL-3.0-or-later
#include "signet/control/state_directory.h"

#include <unistd.h>

#include <catch2/catch_test_macros.hpp>
#include <catch2/matchers/catch_matchers_string.hpp>
#include <filesystem>
#include <string>

#include "support/state_folder.h"

using namespace signet;
using namespace signet::control;
using namespace signet::test;
using Catch::Matchers::ContainsSubstring;

namespace fs = std::filesystem;

TEST_CASE("state directory: the first start makes folder, key and store for us alone, the next finds them", "[control][state]") {
  const StateFolder folder;
  {
    const auto store = open_state_directory(folder.directory());
    REQUIRE(store);
    CHECK((*store)->commit({.puts = {{"apis/a", "{}", "hush"}}}) == 1);
  }
  CHECK(mode_of(folder.directory()) == 0700);
  CHECK(mode_of(folder.file("signet.key")) == 0600);
  CHECK(mode_of(folder.file("signet.db")) == 0600);
  CHECK(fs::file_size(folder.file("signet.key")) == 32);
  const std::string key = content_of(folder.file("signet.key"));
  CHECK(text_of((*open_state_directory(folder.directory()))->list("")) == "apis/a@1={}/hush");
  CHECK(content_of(folder.file("signet.key")) == key);
}

TEST_CASE("state directory: a second gateway is refused", "[control][state]") {
  const StateFolder folder;
  const auto store = open_state_directory(folder.directory());
  CHECK_THAT(refusal(open_state_directory(folder.directory())), ContainsSubstring("only one gateway or command may work on it at a time"));
  CHECK_THAT(refusal(rekey_state_directory(folder.directory())), ContainsSubstring("is in use by process"));
}

TEST_CASE("state directory: a key that others may read, that is not ours, or that is none is refused", "[control][state]") {
  const StateFolder folder;
  REQUIRE(open_state_directory(folder.directory()));
  const std::string path = folder.file("signet.key");
  const std::string key = content_of(path);
  for (const unsigned mode : {0640U, 0604U, 0620U, 0601U}) {
    fs::permissions(path, fs::perms(mode));
    CHECK_THAT(refusal(open_state_directory(folder.directory())), ContainsSubstring("signet.key may be read or written by others"));
  }
  fs::permissions(path, fs::perms(0600));
  for (const std::string& content : {key.substr(1), key + "x", std::string()}) {
    write_file(path, content);
    CHECK_THAT(refusal(open_state_directory(folder.directory())), ContainsSubstring("signet.key is "));
  }
  write_file(path, key);
  if (::geteuid() == 0) {
    REQUIRE(::chown(path.c_str(), 65534, 65534) == 0);
    CHECK_THAT(refusal(open_state_directory(folder.directory())), ContainsSubstring("signet.key belongs to user 65534, expected 0"));
    REQUIRE(::chown(path.c_str(), 0, 0) == 0);
  }
  fs::rename(path, path + ".kept");
  fs::create_symlink(path + ".kept", path);
  CHECK_THAT(refusal(open_state_directory(folder.directory())), ContainsSubstring("signet.key cannot be read"));
  fs::remove(path);
  fs::create_directory(path);
  CHECK_THAT(refusal(open_state_directory(folder.directory())), ContainsSubstring("signet.key is no plain file"));
  fs::remove(path);
  fs::rename(path + ".kept", path);
  CHECK(open_state_directory(folder.directory()));
}

TEST_CASE("state directory: a store without its key, or with another one, is refused and kept", "[control][state]") {
  const StateFolder folder;
  CHECK((*open_state_directory(folder.directory()))->commit({.puts = {{"apis/a", "{}", "hush"}}}) == 1);
  const std::string key = content_of(folder.file("signet.key"));
  fs::remove(folder.file("signet.key"));
  CHECK_THAT(refusal(open_state_directory(folder.directory())), ContainsSubstring("signet.key is missing although there is "));
  CHECK_FALSE(fs::exists(folder.file("signet.key")));
  write_file(folder.file("signet.key"), std::string(32, 'k'));
  fs::permissions(folder.file("signet.key"), fs::perms(0600));
  CHECK_THAT(refusal(open_state_directory(folder.directory())), ContainsSubstring("signet.db was made under another key"));
  write_file(folder.file("signet.key"), key);
  CHECK(text_of((*open_state_directory(folder.directory()))->list("")) == "apis/a@1={}/hush");
}

TEST_CASE("state directory: a key without its store is used for a new one", "[control][state]") {
  const StateFolder folder;
  REQUIRE(open_state_directory(folder.directory()));
  const std::string key = content_of(folder.file("signet.key"));
  fs::remove(folder.file("signet.db"));
  CHECK((*open_state_directory(folder.directory()))->revision() == 0);
  CHECK(content_of(folder.file("signet.key")) == key);
}

TEST_CASE("state directory: a folder that cannot be one is refused", "[control][state]") {
  const StateFolder folder;
  CHECK_THAT(refusal(open_state_directory(folder.directory() + "/below")), ContainsSubstring("cannot be made: No such file or directory"));
  write_file(folder.directory(), "x");
  CHECK_THAT(refusal(open_state_directory(folder.directory())), ContainsSubstring("is no folder"));
  fs::remove(folder.directory());
  fs::create_directory(folder.directory());
  fs::permissions(folder.directory(), fs::perms(0777));
  CHECK_THAT(refusal(open_state_directory(folder.directory())), ContainsSubstring("may be written by everybody (mode 0777)"));
}

TEST_CASE("private files: one that exists is never replaced", "[control][state]") {
  const StateFolder folder;
  fs::create_directory(folder.directory());
  const std::string path = folder.file("admin.token");
  write_file(path + ".tmp", "of a process that was killed");
  CHECK(make_private_file(path, as_bytes("first")));
  CHECK_THAT(refusal(make_private_file(path, as_bytes("second"))), ContainsSubstring("File exists"));
  CHECK(content_of(path) == "first");
  CHECK(mode_of(path) == 0600);
  CHECK_FALSE(fs::exists(path + ".tmp"));
}
