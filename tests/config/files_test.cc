// SPDX-License-Identifier: GPL-3.0-or-later
#include "signet/config/files.h"

#include <stdlib.h>
#include <unistd.h>

#include <catch2/catch_test_macros.hpp>
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

TEST_CASE("relative paths start beside the configuration file", "[config]") {
  CHECK(beside("conf/x.json", "a.pfx") == "conf/a.pfx");
  CHECK(beside("conf/x.json", "../demo/a.pfx") == "conf/../demo/a.pfx");
  CHECK(beside("/etc/signet/x.json", "a.pfx") == "/etc/signet/a.pfx");
  CHECK(beside("x.json", "a.pfx") == "a.pfx");
  CHECK(beside("conf/x.json", "/run/a.pfx") == "/run/a.pfx");
  CHECK(beside("conf/x.json", "").empty());
}
