// SPDX-License-Identifier: GPL-3.0-or-later
#include "signet/wire/identity.h"

#include <algorithm>
#include <array>
#include <catch2/catch_test_macros.hpp>
#include <functional>
#include <set>
#include <string>
#include <vector>

#include "support/test_pki.h"

using namespace signet;
using namespace signet::wire;
using signet::test::TestPki;

namespace {

IdentitySettings base_settings() {
  const TestPki& pki = TestPki::instance();
  return {.certificate = pki.certificate("client"), .authorities = {pki.authority()}, .server_name = "orders.internal"};
}

IdentityKey key_of(IdentitySettings settings) {
  auto identity = Identity::make(std::move(settings));
  REQUIRE(identity.has_value());
  return (*identity)->key();
}

const std::string sha1(40, 'A');
const std::string sha256(64, 'B');

struct Change {
  const char* field;
  std::function<void(IdentitySettings&)> apply;
};

/// At least one per field of IdentitySettings, and the ways in which a careless encoding would take two for the same.
std::vector<Change> changes() {
  static const TestPki& pki = TestPki::instance();
  return {
      {"no certificate", [](auto& s) { s.certificate = nullptr; }},
      {"another certificate", [](auto& s) { s.certificate = pki.certificate("other-client", "other-root"); }},
      {"another chain", [](auto& s) { s.certificate = pki.certificate("client", ""); }},
      {"no authority", [](auto& s) { s.authorities.clear(); }},
      {"another authority", [](auto& s) { s.authorities = {pki.authority("other-root")}; }},
      {"one more authority", [](auto& s) { s.authorities.push_back(pki.authority("other-root")); }},
      {"a revocation list", [](auto& s) { s.revocation_lists = {pki.bytes("root.crl")}; }},
      {"another revocation list", [](auto& s) { s.revocation_lists = {pki.bytes("issuing.crl")}; }},
      {"chain not validated", [](auto& s) { s.validate_chain = Check::off; }},
      {"name not validated", [](auto& s) { s.validate_name = Check::off; }},
      {"thumbprint", [](auto& s) { s.server_certificate_thumbprints = {sha1}; }},
      {"another thumbprint", [](auto& s) { s.server_certificate_thumbprints = {sha256}; }},
      {"two thumbprints", [](auto& s) { s.server_certificate_thumbprints = {sha1, sha256}; }},
      {"X.509 name", [](auto& s) { s.server_x509_names = {{.common_name = "a"}}; }},
      {"another X.509 name", [](auto& s) { s.server_x509_names = {{.common_name = "b"}}; }},
      {"X.509 name with issuer", [](auto& s) { s.server_x509_names = {{.common_name = "a", .issuer_thumbprint = sha1}}; }},
      {"X.509 names", [](auto& s) { s.server_x509_names = {{.common_name = "a"}, {.common_name = "b"}}; }},
      {"server name", [](auto& s) { s.server_name = "other.internal"; }},
      {"lowest version", [](auto& s) { s.min_version = TlsVersion::tls13; }},
      {"highest version", [](auto& s) { s.max_version = TlsVersion::tls12; }},
      {"groups", [](auto& s) { s.groups = {TlsGroup::x25519}; }},
      {"order of groups", [](auto& s) { std::swap(s.groups[0], s.groups[1]); }},
      {"alpn", [](auto& s) { s.alpn = {"http/1.1"}; }},
      {"two alpn", [](auto& s) { s.alpn = {"http", "1.1"}; }},
      {"order of alpn", [](auto& s) { s.alpn = {"1.1", "http"}; }},
      {"late authentication", [](auto& s) { s.late_authentication = LateAuthentication::allow; }},
      {"certificate request", [](auto& s) { s.require_certificate_request = Check::on; }},
      {"session lifetime", [](auto& s) { s.session_lifetime = std::chrono::seconds(0); }},
      {"another session lifetime", [](auto& s) { s.session_lifetime = std::chrono::hours(2); }},
  };
}

}  // namespace

TEST_CASE("every setting changes the identity key, each in its own way", "[wire]") {
  std::set<IdentityKey> seen{key_of(base_settings())};
  for (const Change& change : changes()) {
    CAPTURE(change.field);
    IdentitySettings settings = base_settings();
    change.apply(settings);
    CHECK(seen.insert(key_of(std::move(settings))).second);
  }
}

