// SPDX-License-Identifier: GPL-3.0-or-later
// The settings of the management side.
#include <catch2/catch_test_macros.hpp>
#include <string>

#include "signet/config/load.h"

using namespace signet;
using namespace signet::config;

namespace {

Loaded load(const std::string& settings) {
  return parse_config("/etc/signet/x.json", R"({ "listeners": [{ "address": "127.0.0.1:8080" }], )" + settings + " }");
}

Loaded load_admin(const std::string& settings) {
  return load(R"("stateDirectory": "state", "admin": { )" + settings + " }");
}

std::string error_of(const Loaded& loaded) {
  CHECK_FALSE(loaded.config.has_value());
  REQUIRE(loaded.report.errors.size() == 1);
  return loaded.report.errors[0].source.pointer + ": " + loaded.report.errors[0].message;
}

}  // namespace

TEST_CASE("the management listener speaks TLS under a certificate of its own unless the file says otherwise", "[config][admin]") {
  const Loaded loaded = load_admin(R"("address": "127.0.0.1:9443")");
  const Admin& admin = loaded.config.value().admin.value();
  CHECK(admin.address.text() == "127.0.0.1:9443");
  CHECK(admin.tls);
  CHECK(admin.certificate_id.value.empty());
  CHECK(admin.tokens.empty());
  CHECK(loaded.config->state_directory.value == "/etc/signet/state");
  CHECK(loaded.report.warnings.empty());

  const Loaded named = load_admin(R"("address": "[::1]:0", "tls": { "certificateId": "management" })");
  CHECK(named.config.value().admin.value().tls);
  CHECK(named.config->admin->certificate_id.value == "management");
  CHECK_FALSE(load_admin(R"("address": "[::1]:0", "tls": false)").config.value().admin.value().tls);
  CHECK(load_admin(R"("address": "[::1]:0", "tls": true)").config.value().admin.value().tls);
}

TEST_CASE("without the setting there is no management listener", "[config][admin]") {
  CHECK_FALSE(load(R"("stateDirectory": "state")").config.value().admin.has_value());
}

TEST_CASE("a management listener without a state directory is refused", "[config][admin]") {
  CHECK(error_of(load(R"("admin": { "address": "127.0.0.1:9443" })")) ==
        R"(/admin: the management listener keeps its token and its objects in a folder: expected "stateDirectory" too)");
}

TEST_CASE("tokens never cross the network in clear", "[config][admin]") {
  CHECK(error_of(load_admin(R"("address": "10.0.0.1:9443", "tls": false)")).starts_with("/admin/tls: tokens would cross the network"));
}

TEST_CASE("a management listener that is not loopback is warned of", "[config][admin]") {
  const Loaded loaded = load_admin(R"("address": "0.0.0.0:9443")");
  REQUIRE(loaded.report.warnings.size() == 1);
  CHECK(loaded.report.warnings[0].source.pointer == "/admin/address");
}

TEST_CASE("faults of the management listener are named with their place", "[config][admin]") {
  CHECK(error_of(load_admin("")).starts_with("/admin: "));
  CHECK(error_of(load_admin(R"("address": "localhost:9443")")).starts_with("/admin/address: expected an IP address and a port"));
  CHECK(error_of(load_admin(R"("address": "127.0.0.1:8080")")) == "/admin/address: a listener of the data plane has this address");
  CHECK(error_of(load_admin(R"("address": "127.0.0.1:9443", "tls": "no")")).starts_with("/admin/tls: expected false, or an object"));
  CHECK(error_of(load_admin(R"("address": "127.0.0.1:9443", "tls": {})")).starts_with("/admin/tls: "));
}

TEST_CASE("further tokens have a name, a role and a digest", "[config][admin]") {
  const std::string digest(64, 'a');
  const auto tokens = [&](const std::string& list) { return load_admin(R"("address": "127.0.0.1:9443", "tokens": [)" + list + "]"); };
  const auto token = [](const std::string& name, const std::string& role, const std::string& sha256) {
    return R"({ "name": ")" + name + R"(", "role": ")" + role + R"(", "sha256": ")" + sha256 + R"(" })";
  };
  const Loaded loaded = tokens(token("ci", "write", digest) + ", " + token("monitor", "read", std::string(64, 'B')));
  const std::vector<AdminToken>& read = loaded.config.value().admin.value().tokens;
  REQUIRE(read.size() == 2);
  CHECK(read[0].name == "ci");
  CHECK(read[0].role == AdminRole::write);
  CHECK(read[0].sha256[31] == std::byte{0xaa});
  CHECK(read[1].role == AdminRole::read);
  CHECK(read[1].sha256[0] == std::byte{0xbb});

  CHECK(error_of(tokens(token("ci", "write", "ab"))).starts_with("/admin/tokens/0/sha256: expected the SHA-256"));
  CHECK(error_of(tokens(token("ci", "write", std::string(64, 'g')))).starts_with("/admin/tokens/0/sha256: expected the SHA-256"));
  CHECK(error_of(tokens(token("ci", "admin", digest))).starts_with("/admin/tokens/0/role: "));
  CHECK(error_of(tokens(token("c i", "read", digest))).starts_with("/admin/tokens/0/name: expected letters"));
  CHECK(error_of(tokens(token("bootstrap", "read", digest))).starts_with("/admin/tokens/0/name: this is the name of the token"));
  CHECK(error_of(tokens(token("a", "read", digest) + ", " + token("a", "read", std::string(64, 'c')))) ==
        "/admin/tokens/1/name: another token has this name");
  CHECK(error_of(tokens(token("a", "read", digest) + ", " + token("b", "write", digest))).starts_with("/admin/tokens/1/sha256: another"));
}

TEST_CASE("internal back ends and the root of secrets are settings beside the listener", "[config][admin]") {
  const Loaded loaded = load(R"("allowInternalBackends": ["169.254.10.0/24"], "secretsRoot": "/run/secrets")");
  REQUIRE(loaded.config.value().allow_internal_backends.size() == 1);
  CHECK(loaded.config->allow_internal_backends[0].text() == "169.254.10.0/24");
  CHECK(loaded.config->secrets_root.value == "/run/secrets");
  CHECK(error_of(load(R"("allowInternalBackends": ["169.254.10.1/24"])")).starts_with("/allowInternalBackends/0: "));
}
