// SPDX-License-Identifier: GPL-3.0-or-later
#include <catch2/generators/catch_generators.hpp>

#include "certificate_files.h"
#include "wire/private_key.h"

using Catch::Matchers::ContainsSubstring;
using Catch::Matchers::StartsWith;
using signet::as_bytes;
using signet::wire::Certificate;
using signet::wire::CertificateAuthority;
using namespace signet::wire::test_files;

TEST_CASE("PEM: every key type is read from PKCS #8", "[wire][pem]") {
  const std::string kind = GENERATE("rsa2048", "rsa3072", "rsa4096", "p256", "p384", "p521", "ed25519");
  CAPTURE(kind);
  const auto certificate = usable(Certificate::from_pem(read("pki/" + kind + ".crt"), read("pki/" + kind + ".key")));
  check_is_pair(*certificate, kind);
  CHECK(certificate->friendly_name().empty());
}

TEST_CASE("PEM: PKCS #1 and SEC 1 keys come out as PKCS #8", "[wire][pem]") {
  check_is_pair(*usable(Certificate::from_pem(read("pki/rsa2048.crt"), read("openssl/pkcs1.key"))), "rsa2048");
  const std::string file = GENERATE("sec1", "sec1-with-parameters", "sec1-no-public");
  CAPTURE(file);
  check_is_pair(*usable(Certificate::from_pem(read("pki/p256.crt"), read("openssl/" + file + ".key"))), "p256");
}

TEST_CASE("PEM: encrypted PKCS #8 opens with its password, and only then", "[wire][pem]") {
  const std::string prf = GENERATE("hmacWithSHA1", "hmacWithSHA224", "hmacWithSHA256", "hmacWithSHA384", "hmacWithSHA512");
  CAPTURE(prf);
  const std::string chain = read("pki/p256.crt");
  const std::string key = read("openssl/" + prf + ".key");
  check_is_pair(*usable(Certificate::from_pem(chain, key, password)), "p256");
  CHECK(refusal(Certificate::from_pem(chain, key, "wrong")) == "the password is wrong or the private key is damaged: it does not open");
  CHECK(refusal(Certificate::from_pem(chain, key)) == "the private key is encrypted, and no password is given");
}

TEST_CASE("PEM: PKCS #8 under PBES1 opens too", "[wire][pem]") {
  check_is_pair(*usable(Certificate::from_pem(read("pki/rsa2048.crt"), read("openssl/pbes1.key"), password)), "rsa2048");
}

TEST_CASE("PEM: key and chain may share one text, in any order, amid other text and any line ends", "[wire][pem]") {
  const std::string leaf = read("pki/p256.crt");
  const std::string chain = read("pki/chain-reversed.pem");
  const std::string key = read("pki/p256.key");
  std::string windows = "\xef\xbb\xbf" + key + "Bag Attributes\n  friendlyName: x\n" + chain + leaf;
  for (std::size_t at = 0; (at = windows.find('\n', at)) != std::string::npos; at += 2)
    windows.insert(at, 1, '\r');
  for (const auto& [certificates, separate_key] :
       {std::pair(leaf + chain, key), std::pair(chain + leaf, key), std::pair(key + chain + leaf, std::string()),
        std::pair(std::string(), chain + key + leaf), std::pair(windows, std::string()),
        std::pair(read("openssl/everything.pem"), std::string())}) {
    const auto certificate = usable(Certificate::from_pem(certificates, separate_key));
    check_is_pair(*certificate, "p256");
    CHECK(chain_names(*certificate) == "CN=p256 < CN=Issuing CA < CN=Root CA");
  }
}

TEST_CASE("PEM: what is missing or too much is said", "[wire][pem]") {
  const std::string leaf = read("pki/p256.crt");
  const std::string key = read("pki/p256.key");
  CHECK(refusal(Certificate::from_pem(leaf, "")) == "there is no private key in it");
  CHECK(refusal(Certificate::from_pem("", key)) == "there is a private key but no certificate");
  CHECK(refusal(Certificate::from_pem("", "")) == "there is neither a certificate nor a private key in it");
  CHECK(refusal(Certificate::from_pem(leaf, key + key)) == "there are 2 private keys in it; PEM text must have exactly one");
  CHECK_THAT(refusal(Certificate::from_pem(leaf, read("pki/other.key"))),
             StartsWith("the private key (EC P-256) does not match any certificate of the file; there are: CN=p256,"));
}

TEST_CASE("PEM: what is not PEM is called what it is", "[wire][pem]") {
  const std::string key = read("pki/p256.key");
  CHECK(refusal(Certificate::from_pem(read("pki/p256.der"), key)) ==
        "this is not PEM text but a DER certificate, which has no private key");
  CHECK(refusal(Certificate::from_pem(read("openssl/key-p256.pfx"), "")) == "this is not PEM text but a PFX (PKCS #12) file");
  CHECK(refusal(Certificate::from_pem(read("pki/p256.crt"), "key")) == "this is not PEM text but text");
}

TEST_CASE("PEM: damaged text says which block", "[wire][pem]") {
  const std::string leaf = read("pki/p256.crt");
  const std::string key = read("pki/p256.key");
  CHECK(refusal(Certificate::from_pem(leaf, key.substr(0, key.size() / 2))) ==
        "the PEM text is damaged: block 1 (PRIVATE KEY) has no END line");
  std::string changed = leaf;
  changed[100] = '!';
  CHECK(refusal(Certificate::from_pem(leaf + changed, key)) == "the PEM text is damaged: block 2 (CERTIFICATE) is not Base64");
  CHECK_THAT(refusal(Certificate::from_pem(leaf, "-----BEGIN PRIVATE KEY\n")), ContainsSubstring("has a broken BEGIN line"));
  std::string crossed = key;
  crossed.replace(crossed.find("END PRIVATE"), 11, "END PUBLICK");
  CHECK_THAT(refusal(Certificate::from_pem(leaf, crossed)), ContainsSubstring("ends with the END line of another kind of block"));
  CHECK_THAT(refusal(Certificate::from_pem(leaf, "-----BEGIN PRIVATE KEY-----\nMAAA\n-----END PRIVATE KEY-----\n")),
             StartsWith("the private key is damaged"));
}

