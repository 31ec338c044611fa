// SPDX-License-Identifier: GPL-3.0-or-later
#include <catch2/generators/catch_generators.hpp>
#include <catch2/generators/catch_generators_range.hpp>

#include "certificate_files.h"

using Catch::Matchers::ContainsSubstring;
using Catch::Matchers::StartsWith;
using signet::as_bytes;
using signet::wire::Certificate;
using signet::wire::PfxOptions;
using namespace signet::wire::test_files;

namespace {

struct Row {
  const char* file;
  const char* pair;
  const char* chain;
};

constexpr const char* alone_p256 = "CN=p256";
constexpr const char* alone_rsa = "CN=rsa2048";

}  // namespace

TEST_CASE("PFX: every key type comes out with its whole chain", "[wire][pfx]") {
  const std::string kind = GENERATE("rsa2048", "rsa3072", "rsa4096", "p256", "p384", "p521", "ed25519");
  CAPTURE(kind);
  const auto certificate = usable(open("openssl/key-" + kind + ".pfx"));
  check_is_pair(*certificate, kind);
  CHECK(chain_names(*certificate) == "CN=" + kind + " < CN=Issuing CA < CN=Root CA");
  CHECK(certificate->friendly_name() == kind);
  CHECK(certificate->unrelated().empty());
}

TEST_CASE("PFX: what OpenSSL writes is read", "[wire][pfx]") {
  const Row row = GENERATE(
      Row{"pbe-AES-128-CBC", "p256", alone_p256}, Row{"pbe-AES-192-CBC", "p256", alone_p256}, Row{"pbe-AES-256-CBC", "p256", alone_p256},
      Row{"pbe-des-ede3-cbc", "p256", alone_p256}, Row{"legacy", "rsa2048", "CN=rsa2048 < CN=Issuing CA < CN=Root CA"},
      Row{"pbe-PBE-SHA1-3DES", "rsa2048", alone_rsa}, Row{"pbe-PBE-SHA1-2DES", "rsa2048", alone_rsa},
      Row{"pbe-PBE-SHA1-RC2-128", "rsa2048", alone_rsa}, Row{"pbe-PBE-SHA1-RC2-40", "rsa2048", alone_rsa},
      Row{"mac-md5", "p256", alone_p256}, Row{"mac-sha1", "p256", alone_p256}, Row{"mac-sha224", "p256", alone_p256},
      Row{"mac-sha256", "p256", alone_p256}, Row{"mac-sha384", "p256", alone_p256}, Row{"mac-sha512", "p256", alone_p256},
      Row{"no-encryption", "p256", alone_p256}, Row{"no-mac", "p256", alone_p256}, Row{"no-mac-no-encryption", "p256", alone_p256},
      Row{"certificates-encrypted-only", "p256", alone_p256}, Row{"key-encrypted-only", "p256", alone_p256},
      Row{"iterations-600000", "p256", alone_p256}, Row{"chain-reversed", "p256", "CN=p256 < CN=Issuing CA < CN=Root CA"});
  CAPTURE(row.file);
  const auto certificate = usable(open(std::string("openssl/") + row.file + ".pfx"));
  check_is_pair(*certificate, row.pair);
  CHECK(chain_names(*certificate) == row.chain);
}

TEST_CASE("PFX: what GnuTLS writes is read", "[wire][pfx]") {
  const std::string file = GENERATE("3des", "3des-pkcs12", "aes-128", "aes-192", "aes-256", "rc2-40");
  CAPTURE(file);
  const auto certificate = usable(open("gnutls/" + file + ".pfx"));
  check_is_pair(*certificate, "rsa2048");
  CHECK(chain_names(*certificate) == "CN=rsa2048 < CN=Issuing CA");
}

TEST_CASE("PFX: what NSS writes (Firefox, Thunderbird) is read", "[wire][pfx]") {
  const std::string file = GENERATE("default", "aes-256");
  CAPTURE(file);
  const auto certificate = usable(open("nss/" + file + ".pfx"));
  check_is_pair(*certificate, "rsa2048");
  CHECK(certificate->chain().size() == 3);
}

TEST_CASE("PFX: what Java writes is read", "[wire][pfx]") {
  const std::string file = GENERATE("default", "SHA1", "SHA224", "SHA384", "SHA512");
  CAPTURE(file);
  const auto certificate = usable(open("java/" + file + ".pfx"));
  check_is_pair(*certificate, "p256");
  CHECK(chain_names(*certificate) == "CN=p256 < CN=Issuing CA < CN=Root CA");
  CHECK(certificate->friendly_name() == "orders");
  check_is_pair(*usable(open("java/legacy.pfx")), "rsa2048");
}

TEST_CASE("PFX: passwords outside ASCII open the files of every program", "[wire][pfx]") {
  const Row row = GENERATE(Row{"openssl/umlaut-password", "p256", nullptr}, Row{"openssl/umlaut-password-legacy", "rsa2048", nullptr},
                           Row{"gnutls/umlaut-password", "rsa2048", nullptr}, Row{"nss/umlaut-password", "rsa2048", nullptr},
                           Row{"nss/umlaut-password-3des", "rsa2048", nullptr});
  CAPTURE(row.file);
  const auto certificate = usable(open(std::string(row.file) + ".pfx", {.password = read("pki/umlaut.password")}));
  check_is_pair(*certificate, row.pair);
}

TEST_CASE("PFX: a password of 200 characters opens the file", "[wire][pfx]") {
  const std::string password = read("pki/long.password");
  REQUIRE(password.size() == 200);
  check_is_pair(*usable(open("openssl/long-password.pfx", {.password = password})), "p256");
  check_is_pair(*usable(open("openssl/long-password-legacy.pfx", {.password = password})), "rsa2048");
}

TEST_CASE("PFX: without a password, and with an empty one, both meanings of no password are tried", "[wire][pfx]") {
  const Row row = GENERATE(Row{"openssl/empty-password", "p256", nullptr}, Row{"gnutls/empty-password", "rsa2048", nullptr},
                           Row{"gnutls/null-password", "rsa2048", nullptr});
  CAPTURE(row.file);
  check_is_pair(*usable(open(std::string(row.file) + ".pfx", {.password = ""})), row.pair);
  check_is_pair(*usable(open(std::string(row.file) + ".pfx", {.password = std::nullopt})), row.pair);
}
