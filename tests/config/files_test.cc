// SPDX-License-Identifier: GPL-3.0-or-later
#include "signet/config/files.h"

#include <stdlib.h>
#include <unistd.h>

#include <catch2/catch_test_macros.hpp>
#include <filesystem>
#include <fstream>
#include <string>

using namespace signet::config;

namespace {

/// A file that is gone with the object.
class TemporaryFile {
 public:
  explicit TemporaryFile(std::string_view content) {
    const int descriptor = ::mkstemp(path_.data());
    REQUIRE(descriptor >= 0);
    REQUIRE(::write(descriptor, content.data(), content.size()) == static_cast<ssize_t>(content.size()));
    ::close(descriptor);
  }
  TemporaryFile(const TemporaryFile&) = delete;
  TemporaryFile& operator=(const TemporaryFile&) = delete;
  ~TemporaryFile() { ::unlink(path_.c_str()); }
  [[nodiscard]] const std::string& path() const { return path_; }

 private:
  std::string path_ = "/tmp/signet-files-test-XXXXXX";
};

}  // namespace

TEST_CASE("a file is read whole up to the limit and refused above it", "[config]") {
  const std::string content(200'000, 'x');
  const TemporaryFile file(content);
  SystemFiles files;
  CHECK(files.read(file.path(), content.size()).value() == content);
  const auto refused = files.read(file.path(), content.size() - 1);
  REQUIRE_FALSE(refused.has_value());
  CHECK(refused.error().detail == file.path() + ": larger than the 199999 bytes that are read");
  CHECK(files.read(TemporaryFile("").path(), 0).value().empty());
}

TEST_CASE("a folder is not a file", "[config]") {
  SystemFiles files;
  const auto refused = files.read("/tmp", 100);
  REQUIRE_FALSE(refused.has_value());
  CHECK(refused.error().detail == "/tmp: cannot be read: Is a directory");
}

TEST_CASE("a folder's files are listed by name, links followed, without folders and hidden names", "[config]") {
  std::string folder = "/tmp/signet-files-test-XXXXXX";
  REQUIRE(::mkdtemp(folder.data()) != nullptr);
  const std::filesystem::path place = folder;
  std::filesystem::create_directory(place / "..2024");
  std::filesystem::create_directory(place / "folder");
  for (const char* name : {"b.pem", "..2024/a.pem", ".hidden"}) {
    std::ofstream(place / name) << "x";
  }
  std::filesystem::create_symlink("..2024", place / "..data");  // as Kubernetes lays out a mounted volume
  std::filesystem::create_symlink("..data/a.pem", place / "a.pem");
  std::filesystem::create_symlink("nowhere", place / "c.pem");
  std::filesystem::create_symlink("folder", place / "d");
  SystemFiles files;
  CHECK(files.list(folder, 3).value() == std::vector<std::string>{"a.pem", "b.pem", "c.pem"});
  CHECK(files.list(folder, 2).error().detail == folder + ": more than the 2 files that are read");
  std::filesystem::remove_all(place);
  CHECK(files.list(folder, 3).error().detail == folder + ": cannot be read: No such file or directory");
}

TEST_CASE("relative paths start beside the configuration file", "[config]") {
  CHECK(beside("conf/x.json", "a.pfx") == "conf/a.pfx");
  CHECK(beside("conf/x.json", "../demo/a.pfx") == "conf/../demo/a.pfx");
  CHECK(beside("/etc/signet/x.json", "a.pfx") == "/etc/signet/a.pfx");
  CHECK(beside("x.json", "a.pfx") == "a.pfx");
  CHECK(beside("conf/x.json", "/run/a.pfx") == "/run/a.pfx");
  CHECK(beside("conf/x.json", "").empty());
}
