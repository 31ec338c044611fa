// SPDX-License-Identifier: GPL-3.0-or-later
#include <wolfssl/ssl.h>

#include <catch2/generators/catch_generators.hpp>

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

TEST_CASE("PFX: what comes out is taken by the TLS library, for every key type", "[wire][pfx]") {
  const std::string kind = GENERATE("rsa2048", "rsa4096", "p256", "p384", "p521", "ed25519");
  CAPTURE(kind);
  const auto certificate = usable(open("openssl/key-" + kind + ".pfx"));
  const std::unique_ptr<WOLFSSL_CTX, void (*)(WOLFSSL_CTX*)> context(wolfSSL_CTX_new(wolfTLS_client_method()), wolfSSL_CTX_free);
  REQUIRE(context != nullptr);
  const auto octets = [](signet::ByteView bytes) { return reinterpret_cast<const unsigned char*>(bytes.data()); };
  const signet::ByteView leaf = certificate->chain_der().front();
  const signet::ByteView key = certificate->private_key_der();
  CHECK(wolfSSL_CTX_use_certificate_buffer(context.get(), octets(leaf), static_cast<long>(leaf.size()), WOLFSSL_FILETYPE_ASN1) ==
        WOLFSSL_SUCCESS);
  CHECK(wolfSSL_CTX_use_PrivateKey_buffer(context.get(), octets(key), static_cast<long>(key.size()), WOLFSSL_FILETYPE_ASN1) ==
        WOLFSSL_SUCCESS);
}

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
  const std::string long_password = read("pki/long.password");
  REQUIRE(long_password.size() == 200);
  check_is_pair(*usable(open("openssl/long-password.pfx", {.password = long_password})), "p256");
  check_is_pair(*usable(open("openssl/long-password-legacy.pfx", {.password = long_password})), "rsa2048");
}

TEST_CASE("PFX: without a password, and with an empty one, both meanings of no password are tried", "[wire][pfx]") {
  const Row row = GENERATE(Row{"openssl/empty-password", "p256", nullptr}, Row{"gnutls/empty-password", "rsa2048", nullptr},
                           Row{"gnutls/null-password", "rsa2048", nullptr});
  CAPTURE(row.file);
  check_is_pair(*usable(open(std::string(row.file) + ".pfx", {.password = ""})), row.pair);
  check_is_pair(*usable(open(std::string(row.file) + ".pfx", {.password = std::nullopt})), row.pair);
}

TEST_CASE("PFX: AES with 128, 192 and 256 bits under PBKDF2 with every HMAC-SHA is read", "[wire][pfx]") {
  const std::string bits = GENERATE("128", "192", "256");
  const std::string prf = GENERATE("sha1", "sha224", "sha256", "sha384", "sha512");
  CAPTURE(bits, prf);
  check_is_pair(*usable(open("built/aes-" + bits + "-" + prf + ".pfx")), "p256");
}

TEST_CASE("PFX: a PBMAC1 is checked, and refuses a wrong password", "[wire][pfx]") {
  const std::string file = GENERATE("sha256-sha256", "sha1-sha1", "sha512-sha384", "sha224-sha512");
  CAPTURE(file);
  check_is_pair(*usable(open("built/pbmac1-" + file + ".pfx")), "p256");
  CHECK(refusal(open("built/pbmac1-" + file + ".pfx", {.password = "wrong"})) == "the password is wrong");
}

TEST_CASE("PFX: indefinite lengths and octet strings in pieces are read", "[wire][pfx]") {
  const auto certificate = usable(open("built/ber.pfx"));
  check_is_pair(*certificate, "p256");
  CHECK(certificate->friendly_name() == "ber");
  CHECK(refusal(open("built/ber.pfx", {.password = "wrong"})) == "the password is wrong");
}

TEST_CASE("PFX: a MAC without an iteration count has one iteration", "[wire][pfx]") {
  check_is_pair(*usable(open("built/mac-default-iterations.pfx")), "p256");
}

TEST_CASE("PFX: bytes behind the file, bags of other kinds, nested safes and Windows attributes do no harm", "[wire][pfx]") {
  const std::string file = GENERATE("trailing-bytes", "other-bags", "windows-attributes", "key-with-attributes");
  CAPTURE(file);
  check_is_pair(*usable(open("built/" + file + ".pfx")), "p256");
}

TEST_CASE("PFX: the null and the empty password are different and both are found", "[wire][pfx]") {
  const std::string file = GENERATE("null-password", "empty-password", "no-mac-empty-password");
  CAPTURE(file);
  check_is_pair(*usable(open("built/" + file + ".pfx", {.password = std::nullopt})), "p256");
  check_is_pair(*usable(open("built/" + file + ".pfx", {.password = ""})), "p256");
}

