// SPDX-License-Identifier: GPL-3.0-or-later
#include "signet/wire/self_signed.h"

#include <catch2/catch_test_macros.hpp>
#include <chrono>

#include "signet/wire/certificate.h"
#include "signet/wire/digest.h"

using namespace signet;
using namespace signet::wire;

namespace {

constexpr WallTime now{std::chrono::sys_days{std::chrono::year{2026} / 11 / 25}};

SelfSignedOptions options() {
  return {.common_name = "Signet management",
          .dns_names = {"localhost"},
          .addresses = {*parse_address("127.0.0.1", 0), *parse_address("::1", 0), *parse_address("192.0.2.7", 9443)},
          .not_before = now,
          .not_after = now + std::chrono::days(730)};
}

}  // namespace

TEST_CASE("a self-signed certificate says whom it is for, how long, and that it signs nothing else", "[wire][self-signed]") {
  Result<SelfSigned> made = make_self_signed(options());
  REQUIRE(made.has_value());
  const Result<std::shared_ptr<const Certificate>> read = Certificate::from_pem(made->certificate, made->key);
  REQUIRE(read.has_value());
  const CertificateInfo& leaf = (*read)->leaf();
  CHECK(leaf.subject == "CN=Signet management");
  CHECK(leaf.issuer == leaf.subject);
  CHECK(leaf.key_type == "EC P-256");
  CHECK(leaf.not_before == now);
  CHECK(leaf.not_after == now + std::chrono::days(730));
  CHECK(leaf.subject_alternative_names == std::vector<std::string>{"DNS:localhost", "IP:127.0.0.1", "IP:::1", "IP:192.0.2.7"});
  CHECK(leaf.extended_key_usages == std::vector<std::string>{"serverAuth"});
  CHECK_FALSE(leaf.ca);
  CHECK(leaf.serial.size() == 32);
}

TEST_CASE("no two self-signed certificates have a serial number or a key in common", "[wire][self-signed]") {
  Result<SelfSigned> first = make_self_signed(options());
  Result<SelfSigned> second = make_self_signed(options());
  REQUIRE(first.has_value());
  REQUIRE(second.has_value());
  CHECK(first->key != second->key);
  CHECK(Certificate::from_pem(first->certificate, first->key).value()->serial() !=
        Certificate::from_pem(second->certificate, second->key).value()->serial());
  CHECK_FALSE(Certificate::from_pem(first->certificate, second->key).has_value());
}

TEST_CASE("a self-signed certificate may end after 2049", "[wire][self-signed]") {
  SelfSignedOptions far = options();
  far.not_after = std::chrono::sys_days{std::chrono::year{2060} / 1 / 2};
  Result<SelfSigned> made = make_self_signed(far);
  REQUIRE(made.has_value());
  CHECK(Certificate::from_pem(made->certificate, made->key).value()->not_after() == far.not_after);
}

TEST_CASE("more names than a certificate can hold are refused", "[wire][self-signed]") {
  SelfSignedOptions many = options();
  many.dns_names.assign(2000, "a-rather-long-name-of-a-host.example");
  CHECK_FALSE(make_self_signed(many).has_value());
}

TEST_CASE("SHA-256 of a known text", "[wire]") {
  CHECK(sha256(as_bytes("abc"))[0] == std::byte{0xba});
  CHECK(sha256(as_bytes("abc"))[31] == std::byte{0xad});
}
