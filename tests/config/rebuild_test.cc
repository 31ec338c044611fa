// SPDX-License-Identifier: GPL-3.0-or-later
#include <catch2/catch_test_macros.hpp>
#include <cstddef>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "signet/config/load.h"
#include "signet/config/snapshot.h"
#include "signet/wire/self_signed.h"
#include "support/test_pki.h"

using namespace signet;
using namespace signet::config;
using signet::test::TestPki;

namespace {

constexpr std::size_t many = 200;

class MemoryFiles final : public Files {
 public:
  std::map<std::string, std::string> files;

  Result<std::string> read(const std::string& path, std::size_t /*bytes_max*/) override {
    const auto file = files.find(path);
    if (file == files.end()) {
      return fail(ErrorKind::config, Origin::internal, path);
    }
    return file->second;
  }
  Result<std::vector<std::string>> list(const std::string& directory, std::size_t /*count_max*/) override {
    return fail(ErrorKind::config, Origin::internal, directory);
  }
  std::optional<std::string> environment(const std::string& /*name*/) override { return std::nullopt; }
};

/// What a build did not take over from the one before.
struct Anew {
  std::size_t certificates = 0;
  std::size_t identities = 0;
  std::size_t policies = 0;

  friend bool operator==(const Anew&, const Anew&) = default;
};

Anew made_anew(const Snapshot& before, const Snapshot& after) {
  Anew anew;
  for (const auto& [id, certificate] : after.certificates()) {
    anew.certificates += before.certificates().at(id) == certificate ? 0U : 1U;
  }
  REQUIRE(before.upstreams().size() == after.upstreams().size());
  for (std::size_t at = 0; at < after.upstreams().size(); ++at) {
    anew.identities += before.upstreams()[at]->identity == after.upstreams()[at]->identity ? 0U : 1U;
  }
  for (std::size_t at = 0; at < after.config().apis.size(); ++at) {
    const std::optional<PolicyDocument>& policy = after.config().apis[at].policy;
    anew.policies += policy && before.config().apis[at].policy->references == policy->references ? 0U : 1U;
  }
  return anew;
}

/// As many certificates as back ends, and as APIs with a policy each; a policy that shows the next API's certificate makes an upstream of
/// its own.
class Gateway {
 public:
  Gateway() {
    files.files["root.pem"] = TestPki::instance().file("root.pem");
    for (std::size_t at = 0; at < many; ++at) {
      renew(at);
      files.files[policy(at)] = "<policies><inbound><base/><authentication-certificate certificate-id='c" +
                                std::to_string((at + 1) % many) + "'/></inbound></policies>";
    }
  }

  static std::string policy(std::size_t at) { return std::to_string(at) + ".xml"; }

  void renew(std::size_t at) {
    const Result<wire::SelfSigned> made = wire::make_self_signed({.common_name = std::to_string(at),
                                                                  .dns_names = {},
                                                                  .addresses = {},
                                                                  .not_before = now(),
                                                                  .not_after = now() + std::chrono::hours(48)});
    REQUIRE(made.has_value());
    files.files[std::to_string(at) + ".crt"] = made->certificate;
    files.files[std::to_string(at) + ".key"] = made->key;
  }

  static WallTime now() { return TestPki::instance().certificate("client")->not_before() + std::chrono::hours(24); }

  std::shared_ptr<const Snapshot> build(const std::string& first_line = "") {
    std::string certificates, backends, apis;
    for (std::size_t at = 0; at < many; ++at) {
      const std::string comma = at == 0 ? "" : ",\n";
      const std::string n = std::to_string(at);
      certificates += comma + R"({"id": "c)" + n + R"(", "pemFile": ")" + n + R"(.crt", "keyFile": ")" + n + R"(.key"})";
      backends += comma + R"({"id": "b)" + n + R"(", "url": "https://Back-End.example", "credentials": {"certificateIds": ["c)" + n +
                  R"("]}, "tls": {"certificateAuthorities": ["root"], "serverCertificateThumbprints": ["aa)" + std::string(38, 'b') +
                  R"("]}})";
      apis += comma + R"({"id": "a)" + n + R"(", "path": "a)" + n + R"(", "backendId": "b)" + n + R"(", "policyFile": ")" + policy(at) +
              R"("})";
    }
    const Loaded loaded = parse_config("x.json", "{" + first_line + R"("listeners": [{"address": "127.0.0.1:8080"}],
      "certificateAuthorities": [{"id": "root", "pemFile": "root.pem"}],
      "certificates": [)" + certificates + R"(], "backends": [)" +
                                                     backends + R"(], "apis": [)" + apis + "]}");
    REQUIRE(loaded.config);
    const Built built = build_snapshot(*loaded.config, files, {.now = now() + std::chrono::hours(1), .material = &material});
    REQUIRE(built.snapshot != nullptr);
    return built.snapshot;
  }

  MemoryFiles files;
  Material material;
};

}  // namespace

TEST_CASE("a reload makes anew what has changed, and nothing else", "[config][reload]") {
  Gateway gateway;
  const std::shared_ptr<const Snapshot> before = gateway.build();
  REQUIRE(before->upstreams().size() == 2 * many);

  SECTION("nothing") {
    CHECK(made_anew(*before, *gateway.build()) == Anew{});
  }
  SECTION("one certificate: with it goes the identity of its backend, and that of the API that shows it") {
    gateway.renew(7);
    CHECK(made_anew(*before, *gateway.build()) == Anew{.certificates = 1, .identities = 2, .policies = 0});
  }
  SECTION("one policy") {
    gateway.files.files[Gateway::policy(7)] += "\n";
    CHECK(made_anew(*before, *gateway.build()) == Anew{.certificates = 0, .identities = 0, .policies = 1});
  }
  SECTION("lines of the configuration file are not what an identity is made of") {
    CHECK(made_anew(*before, *gateway.build("\n\n")) == Anew{});
  }
  SECTION("an authority that says the same in another file") {
    gateway.files.files["root.pem"] += "\n";
    CHECK(made_anew(*before, *gateway.build()) == Anew{});
  }
  SECTION("another authority: everybody who trusts it") {
    gateway.files.files["root.pem"] = TestPki::instance().file("client.pem");
    CHECK(made_anew(*before, *gateway.build()) == Anew{.certificates = 0, .identities = 2 * many, .policies = 0});
  }
}
