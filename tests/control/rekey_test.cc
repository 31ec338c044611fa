// SPDX-License-Identifier: GPL-3.0-or-later
#include "control/rekey.h"

#include <signal.h>
#include <unistd.h>

#include <catch2/catch_test_macros.hpp>
#include <catch2/matchers/catch_matchers_string.hpp>
#include <filesystem>
#include <random>
#include <string>
#include <vector>

#include "control/child_process.h"
#include "support/state_folder.h"

using namespace signet;
using namespace signet::control;
using namespace signet::test;
using Catch::Matchers::ContainsSubstring;

namespace fs = std::filesystem;

namespace {

constexpr int objects = 20;
constexpr int steps = 4 + objects;  // begun, new_key_made, one for each secret, committed, renamed

/// A state directory with secrets in it.
struct Fixture {
  explicit Fixture(StateFolder::Place place = StateFolder::Place::disk) : folder(place) {
    const auto store = open_state_directory(folder.directory());
    REQUIRE(store);
    Batch batch;
    for (int i = 0; i < objects; ++i) {
      batch.puts.push_back({"backends/" + std::to_string(i), "{}", "secret " + std::to_string(i)});
    }
    batch.puts.push_back({"apis/a", "{}", ""});
    REQUIRE((*store)->commit(batch) == 1);
    content = text_of((*store)->list(""));
    key = content_of(key_file);
  }

  /// Opens as whoever comes next does; everything is as it was, and only one key is left.
  void check_opens() {
    const auto store = open_state_directory(folder.directory());
    REQUIRE(store);
    CHECK(text_of((*store)->list("")) == content);
    CHECK((*store)->revision() == 1);
    CHECK(fs::file_size(key_file) == 32);
    for (const char* const left : {"signet.key.new", "signet.key.new.tmp", "signet.key.tmp"}) {
      CHECK_FALSE(fs::exists(folder.file(left)));
    }
  }

  StateFolder folder;
  std::string key_file = folder.file("signet.key");
  std::string content;
  std::string key;
};

}  // namespace

TEST_CASE("rekey: every secret opens under the new key, nothing under the old one, and no byte sealed under it is left",
          "[control][state]") {
  Fixture fixture;
  const std::string sealed_before = content_of(fixture.folder.file("signet.db"));
  CHECK(rekey_state_directory(fixture.folder.directory()).value().secrets == objects);
  CHECK(content_of(fixture.key_file) != fixture.key);
  fixture.check_opens();
  CHECK(mode_of(fixture.key_file) == 0600);
  // The sealed value of an object: version, nonce, ciphertext. Fifteen bytes of its nonce and text cannot be there by accident.
  const std::string sealed_after = content_of(fixture.folder.file("signet.db"));
  const std::size_t at = sealed_before.find("backends/7");
  REQUIRE(at != std::string::npos);
  const std::string piece = sealed_before.substr(at + 20, 15);
  CHECK(sealed_before.find(piece) != std::string::npos);
  CHECK(sealed_after.find(piece) == std::string::npos);

  write_file(fixture.key_file, fixture.key);
  CHECK_THAT(refusal(open_state_directory(fixture.folder.directory())), ContainsSubstring("was made under another key"));
}

TEST_CASE("rekey: without a store, and with a secret that does not open, nothing is changed", "[control][state]") {
  const StateFolder empty;
  CHECK_THAT(refusal(rekey_state_directory(empty.directory())), ContainsSubstring("there is no store"));
  CHECK_FALSE(fs::exists(empty.directory()));

  Fixture fixture;
  {
    const auto database = Database::open(fixture.folder.file("signet.db"));
    REQUIRE((*database)->execute("UPDATE objects SET secret = x'01' WHERE key = 'backends/3'"));
  }
  CHECK_THAT(refusal(rekey_state_directory(fixture.folder.directory())), ContainsSubstring("the secret of backends/3 is damaged"));
  CHECK(content_of(fixture.key_file) == fixture.key);
  CHECK_FALSE(fs::exists(fixture.folder.file("signet.key.new")));
  CHECK((*open_state_directory(fixture.folder.directory()))->get("backends/2").value()->secret == "secret 2");
}

TEST_CASE("rekey: killed at any of its steps, the store opens with everything in it", "[control][state][crash]") {
  Fixture fixture(StateFolder::Place::memory);
  for (int last = 1; last <= steps; ++last) {
    CAPTURE(last);
    fixture.key = content_of(fixture.key_file);
    ChildProcess child([&](int report) {
      int count = 0;
      const auto kill_at = [&](RekeyStep /*step*/) {
        if (++count == last) {
          ChildProcess::say(report, "reached");
          ::kill(::getpid(), SIGKILL);
        }
      };
      static_cast<void>(rekey(StatePaths(fixture.folder.directory()), kill_at));
      ChildProcess::say(report, "not reached");
    });
    CHECK(child.read_all() == "reached");
    child.kill();
    fixture.check_opens();
    CHECK((content_of(fixture.key_file) == fixture.key) == (last < steps - 1));  // the new one from the commit on
  }
}

TEST_CASE("rekey: killed at random moments, again and again, the store opens with everything in it", "[control][state][crash]") {
  Fixture fixture(StateFolder::Place::memory);
  std::mt19937 random(20240502);
  for (int round = 0; round < 60; ++round) {
    CAPTURE(round);
    ChildProcess child([&](int report) {
      const auto started = [report](RekeyStep step) {
        if (step == RekeyStep::begun) {
          ChildProcess::say(report, "b");
        }
      };
      // Over and over: so that beginnings that find something to finish are cut off too.
      while (rekey(StatePaths(fixture.folder.directory()), started)) {
      }
      ChildProcess::say(report, "refused");
    });
    char begun = 0;
    REQUIRE(::read(child.report(), &begun, 1) == 1);
    ::usleep(static_cast<useconds_t>(std::uniform_int_distribution(0, 5000)(random)));
    child.kill();
    CHECK_THAT(child.read_all(), !ContainsSubstring("refused"));
    if (round % 2 == 1) {  // else the next child finishes what this one has begun
      fixture.check_opens();
    }
  }
}
