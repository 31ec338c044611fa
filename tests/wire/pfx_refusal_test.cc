// SPDX-License-Identifier: GPL-3.0-or-later
#include <catch2/generators/catch_generators.hpp>

#include "certificate_files.h"

using Catch::Matchers::ContainsSubstring;
using Catch::Matchers::StartsWith;
using signet::as_bytes;
using signet::wire::Certificate;
using signet::wire::PfxOptions;
using namespace signet::wire::test_files;

namespace {

std::string refusal_of(const std::string& bytes, const PfxOptions& options = {.password = password}) {
  return refusal(Certificate::from_pfx(as_bytes(bytes), options));
}

}  // namespace

TEST_CASE("PFX: a wrong password is called that, with every kind of MAC and encryption", "[wire][pfx]") {
  const std::string file = GENERATE("openssl/key-p256", "openssl/legacy", "openssl/pbe-PBE-SHA1-RC2-40", "openssl/key-encrypted-only",
                                    "openssl/umlaut-password", "gnutls/aes-256", "nss/aes-256", "nss/default", "built/null-password");
  CAPTURE(file);
  CHECK(refusal(open(file + ".pfx", {.password = "not it"})) == "the password is wrong");
}

TEST_CASE("PFX: a missing and an empty password are told apart from a wrong one", "[wire][pfx]") {
  const std::string file = GENERATE("openssl/key-p256", "built/no-mac", "built/no-mac-key-only-encrypted");
  CAPTURE(file);
  CHECK(refusal(open(file + ".pfx", {.password = std::nullopt})) == "it is protected by a password, and none is given");
  CHECK_THAT(refusal(open(file + ".pfx", {.password = ""})), StartsWith("the password is wrong: "));
}

TEST_CASE("PFX: a damaged file is told apart from a wrong password", "[wire][pfx]") {
  const std::string whole = read("openssl/key-p256.pfx");
  SECTION("cut off") {
    CHECK_THAT(refusal_of(whole.substr(0, whole.size() - 1)), StartsWith("damaged: it is cut off, it says that it has "));
    CHECK_THAT(refusal_of(whole.substr(0, 20)), StartsWith("damaged: it is cut off"));
  }
  SECTION("a changed MAC") {
    std::string changed = whole;
    // The digest is followed by salt (4 + 8 octets at most) and count.
    changed[changed.size() - 24] = static_cast<char>(changed[changed.size() - 24] ^ 1);
    CHECK_THAT(refusal_of(changed), StartsWith("damaged: the password is right"));
    CHECK(refusal_of(changed, {.password = "wrong"}) == "the password is wrong");
  }
  SECTION("a changed ciphertext") {
    std::string changed = whole;
    changed[changed.size() / 3] = static_cast<char>(changed[changed.size() / 3] ^ 0x10);
    CHECK_THAT(refusal_of(changed), StartsWith("damaged: the password is right"));
  }
}

TEST_CASE("PFX: where nothing can tell a wrong password from damage, both are named", "[wire][pfx]") {
  CHECK_THAT(refusal(open("built/no-mac.pfx", {.password = "wrong"})),
             StartsWith("the password is wrong or the file is damaged: it does not open, and there is no integrity check"));
  CHECK_THAT(refusal(open("built/no-mac-key-only-encrypted.pfx", {.password = "wrong"})),
             StartsWith("the password is wrong or the private key is damaged"));
  CHECK(refusal(open("built/mac-of-something-else.pfx")) ==
        "the password is wrong or the file is damaged: its integrity check (MAC) fails");
}

TEST_CASE("PFX: parts under another password than the file are called that", "[wire][pfx]") {
  CHECK(refusal(open("built/two-passwords.pfx")) == "the private key in it has another password than the file");
  CHECK(refusal(open("built/two-passwords-in-safes.pfx")) == "one of its encrypted parts has another password than the file");
}

TEST_CASE("PFX: a file that is something else is called what it is", "[wire][pfx]") {
  struct Row {
    const char* file;
    const char* kind;
  };
  const Row row = GENERATE(
      Row{"pki/p256.crt", "PEM text (CERTIFICATE)"}, Row{"pki/p256.key", "PEM text (PRIVATE KEY)"},
      Row{"pki/p256.der", "a DER certificate, which has no private key"}, Row{"pki/p256.pk8", "a private key alone (PKCS #8, DER)"},
      Row{"openssl/bundle.p7b", "a PKCS #7 bundle of certificates, which has no private key"}, Row{"pki/umlaut.password", "text"});
  CAPTURE(row.file);
  CHECK(refusal_of(read(row.file)) == std::string("this is not a PFX (PKCS #12) file but ") + row.kind);
}

TEST_CASE("PFX: Base64, old Java stores, UTF-16, markup, nothing and noise are called what they are", "[wire][pfx]") {
  CHECK_THAT(refusal_of(""), ContainsSubstring("an empty file"));
  CHECK_THAT(refusal_of("MIIBAgIBAzCB"), ContainsSubstring("Base64 text"));
  CHECK_THAT(refusal_of("MAoCAQMwBQYDKgME\r\n"), ContainsSubstring("Base64 text (of a PFX (PKCS #12) file): decode it first"));
  CHECK_THAT(refusal_of(std::string("\xff\xfe-\0-\0", 6)), ContainsSubstring("UTF-16 text"));
  CHECK_THAT(refusal_of("<!DOCTYPE html>"), ContainsSubstring("HTML or XML text"));
  CHECK_THAT(refusal_of(std::string("\0\1\2\3", 4)), ContainsSubstring("data of an unknown kind"));
  CHECK_THAT(refusal_of(std::string("\x30\x03\x01\x01\x00", 5)), ContainsSubstring("another kind of DER file"));
  CHECK_THAT(refusal_of(read("java/keystore.jks")), ContainsSubstring("a Java keystore in the old JKS format"));
}

