// SPDX-License-Identifier: GPL-3.0-or-later
#include <catch2/generators/catch_generators.hpp>

#include "certificate_files.h"
#include "wire/der.h"

using Catch::Matchers::ContainsSubstring;
using Catch::Matchers::StartsWith;
using signet::as_bytes;
using signet::WallTime;
using signet::wire::Certificate;
using signet::wire::certificate_info;
using signet::wire::CertificateInfo;
using signet::wire::describe;
using signet::wire::wall_time_text;
using namespace signet::wire::test_files;
namespace der = signet::wire::der;

namespace {

CertificateInfo info_of(const std::string& name) {
  const auto info = certificate_info(as_bytes(read("pki/" + name + ".der")));
  INFO((info ? std::string() : info.error().detail));
  REQUIRE(info.has_value());
  return *info;
}

}  // namespace

TEST_CASE("certificate_info gives what the certificate says", "[wire][certificate]") {
  const CertificateInfo info = info_of("p256");
  CHECK(info.subject == "CN=p256,OU=Orders,O=Contoso");
  CHECK(info.issuer == "CN=Issuing CA,O=Contoso");
  CHECK(info.serial == "0AFF10");
  CHECK(info.not_after - info.not_before == std::chrono::days(3650));
  CHECK(info.thumbprint_sha1 == read("pki/p256.sha1"));
  CHECK(info.thumbprint_sha256 == read("pki/p256.sha256"));
  CHECK(info.signature_algorithm == "ecdsa-with-SHA256");
  CHECK(info.extended_key_usages == std::vector<std::string>{"clientAuth"});
  CHECK_FALSE(info.ca);
  CHECK(info.subject_alternative_names == std::vector<std::string>{"DNS:orders.example", "IP:10.0.0.1", "IP:2001:db8::1",
                                                                   "email:ops@example.com", "URI:spiffe://example/orders",
                                                                   "UPN:orders@example", "DirName:CN=orders,O=Contoso"});
}

TEST_CASE("certificate_info names every key type", "[wire][certificate]") {
  struct Row {
    const char* name;
    const char* key_type;
  };
  const Row row = GENERATE(Row{"rsa2048", "RSA 2048"}, Row{"rsa3072", "RSA 3072"}, Row{"rsa4096", "RSA 4096"}, Row{"p256", "EC P-256"},
                           Row{"p384", "EC P-384"}, Row{"p521", "EC P-521"}, Row{"ed25519", "Ed25519"});
  CHECK(info_of(row.name).key_type == row.key_type);
}

TEST_CASE("certificate_info tells a CA, and a certificate without usages", "[wire][certificate]") {
  const CertificateInfo info = info_of("root-ca");
  CHECK(info.ca);
  CHECK(info.extended_key_usages.empty());
  CHECK(info.subject_alternative_names.empty());
  CHECK(info.subject == info.issuer);
}

TEST_CASE("names are written by RFC 4514, with its escapes", "[wire][certificate]") {
  CHECK(info_of("names").subject ==
        "UID=u1+emailAddress=x@example.com,CN=\\ #sp\\<a\\>ce\\\\\\ ,O=A\\, B \\+ C\\; \\\"D\\\",ST=Baden-W\xc3\xbcrttemberg,C=DE");
}

TEST_CASE("validity is compared to the second, over both kinds of time", "[wire][certificate]") {
  using namespace std::chrono;
  const CertificateInfo expired = info_of("expired");
  CHECK(wall_time_text(expired.not_before) == "2020-01-01T00:00:00Z");
  CHECK(wall_time_text(expired.not_after) == "2021-01-31T23:59:59Z");
  CHECK_FALSE(expired.expired(sys_days(2021y / January / 31) + hours(23) + minutes(59) + seconds(59)));
  CHECK(expired.expired(sys_days(2021y / February / 1)));
  const CertificateInfo future = info_of("future");  // after 2049: GeneralizedTime
  CHECK(wall_time_text(future.not_before) == "2090-01-01T00:00:00Z");
  CHECK(future.not_yet_valid(sys_days(2090y / January / 1) - seconds(1)));
  CHECK_FALSE(future.not_yet_valid(sys_days(2090y / January / 1)));
}

TEST_CASE("times are written as ISO 8601", "[wire][certificate]") {
  using namespace std::chrono;
  CHECK(wall_time_text(sys_days(2027y / January / 31) + hours(23) + minutes(59) + seconds(59)) == "2027-01-31T23:59:59Z");
  CHECK(wall_time_text(WallTime{}) == "1970-01-01T00:00:00Z");
  CHECK(wall_time_text(sys_days(1950y / January / 1)) == "1950-01-01T00:00:00Z");
}

TEST_CASE("no prefix of a certificate is a certificate, and none with bytes behind", "[wire][certificate]") {
  const std::string whole = read("pki/p256.der");
  for (std::size_t size = 0; size < whole.size(); ++size) {
    CAPTURE(size);
    CHECK_FALSE(certificate_info(as_bytes(std::string_view(whole).substr(0, size))).has_value());
  }
  CHECK(refusal(certificate_info(as_bytes(whole + '\0'))) == "the certificate is damaged: other bytes follow it");
  CHECK(refusal(certificate_info(as_bytes(std::string("\x30\x00", 2)))) ==
        "the certificate is damaged: its outer structure cannot be read");
}