TEST_CASE("PEM: keys that are not supported are named", "[wire][pem]") {
  const std::string leaf = read("pki/rsa2048.crt");
  CHECK_THAT(refusal(Certificate::from_pem(leaf, read("openssl/dek-info.key"), password)), ContainsSubstring("the old OpenSSL form"));
  CHECK(refusal(Certificate::from_pem(leaf, read("openssl/scrypt.key"), password)) == "its key derivation is not supported: scrypt");
  CHECK(refusal(Certificate::from_pem(leaf, read("openssl/secp256k1.key"))) ==
        "the private key's algorithm is not supported: EC secp256k1");
  CHECK(refusal(Certificate::from_pem(leaf, read("openssl/explicit-parameters.key"))) ==
        "the private key's algorithm is not supported: EC with explicit curve parameters");
  CHECK(refusal(Certificate::from_pem(leaf, read("openssl/ed448.key"))) == "the private key's algorithm is not supported: Ed448");
  CHECK(refusal(Certificate::from_pem(leaf, "-----BEGIN OPENSSH PRIVATE KEY-----\nMAAA\n-----END OPENSSH PRIVATE KEY-----\n")) ==
        "the private key's format is not supported: OPENSSH PRIVATE KEY");
}

TEST_CASE("an RSA key whose parts do not belong together is refused", "[wire][pem]") {
  const std::string good = read("pki/rsa2048.pk8");
  REQUIRE(signet::wire::read_pkcs8(as_bytes(good)).has_value());
  // Steps of a prime: every number of the key is hit, and a header now and then.
  std::size_t contradictions = 0;
  for (std::size_t at = 60; at < good.size(); at += 41) {
    CAPTURE(at);
    std::string changed = good;
    changed[at] = static_cast<char>(changed[at] ^ 0x40);
    const std::string sentence = refusal(signet::wire::read_pkcs8(as_bytes(changed)));
    CHECK_THAT(sentence, StartsWith("the private key is damaged"));
    if (sentence == "the private key is damaged: its parts do not belong together") ++contradictions;
  }
  CHECK(contradictions > 20);
}

TEST_CASE("from_file tells PEM and PFX apart by content", "[wire][pem][pfx]") {
  const auto from_file = [](const std::string& bytes) { return Certificate::from_file(as_bytes(bytes), {.password = password}); };
  check_is_pair(*usable(from_file(read("openssl/key-p256.pfx"))), "p256");
  check_is_pair(*usable(from_file(read("pki/p256.crt") + read("openssl/hmacWithSHA256.key"))), "p256");
  CHECK_THAT(refusal(from_file(read("pki/p256.der"))), StartsWith("this is not a PFX (PKCS #12) file but a DER certificate"));
}

TEST_CASE("trust anchors come from PEM in the file's order and once each", "[wire][pem]") {
  const std::string root = read("pki/root-ca.crt");
  const std::string issuing = read("pki/issuing-ca.crt");
  const auto anchors = CertificateAuthority::from_file(as_bytes("# corporate\n" + root + read("pki/p256.key") + issuing + root));
  REQUIRE(anchors.has_value());
  REQUIRE((*anchors)->anchors().size() == 2);
  CHECK((*anchors)->anchors()[0].subject == "CN=Root CA,O=Contoso");
  CHECK((*anchors)->anchors()[0].ca);
  CHECK((*anchors)->anchors_der()[0] == read_bytes("pki/root-ca.der"));
  CHECK((*anchors)->anchors_der()[1] == read_bytes("pki/issuing-ca.der"));
  CHECK((*anchors)->warnings((*anchors)->anchors()[1].not_before).empty());
  CHECK((*anchors)->warnings((*anchors)->anchors()[0].not_after + std::chrono::hours(24 * 365)).size() == 2);
}

TEST_CASE("a trust anchor may be one DER certificate", "[wire][pem]") {
  const auto anchors = CertificateAuthority::from_file(as_bytes(read("pki/root-ca.der")));
  REQUIRE(anchors.has_value());
  CHECK((*anchors)->anchors_der().size() == 1);
  CHECK(refusal(CertificateAuthority::from_der(as_bytes(read("pki/root-ca.der") + "x"))) ==
        "the certificate is damaged: other bytes follow it");
}

TEST_CASE("what is no trust anchor is called what it is", "[wire][pem]") {
  CHECK(refusal(CertificateAuthority::from_pem(read("pki/p256.key"))) == "there is no certificate in this PEM text, only \"PRIVATE KEY\"");
  CHECK(refusal(CertificateAuthority::from_pem(read("pki/root-ca.der"))) == "this is not PEM text but a DER certificate");
  CHECK(refusal(CertificateAuthority::from_pem("hello")) == "this is not PEM text but text");
  CHECK(refusal(CertificateAuthority::from_file(as_bytes(read("openssl/key-p256.pfx")))) ==
        "this is not a certificate but a PFX (PKCS #12) file");
  CHECK(refusal(CertificateAuthority::from_file({})) == "this is not a certificate but an empty file");
}
