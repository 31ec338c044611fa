// SPDX-License-Identifier: GPL-3.0-or-later
// Processes are killed (SIGKILL) while they write: nothing that was acknowledged is lost, and no batch is there in part.
#include <unistd.h>

#include <catch2/catch_test_macros.hpp>
#include <cstdint>
#include <cstring>
#include <random>
#include <string>

#include "signet/control/state_directory.h"
#include "control/child_process.h"
#include "support/state_folder.h"

using namespace signet;
using namespace signet::control;
using namespace signet::test;

namespace {

constexpr std::uint64_t batches = 1000;
constexpr std::uint64_t parts = 5;       // objects that each batch writes again
constexpr std::uint64_t log_length = 8;  // objects of which each batch makes one and erases one
constexpr std::size_t value_bytes = 700;

std::string value_of(std::uint64_t revision) {
  return std::to_string(revision) + std::string(value_bytes, 'v');
}

/// Zeros in front, so that keys sort as numbers.
std::string log_key(std::uint64_t revision) {
  const std::string digits = std::to_string(revision);
  return "log/" + std::string(6 - digits.size(), '0') + digits;
}

/// The batch that makes revision `revision`, given that all before it were written.
Batch batch_of(std::uint64_t revision) {
  Batch batch;
  for (std::uint64_t i = 0; i < parts; ++i) {
    const std::string key = "part/" + std::to_string(i);
    batch.expectations.push_back({key, revision - 1});
    batch.puts.push_back({key, value_of(revision), "secret of " + std::to_string(revision)});
  }
  batch.puts.push_back({log_key(revision), value_of(revision), ""});
  if (revision > log_length) {
    batch.erased.push_back(log_key(revision - log_length));
  }
  return batch;
}

/// The store after that batch, as `text_of` writes it.
std::string expected_at(std::uint64_t revision) {
  std::string text;
  const auto add = [&text](const std::string& key, std::uint64_t at, const std::string& secret) {
    text += (text.empty() ? "" : " ") + key + "@" + std::to_string(at) + "=" + value_of(at) + "/" + secret;
  };
  for (std::uint64_t at = revision > log_length ? revision - log_length + 1 : 1; at <= revision; ++at) {
    add(log_key(at), at, "");
  }
  for (std::uint64_t i = 0; i < parts && revision > 0; ++i) {
    add("part/" + std::to_string(i), revision, "secret of " + std::to_string(revision));
  }
  return text;
}

/// Writes batch after batch and reports the revision of each that was acknowledged.
void write_batches(const std::string& directory, int report) {
  const auto store = open_state_directory(directory);
  if (!store) {
    return;
  }
  for (std::uint64_t revision = (*store)->revision().value();;) {
    const auto written = (*store)->commit(batch_of(revision + 1));
    if (!written) {
      return;
    }
    revision = *written;
    if (::write(report, &revision, sizeof revision) != sizeof revision) {
      return;
    }
  }
}

}  // namespace

TEST_CASE("store: writers that are killed at any moment lose nothing that was acknowledged and leave no batch half done",
          "[control][store][crash]") {
  const StateFolder folder(StateFolder::Place::memory);
  CHECK(open_state_directory(folder.directory()));
  std::mt19937 random(20240501);
  std::uint64_t acknowledged = 0;
  int rounds = 0;
  int unreported = 0;
  while (acknowledged < batches) {
    ++rounds;
    ChildProcess writer([&folder](int report) { write_batches(folder.directory(), report); });
    const auto reports = std::uniform_int_distribution(0, 60)(random);
    for (int i = 0; i < reports; ++i) {
      std::uint64_t revision = 0;
      REQUIRE(::read(writer.report(), &revision, sizeof revision) == sizeof revision);
      REQUIRE(revision == acknowledged + 1);
      acknowledged = revision;
    }
    ::usleep(static_cast<useconds_t>(std::uniform_int_distribution(0, 3000)(random)));
    writer.kill();
    const std::string rest = writer.read_all();
    REQUIRE(rest.size() % sizeof acknowledged == 0);
    acknowledged += rest.size() / sizeof acknowledged;

    const auto store = open_state_directory(folder.directory());
    REQUIRE(store);
    const std::uint64_t revision = (*store)->revision().value();
    REQUIRE(revision >= acknowledged);
    REQUIRE(revision <= acknowledged + 1);
    REQUIRE(text_of((*store)->list("")) == expected_at(revision));
    unreported += revision > acknowledged ? 1 : 0;
    acknowledged = revision;
  }
  CHECK(rounds >= 10);
  INFO(rounds << " rounds, in " << unreported << " of them a commit was durable and not yet reported");
  SUCCEED();
}
