// SPDX-License-Identifier: GPL-3.0-or-later
#include "app/file_watch.h"

#include <catch2/catch_test_macros.hpp>
#include <chrono>
#include <condition_variable>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <memory>
#include <mutex>
#include <string>
#include <utility>
#include <vector>

namespace signet::app {

namespace {

namespace fs = std::filesystem;
using std::chrono::hours;
using std::chrono::milliseconds;

class TemporaryFolder {
 public:
  TemporaryFolder() {
    std::string name = (fs::temp_directory_path() / "signet-watch-XXXXXX").string();
    REQUIRE(mkdtemp(name.data()) != nullptr);
    path = name;
  }
  TemporaryFolder(const TemporaryFolder&) = delete;
  TemporaryFolder& operator=(const TemporaryFolder&) = delete;
  ~TemporaryFolder() {
    std::error_code ignored;
    fs::remove_all(path, ignored);
  }
  fs::path path;
};

void write(const fs::path& path, const std::string& text) {
  std::ofstream(path) << text;
}

void replace(const fs::path& path, const std::string& text) {
  const fs::path made = path.string() + ".new";
  write(made, text);
  fs::rename(made, path);
}

/// Long enough that a file which is made and then written makes one call, so that each wait below is for its own change.
constexpr FileWatch::Options soon{.quiet_period = milliseconds(30), .delay_max = milliseconds(2000)};

/// A watch, and the calls that it makes. Waits have a limit that only a call that never comes reaches.
class Watched {
 public:
  explicit Watched(const FileWatch::Options& options = soon) {
    Result<std::unique_ptr<FileWatch>> started = FileWatch::start([this] { on_change(); }, options);
    REQUIRE(started);
    watch = std::move(*started);
  }
  ~Watched() {
    release();
    watch.reset();
  }

  /// Watches, and takes the call that folders cause that were not watched before.
  void start(const std::vector<fs::path>& paths) {
    std::vector<std::string> names;
    for (const fs::path& path : paths) {
      names.push_back(path.string());
    }
    watch->watch(std::move(names));
    REQUIRE(changed());
  }

  /// Was there a call since the last time? Waits for one.
  bool changed() {
    std::unique_lock lock(mutex_);
    return changed_.wait_for(lock, std::chrono::seconds(20), [this] { return calls_ != 0; }) && std::exchange(calls_, 0) != 0;
  }

  /// The next call does not return before `release`.
  void hold() {
    const std::scoped_lock lock(mutex_);
    held_ = true;
  }
  void release() {
    const std::scoped_lock lock(mutex_);
    held_ = false;
    changed_.notify_all();
  }
  int calls() {
    const std::scoped_lock lock(mutex_);
    return calls_;
  }

  std::unique_ptr<FileWatch> watch;

 private:
  void on_change() {
    std::unique_lock lock(mutex_);
    ++calls_;
    changed_.notify_all();
    changed_.wait(lock, [this] { return !held_; });
  }