TEST_CASE("a damaged certificate says which part", "[wire][certificate]") {
  std::string changed = read("pki/expired.der");
  const std::size_t time = changed.find("210131235959Z");
  REQUIRE(time != std::string::npos);
  changed[time + 2] = '9';  // month 91
  CHECK(refusal(certificate_info(as_bytes(changed))) == "the certificate is damaged: its validity cannot be read");
}

TEST_CASE("warnings tell what an operator should know", "[wire][certificate]") {
  const auto pair = [](const std::string& name) {
    return usable(Certificate::from_pem(read("pki/" + name + ".crt"), read("pki/" + name + ".key")));
  };
  const auto orders = pair("p256");
  CHECK(orders->warnings(orders->not_before()).empty());
  CHECK(orders->warnings(orders->not_after()).empty());
  const auto server = pair("server");
  CHECK(
      server->warnings(server->not_before()) ==
      std::vector<std::string>{"the certificate CN=server is not meant for client authentication: its extended key usages are serverAuth"});
  const auto future = pair("future");
  CHECK(future->warnings(orders->not_before()) ==
        std::vector<std::string>{"the certificate CN=future is not valid before 2090-01-01T00:00:00Z"});
  const auto whole = usable(Certificate::from_pem(read("pki/p256.crt") + read("pki/chain.pem"), read("pki/p256.key")));
  const auto late = whole->warnings(whole->not_after() + std::chrono::days(365));
  REQUIRE(late.size() == 3);
  CHECK_THAT(late[0], StartsWith("the certificate CN=p256,OU=Orders,O=Contoso expired on "));
  CHECK_THAT(late[1], StartsWith("the issuer's certificate CN=Issuing CA,O=Contoso expired on "));
}

TEST_CASE("the description has what people look for, and never the key", "[wire][certificate]") {
  const auto certificate = usable(open("openssl/expired.pfx"));
  const std::string text = describe(*certificate, certificate->not_after() + std::chrono::days(1));
  for (const std::string& part : {std::string("CN=expired"), certificate->serial(), read("pki/expired.sha1"), read("pki/expired.sha256"),
                                  std::string("2021-01-31T23:59:59Z"), std::string("EC P-256"), std::string("expired on")}) {
    CAPTURE(part);
    CHECK_THAT(text, ContainsSubstring(part));
  }
  CHECK_THAT(text, !ContainsSubstring("PRIVATE"));
  CHECK(text.ends_with('\n'));
}

TEST_CASE("DER: a walk is bounded by its bytes and its depth, and a fault ends it", "[wire][der]") {
  const auto read_all = [](std::string_view bytes, der::Rules rules) {
    bool damaged = false;
    der::Reader reader(as_bytes(bytes), rules, damaged);
    while (!reader.at_end())
      reader.read();
    return !damaged;
  };
  CHECK(read_all(std::string_view("\x30\x03\x02\x01\x05\x05\x00", 7), der::Rules::der));
  CHECK_FALSE(read_all(std::string_view("\x30\x04\x02\x01\x05", 5), der::Rules::ber));  // longer than its bytes
  CHECK_FALSE(read_all("\x30\x88\xff\xff\xff\xff\xff\xff\xff\xff", der::Rules::ber));   // length beyond all memory
  CHECK_FALSE(read_all(std::string_view("\x04\x81\x01\x00", 4), der::Rules::der));      // padded length
  CHECK(read_all(std::string_view("\x04\x81\x01\x00", 4), der::Rules::ber));
  CHECK(read_all(std::string_view("\x30\x80\x05\x00\x00\x00", 6), der::Rules::ber));
  CHECK_FALSE(read_all(std::string_view("\x30\x80\x05\x00\x00\x00", 6), der::Rules::der));  // indefinite
  CHECK_FALSE(read_all(std::string_view("\x30\x80\x05\x00\x00", 5), der::Rules::ber));      // no end
  CHECK_FALSE(read_all(std::string_view("\x04\x80\x00\x00", 4), der::Rules::ber));          // indefinite and primitive
  CHECK_FALSE(read_all("\x1f\x81\x01\x01", der::Rules::ber));                               // high tag number
  std::string deep;
  for (int i = 0; i < 40; ++i)
    deep.insert(0, std::string("\x30", 1) + static_cast<char>(deep.size()));
  bool damaged = false;
  der::Reader reader(as_bytes(deep), der::Rules::der, damaged);
  for (int i = 0; i < 40; ++i)
    reader = reader.enter(der::sequence);
  CHECK(damaged);
}

TEST_CASE("DER: object identifiers become dotted text", "[wire][der]") {
  const auto text = [](std::string_view octets) { return der::oid_text(as_bytes(octets)); };
  CHECK(text("\x2a\x86\x48\x86\xf7\x0d\x01\x01\x0b") == "1.2.840.113549.1.1.11");
  CHECK(text("\x55\x04\x03") == "2.5.4.3");
  CHECK(text("\x88\x37\x03") == "2.999.3");
  CHECK(text("\x2a\x86").empty());  // ends inside an arc
  CHECK(text("\x2a\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\x7f").empty());
}