TEST_CASE("PFX: programs that encode passwords in their own way are met half-way", "[wire][pfx]") {
  check_is_pair(*usable(open("built/umlaut-widened.pfx", {.password = read("pki/umlaut.password")})), "p256");
  check_is_pair(*usable(open("built/umlaut-bmp-in-pbkdf2.pfx", {.password = read("pki/umlaut.password")})), "p256");
  check_is_pair(*usable(open("built/emoji.pfx", {.password = "\xf0\x9f\x94\x91-key"})), "p256");
  // A password file in Latin-1 is no UTF-8.
  check_is_pair(*usable(open("built/latin1.pfx", {.password = "gr\xfc\xdf"
                                                              "e"})),
                "p256");
}

TEST_CASE("PFX: the chain is put in order whatever the file's order is", "[wire][pfx]") {
  const std::string file = GENERATE("order-0", "order-1", "order-2", "order-3");
  CAPTURE(file);
  const auto certificate = usable(open("built/" + file + ".pfx"));
  check_is_pair(*certificate, "p256");
  CHECK(chain_names(*certificate) == "CN=p256 < CN=Issuing CA < CN=Root CA");
  REQUIRE(certificate->chain_der().size() == 3);
  CHECK(certificate->chain_der()[1] == read_bytes("pki/issuing-ca.der"));
  CHECK(certificate->chain_der()[2] == read_bytes("pki/root-ca.der"));
}

TEST_CASE("PFX: the leaf is found by its key, not by an attribute, and repeated certificates count once", "[wire][pfx]") {
  const auto certificate = usable(open("built/misleading-key-id.pfx"));
  check_is_pair(*certificate, "p256");
  CHECK(chain_names(*certificate) == "CN=p256 < CN=Issuing CA < CN=Root CA");
  CHECK(certificate->unrelated().empty());
}

TEST_CASE("PFX: of two certificates for one key the named one is taken, else the one that is valid longer", "[wire][pfx]") {
  check_is_pair(*usable(open("built/renewed.pfx")), "renewed");
  const auto named = usable(open("built/renewed-old-named.pfx"));
  check_is_pair(*named, "p256");
  CHECK(named->friendly_name() == "old");
  CHECK(named->unrelated().size() == 1);
}

TEST_CASE("PFX: certificates outside the chain are listed and warned of, not sent", "[wire][pfx]") {
  const auto certificate = usable(open("openssl/chain-and-other.pfx"));
  CHECK(certificate->chain_der().size() == 3);
  REQUIRE(certificate->unrelated().size() == 1);
  CHECK(certificate->unrelated().front().subject == "CN=other");
  const auto warnings = certificate->warnings(certificate->not_before());
  REQUIRE(warnings.size() == 1);
  CHECK_THAT(warnings.front(), ContainsSubstring("CN=other"));
}

TEST_CASE("PFX: one of several private keys is chosen by friendly name", "[wire][pfx]") {
  check_is_pair(*usable(open("built/two-keys.pfx", {.password = password, .friendly_name = "Orders"})), "p256");
  // This one has its name on the certificate only.
  const auto billing = usable(open("built/two-keys.pfx", {.password = password, .friendly_name = "billing"}));
  check_is_pair(*billing, "rsa2048");
  CHECK(billing->friendly_name() == "Billing");
}

TEST_CASE("PFX: keytool's lower-case aliases answer to the name as it was typed", "[wire][pfx]") {
  check_is_pair(*usable(open("java/two-keys.pfx", {.password = password, .friendly_name = "Orders"})), "p256");
  check_is_pair(*usable(open("java/two-keys.pfx", {.password = password, .friendly_name = "billing"})), "rsa2048");
}

TEST_CASE("PFX: attributes that OpenSSL writes are read, names outside ASCII as UTF-8", "[wire][pfx]") {
  const auto certificate = usable(open("openssl/attributes.pfx"));
  CHECK(certificate->friendly_name() == "Bestellung \xc3\xa4\xe5\xaf\x86");
  CHECK(certificate->chain().size() == 3);
}

TEST_CASE("PFX: an expired certificate loads, with a warning", "[wire][pfx]") {
  const auto certificate = usable(open("openssl/expired.pfx"));
  check_is_pair(*certificate, "expired");
  const auto after = certificate->not_after() + std::chrono::seconds(1);
  CHECK(certificate->expired(after));
  CHECK_FALSE(certificate->expired(certificate->not_after()));
  const auto warnings = certificate->warnings(after);
  REQUIRE(warnings.size() == 1);
  CHECK(warnings.front() == "the certificate CN=expired expired on 2021-01-31T23:59:59Z");
}