  std::mutex mutex_;
  std::condition_variable changed_;
  int calls_ = 0;
  bool held_ = false;
};

}  // namespace

TEST_CASE("a file that is written, replaced, removed or made is seen", "[app][watch]") {
  const TemporaryFolder folder;
  const fs::path file = folder.path / "tls.pfx";
  write(file, "1");
  Watched watched;
  watched.start({file});
  SECTION("written in place") {
    write(file, "2");
  }
  SECTION("replaced by rename") {
    replace(file, "2");
  }
  SECTION("removed") {
    fs::remove(file);
  }
  SECTION("made unreadable, and readable again") {
    fs::permissions(file, fs::perms::none);
    REQUIRE(watched.changed());
    fs::permissions(file, fs::perms::owner_read);
  }
  SECTION("removed and made again") {
    fs::remove(file);
    REQUIRE(watched.changed());
    write(file, "2");
  }
  CHECK(watched.changed());
}

TEST_CASE("a file that is not there yet is waited for, its folders too", "[app][watch]") {
  const TemporaryFolder folder;
  const fs::path file = folder.path / "a" / "b" / "tls.pfx";
  Watched watched;
  watched.start({file});
  fs::create_directory(folder.path / "a");
  REQUIRE(watched.changed());
  fs::create_directory(folder.path / "a" / "b");
  REQUIRE(watched.changed());
  write(file, "1");
  CHECK(watched.changed());
}

TEST_CASE("a swap of a symbolic link on the way is seen, again and again", "[app][watch]") {
  const TemporaryFolder folder;
  const auto publish = [&folder](const std::string& version) {
    fs::create_directory(folder.path / version);
    write(folder.path / version / "tls.pfx", version);
    fs::create_directory_symlink(version, folder.path / "..data_tmp");
    fs::rename(folder.path / "..data_tmp", folder.path / "..data");
  };
  publish("..1");
  fs::create_symlink("..data/tls.pfx", folder.path / "tls.pfx");
  fs::create_symlink(folder.path / "tls.pfx", folder.path / "elsewhere.pfx");  // absolute
  Watched watched;
  watched.start({folder.path / "elsewhere.pfx"});
  publish("..2");
  REQUIRE(watched.changed());
  fs::remove_all(folder.path / "..1");
  publish("..3");
  REQUIRE(watched.changed());
  replace(folder.path / "..3" / "tls.pfx", "behind the link");
  REQUIRE(watched.changed());
  fs::remove(folder.path / "elsewhere.pfx");
  CHECK(watched.changed());
}

TEST_CASE("a folder that is removed or moved away and made again is watched again", "[app][watch]") {
  const TemporaryFolder folder;
  const fs::path secrets = folder.path / "etc" / "secrets";
  const fs::path file = secrets / "tls.pfx";
  fs::create_directories(secrets);
  write(file, "1");
  Watched watched;
  watched.start({file});
  SECTION("removed") {
    fs::remove_all(folder.path / "etc");
  }
  SECTION("moved away") {
    fs::rename(folder.path / "etc", folder.path / "old");
  }
  REQUIRE(watched.changed());
  fs::create_directories(secrets);
  REQUIRE(watched.changed());
  write(file, "2");
  REQUIRE(watched.changed());
  replace(file, "3");
  CHECK(watched.changed());
}

TEST_CASE("every name in a folder that is named itself counts", "[app][watch]") {
  const TemporaryFolder folder;
  fs::create_directory(folder.path / "authorities");
  Watched watched;
  watched.start({folder.path / "authorities"});
  write(folder.path / "authorities" / "any.pem", "1");
  CHECK(watched.changed());
}

TEST_CASE("other paths take the place of those before", "[app][watch]") {
  const TemporaryFolder folder;
  for (const char* name : {"a", "b"}) {
    fs::create_directory(folder.path / name);
  }
  Watched watched;
  watched.start({folder.path / "a" / "file"});
  watched.start({folder.path / "b" / "file"});
  write(folder.path / "b" / "file", "1");
  CHECK(watched.changed());
}

TEST_CASE("many changes in one go make one call", "[app][watch]") {
  const TemporaryFolder folder;
  const fs::path file = folder.path / "tls.pfx";
  Watched watched;
  watched.hold();
  watched.watch->watch({file.string()});
  REQUIRE(watched.changed());
  for (int i = 0; i < 100; ++i) {
    replace(file, "again");
  }
  watched.release();
  REQUIRE(watched.changed());
  watched.watch.reset();
  CHECK(watched.calls() == 0);
}

TEST_CASE("the call comes in the end though changes never cease", "[app][watch]") {
  const TemporaryFolder folder;
  Watched watched({.quiet_period = hours(1), .delay_max = milliseconds(20)});
  watched.start({folder.path / "tls.pfx"});
  write(folder.path / "tls.pfx", "1");
  CHECK(watched.changed());
}

TEST_CASE("changes that the kernel has no room to tell make a call all the same", "[app][watch]") {
  const TemporaryFolder folder;
  std::size_t events_max = 0;
  std::ifstream("/proc/sys/fs/inotify/max_queued_events") >> events_max;
  if (events_max == 0 || events_max > 200'000) {
    SKIP("the kernel's queue of events is too long to fill");
  }
  Watched watched;
  watched.hold();
  watched.watch->watch({(folder.path / "tls.pfx").string()});
  REQUIRE(watched.changed());
  // Nobody reads events now. Those of other names fill the queue, and the last is lost.
  for (std::size_t event = 0; event < events_max; event += 2) {
    write(folder.path / "other", "");
    fs::remove(folder.path / "other");
  }
  write(folder.path / "tls.pfx", "1");
  watched.release();
  CHECK(watched.changed());
}

TEST_CASE("paths without end and folders over the limit hurt nothing", "[app][watch]") {
  const TemporaryFolder folder;
  fs::create_symlink("loop", folder.path / "loop");
  // The root, the temporary folder's parents, and then no more.
  const auto above = static_cast<std::size_t>(std::distance(folder.path.begin(), folder.path.end()));
  Watched watched({.quiet_period = soon.quiet_period, .delay_max = soon.delay_max, .folders_max = above});
  fs::create_directory(folder.path / "a");
  watched.start({folder.path / "loop", folder.path / "file", folder.path / "a" / "file"});
  write(folder.path / "file", "1");
  CHECK(watched.changed());
}

}  // namespace signet::app
