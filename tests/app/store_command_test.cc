// SPDX-License-Identifier: GPL-3.0-or-later
#include <catch2/catch_test_macros.hpp>

#include "signet/control/state_directory.h"
#include "app/commands.h"
#include "support/state_folder.h"

using namespace signet;
using namespace signet::test;

TEST_CASE("store rekey: takes the state directory, or the configuration that names it, and refuses what has no store", "[app][state]") {
  const StateFolder folder;
  const std::string config = folder.directory() + ".json";
  const std::string key_file = folder.file("signet.key");
  write_file(config, R"({ "listeners": [{ "address": "127.0.0.1:0" }], "stateDirectory": "state" })");
  CHECK(app::store_rekey(config) == 1);
  REQUIRE(control::open_state_directory(folder.directory()));
  const std::string first = content_of(key_file);
  CHECK(app::store_rekey(config) == 0);
  const std::string second = content_of(key_file);
  CHECK(second != first);
  CHECK(app::store_rekey(folder.directory()) == 0);
  CHECK(content_of(key_file) != second);
  {
    const auto running = control::open_state_directory(folder.directory());
    CHECK(app::store_rekey(config) == 1);
  }
  write_file(config, R"({ "listeners": [{ "address": "127.0.0.1:0" }] })");
  CHECK(app::store_rekey(config) == 1);
}