TEST_CASE("equal settings have equal keys, however they are written", "[wire]") {
  const TestPki& pki = TestPki::instance();
  IdentitySettings one = base_settings();
  one.authorities = {pki.authority("root"), pki.authority("other-root")};
  one.revocation_lists = {pki.bytes("root.crl"), pki.bytes("issuing.crl")};
  one.server_certificate_thumbprints = {std::string(40, 'A'), std::string(64, 'B')};
  one.server_x509_names = {{.common_name = "a", .issuer_thumbprint = sha1}, {.common_name = "b"}};

  IdentitySettings other = base_settings();
  other.certificate = pki.certificate("client");
  other.authorities = {pki.authority("other-root"), pki.authority("root"), pki.authority("root")};
  other.revocation_lists = {pki.bytes("issuing.crl"), pki.bytes("root.crl")};
  std::string colons;
  for (int at = 0; at < 32; ++at) {
    colons += at == 0 ? "bb" : ":bb";
  }
  other.server_certificate_thumbprints = {colons, std::string(20, 'a') + " " + std::string(20, 'A')};
  other.server_x509_names = {{.common_name = "b"}, {.common_name = "a", .issuer_thumbprint = std::string(40, 'a')}};
  other.server_name = "Orders.Internal.";

  CHECK(key_of(one) == key_of(other));
}

TEST_CASE("a key has 64 lower-case hexadecimal digits and does not change between builds", "[wire]") {
  // Settings without files, so that the digest can stand here. A change of the format must raise its version, and change this text.
  IdentitySettings settings;
  settings.server_name = "orders.internal";
  settings.groups = {TlsGroup::x25519, TlsGroup::secp256r1, TlsGroup::x25519_mlkem768};
  CHECK(key_of(settings).text() == "97fa907a76da620e81ee06158b8cd9ba728aa00ab4e96ba352cb8314305ee6ae");
}

TEST_CASE("settings that contradict themselves make no identity, and the error names the setting", "[wire]") {
  const auto refused = [](const std::function<void(IdentitySettings&)>& apply) {
    IdentitySettings settings = base_settings();
    apply(settings);
    const auto identity = Identity::make(std::move(settings));
    REQUIRE_FALSE(identity.has_value());
    CHECK(identity.error().kind == ErrorKind::config);
    CHECK(identity.error().origin == Origin::internal);
    return identity.error().detail;
  };
  CHECK(refused([](auto& s) { s.server_name = ""; }).find("server name") != std::string::npos);
  CHECK(refused([](auto& s) { s.server_name = "*.example.com"; }).find("*.example.com") != std::string::npos);
  CHECK(refused([](auto& s) { s.server_certificate_thumbprints = {"AB"}; }).find("\"AB\"") != std::string::npos);
  CHECK(refused([](auto& s) { s.server_certificate_thumbprints = {std::string(40, 'G')}; }).find("GGG") != std::string::npos);
  CHECK(refused([](auto& s) { s.server_x509_names = {{.common_name = ""}}; }).find("common name") != std::string::npos);
  CHECK(refused([](auto& s) { s.server_x509_names = {{.common_name = "a", .issuer_thumbprint = "12"}}; }).find("\"12\"") !=
        std::string::npos);
  CHECK(refused([](auto& s) {
          s.min_version = TlsVersion::tls13;
          s.max_version = TlsVersion::tls12;
        }).find("version") != std::string::npos);
  CHECK(refused([](auto& s) { s.groups = {}; }).find("groups") != std::string::npos);
  CHECK(refused([](auto& s) { s.groups = {TlsGroup::x25519, TlsGroup::x25519}; }).find("X25519") != std::string::npos);
  CHECK(refused([](auto& s) {
          s.max_version = TlsVersion::tls12;
          s.groups = {TlsGroup::x25519_mlkem768};
        }).find("X25519MLKEM768") != std::string::npos);
  CHECK(refused([](auto& s) { s.session_lifetime = std::chrono::seconds(-1); }).find("session lifetime") != std::string::npos);
  CHECK(refused([](auto& s) { s.session_lifetime = std::chrono::days(8); }).find("session lifetime") != std::string::npos);
  CHECK(refused([](auto& s) { s.alpn = {""}; }).find("alpn") != std::string::npos);
  CHECK(refused([](auto& s) { s.alpn = {std::string(256, 'x')}; }).find("alpn") != std::string::npos);
}

TEST_CASE("without a name check, no server name is needed", "[wire]") {
  IdentitySettings settings = base_settings();
  settings.server_name = "";
  settings.validate_name = Check::off;
  const auto identity = Identity::make(std::move(settings));
  REQUIRE(identity.has_value());
  CHECK((*identity)->server_name() == nullptr);
}