TEST_CASE("PFX: no private key, no certificate and a key of another certificate have sentences of their own", "[wire][pfx]") {
  CHECK(refusal(open("openssl/no-key.pfx")) ==
        "there is no private key in it, only 3 certificates: export it again together with the private key");
  CHECK_THAT(refusal(open("built/nothing.pfx")), StartsWith("there is no private key in it, only 0 certificates"));
  CHECK(refusal(open("built/key-alone.pfx")) == "there is a private key but no certificate");
  CHECK(refusal(open("built/key-does-not-match.pfx")) ==
        "the private key (RSA 2048) does not match any certificate of the file; there are: CN=p256,OU=Orders,O=Contoso (EC P-256); "
        "CN=Root CA,O=Contoso (EC P-256)");
  CHECK_THAT(refusal(open("built/damaged-certificate.pfx")), StartsWith("certificate 1 in it cannot be used: the certificate is damaged"));
}

TEST_CASE("PFX: several private keys are listed", "[wire][pfx]") {
  const std::string all = "\"Orders\" (CN=p256,OU=Orders,O=Contoso), \"Billing\" (CN=rsa2048,OU=Orders,O=Contoso)";
  CHECK(refusal(open("built/two-keys.pfx")) == "there are 2 private keys in it, choose one by its friendly name: " + all);
  CHECK(refusal(open("built/two-keys.pfx", {.password = password, .friendly_name = "orders2"})) ==
        "no private key in it is named \"orders2\"; there are: " + all);
  CHECK_THAT(refusal(open("built/two-keys-same-name.pfx", {.password = password, .friendly_name = "x"})),
             StartsWith("several private keys in it are named \"x\""));
  CHECK_THAT(refusal(open("built/two-keys-without-names.pfx")), ContainsSubstring("one without a name, one without a name"));
}

TEST_CASE("PFX: what is not supported is named", "[wire][pfx]") {
  struct Row {
    const char* file;
    const char* sentence;
  };
  const Row row = GENERATE(
      Row{"openssl/rc4", "its encryption is not supported: PBE with SHA-1 and RC4-128"},
      Row{"openssl/camellia", "its encryption is not supported: Camellia-256-CBC"},
      Row{"built/scrypt", "its key derivation is not supported: scrypt"}, Row{"built/gcm", "its encryption is not supported: AES-256-GCM"},
      Row{"built/prf-md5", "the pseudo-random function of its key derivation is not supported: HMAC-MD5"},
      Row{"built/mac-unknown-digest", "its integrity check (MAC) is not supported: Streebog-512"},
      Row{"built/public-key-integrity", "PFX files whose integrity is protected by a signature instead of a password are not supported"},
      Row{"built/public-key-encryption",
          "a part of it is not supported: enveloped data (encrypted to a public key instead of with a password)"});
  CAPTURE(row.file);
  CHECK(refusal(open(std::string(row.file) + ".pfx")) == row.sentence);
}

TEST_CASE("PFX: iteration counts over the limit are refused before any work is done", "[wire][pfx]") {
  CHECK(refusal(open("built/mac-over-the-limit.pfx")) ==
        "the iteration count of its key derivation, 2000000000, is over the limit of 5000000");
  CHECK(refusal(open("openssl/iterations-600000.pfx", {.password = password, .iterations_max = 599'999})) ==
        "the iteration count of its key derivation, 600000, is over the limit of 599999");
  CHECK(refusal(open("built/many-derivations.pfx", {.password = password, .iterations_max = 1000})) ==
        "its key derivations together are over the limit of 8 times 1000 iterations");
  CHECK_THAT(refusal(open("built/mac-zero-iterations.pfx")), StartsWith("damaged: "));
}

TEST_CASE("PFX: nesting and size have limits", "[wire][pfx]") {
  CHECK_THAT(refusal(open("built/too-deep.pfx")), StartsWith("damaged: "));
  CHECK_THAT(refusal_of(std::string(signet::wire::certificate_file_bytes_max + 1, '0')), StartsWith("it is too large"));
}

TEST_CASE("PFX: no truncation and no changed byte is taken for a good file", "[wire][pfx]") {
  // No encryption: nothing costs time. The MAC covers the contents; outside of it, only a change that means the same may pass.
  const std::string whole = read("openssl/no-encryption.pfx");
  for (std::size_t size = 0; size < whole.size(); ++size) {
    CAPTURE(size);
    CHECK_FALSE(Certificate::from_pfx(as_bytes(whole.substr(0, size)), {.password = password}).has_value());
  }
  const auto good = usable(Certificate::from_pfx(as_bytes(whole), {.password = password}));
  for (std::size_t at = 0; at < whole.size(); at += 3) {
    std::string changed = whole;
    changed[at] = static_cast<char>(changed[at] ^ 0x04);
    const auto result = Certificate::from_pfx(as_bytes(changed), {.password = password});
    CAPTURE(at);
    if (result) CHECK((*result)->chain_der().front() == good->chain_der().front());
  }
}
