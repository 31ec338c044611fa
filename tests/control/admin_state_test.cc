// SPDX-License-Identifier: GPL-3.0-or-later
// What is made in the state directory, and what stays there from start to start.
#include "signet/control/admin_state.h"

#include <stdlib.h>
#include <sys/stat.h>

#include <catch2/catch_test_macros.hpp>
#include <chrono>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <string>

#include "signet/base/limits.h"

using namespace signet;
using namespace signet::control;

namespace {

constexpr WallTime now{std::chrono::sys_days{std::chrono::year{2026} / 11 / 25}};
const Endpoint loopback = *parse_endpoint("127.0.0.1:9443");

class Folder {
 public:
  Folder() {
    std::string name = (std::filesystem::temp_directory_path() / "signet-state-XXXXXX").string();
    REQUIRE(mkdtemp(name.data()) != nullptr);
    path = name;
  }
  Folder(const Folder&) = delete;
  Folder& operator=(const Folder&) = delete;
  ~Folder() { std::filesystem::remove_all(path); }

  [[nodiscard]] std::string file(const char* name) const { return path + "/" + name; }
  [[nodiscard]] std::string read(const char* name) const {
    std::ifstream stream(file(name));
    return {std::istreambuf_iterator<char>(stream), {}};
  }
  void write(const char* name, const std::string& content) const { std::ofstream(file(name)) << content; }
  [[nodiscard]] mode_t mode(const char* name) const {
    struct stat status{};
    REQUIRE(stat(file(name).c_str(), &status) == 0);
    return status.st_mode & 0777U;
  }

  std::string path;
};

}  // namespace

TEST_CASE("the first token has 256 bits, is readable by its owner alone, and stays", "[control][state]") {
  const Folder folder;
  const mode_t before = umask(0);
  const Result<wire::Sha256Digest> made = bootstrap_token(folder.path);
  umask(before);
  REQUIRE(made.has_value());
  CHECK(folder.mode("admin.token") == 0600);
  std::string text = folder.read("admin.token");
  REQUIRE(text.ends_with('\n'));
  text.pop_back();
  CHECK(text.size() == 43);
  CHECK(text.find_first_not_of("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_") == std::string::npos);
  CHECK(*made == wire::sha256(as_bytes(text)));
  CHECK(bootstrap_token(folder.path).value() == *made);
  CHECK(std::distance(std::filesystem::directory_iterator(folder.path), {}) == 1);

  const Folder other;
  CHECK(bootstrap_token(other.path).value() != *made);
}

TEST_CASE("a token of one's own is taken if it is long enough", "[control][state]") {
  const Folder folder;
  const std::string token(limits::token_bytes_min, 't');
  folder.write("admin.token", token + "\r\n");
  CHECK(bootstrap_token(folder.path).value() == wire::sha256(as_bytes(token)));
  for (const std::string& bad : {std::string(), token.substr(1), token + " x", token + "\n" + token, std::string(5000, 't')}) {
    CAPTURE(bad);
    folder.write("admin.token", bad);
    const Result<wire::Sha256Digest> refused = bootstrap_token(folder.path);
    REQUIRE_FALSE(refused.has_value());
    CHECK(refused.error().detail.starts_with(folder.file("admin.token")));
    CHECK(refused.error().detail.find("tttt") == std::string::npos);
  }
}

TEST_CASE("what an interrupted start left behind does not hold up the next one", "[control][state]") {
  const Folder folder;
  folder.write("admin.token.tmp", "half");
  folder.write("admin.key.tmp", "half");
  CHECK(bootstrap_token(folder.path).has_value());
  CHECK(own_certificate(folder.path, loopback, now).has_value());
  CHECK_FALSE(std::filesystem::exists(folder.file("admin.token.tmp")));
  CHECK_FALSE(std::filesystem::exists(folder.file("admin.key.tmp")));
}

TEST_CASE("the listener's own certificate stays from start to start", "[control][state]") {
  const Folder folder;
  const auto made = own_certificate(folder.path, loopback, now);
  REQUIRE(made.has_value());
  CHECK(folder.mode("admin.crt") == 0644);
  CHECK(folder.mode("admin.key") == 0600);
  CHECK(folder.read("admin.crt").find("PRIVATE") == std::string::npos);
  const auto again = own_certificate(folder.path, loopback, now + std::chrono::days(600));
  CHECK(again.value()->thumbprint_sha256() == (*made)->thumbprint_sha256());
  // Valid a little before it was made: clocks of clients may be behind.
  CHECK((*made)->not_before() < now);
}

TEST_CASE("the listener's own certificate is renewed when less than 30 days are left", "[control][state]") {
  const Folder folder;
  const auto made = own_certificate(folder.path, loopback, now);
  REQUIRE(made.has_value());
  const WallTime last = (*made)->not_after() - limits::own_certificate_left_min;
  CHECK(own_certificate(folder.path, loopback, last).value()->thumbprint_sha256() == (*made)->thumbprint_sha256());
  const auto renewed = own_certificate(folder.path, loopback, last + std::chrono::seconds(1));
  CHECK(renewed.value()->thumbprint_sha256() != (*made)->thumbprint_sha256());
  CHECK((*renewed)->not_after() > (*made)->not_after());
}

TEST_CASE("the listener's own certificate names its address, and is made anew for another", "[control][state]") {
  const Folder folder;
  const auto first = own_certificate(folder.path, loopback, now);
  REQUIRE(first.has_value());
  CHECK((*first)->subject_alternative_names().size() == 3);
  const auto other = own_certificate(folder.path, *parse_endpoint("192.0.2.7:9443"), now);
  CHECK(other.value()->subject_alternative_names().back() == "IP:192.0.2.7");
  // The wildcard address is no address of a server: any certificate does.
  const auto any = own_certificate(folder.path, *parse_endpoint("0.0.0.0:9443"), now);
  CHECK(any.value()->thumbprint_sha256() == (*other)->thumbprint_sha256());
  CHECK(own_certificate(folder.path, *parse_endpoint("[::]:9443"), now).value()->thumbprint_sha256() == (*other)->thumbprint_sha256());
}

TEST_CASE("a certificate and a key that do not belong together are replaced", "[control][state]") {
  const Folder folder;
  const Folder stranger;
  REQUIRE(own_certificate(folder.path, loopback, now).has_value());
  REQUIRE(own_certificate(stranger.path, loopback, now).has_value());
  folder.write("admin.key", stranger.read("admin.key"));
  const auto made = own_certificate(folder.path, loopback, now);
  REQUIRE(made.has_value());
  CHECK(wire::Certificate::from_pem(folder.read("admin.crt"), folder.read("admin.key")).has_value());
  folder.write("admin.crt", "nonsense");
  CHECK(own_certificate(folder.path, loopback, now).has_value());
}
