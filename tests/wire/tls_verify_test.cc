// SPDX-License-Identifier: GPL-3.0-or-later
// Whom a client accepts, and what it says about whom it does not.
#include <array>
#include <catch2/catch_test_macros.hpp>
#include <catch2/generators/catch_generators.hpp>
#include <cstdio>
#include <functional>
#include <string>

#include "support/tls_test_contexts.h"

using namespace signet;
using namespace signet::wire;
using namespace signet::test;

namespace {

std::optional<Error> refusal(IdentitySettings settings, TlsServerSettings server) {
  return test::refusal(client_context(std::move(settings)), server_context(std::move(server)));
}

bool contains(const std::optional<Error>& error, std::string_view text) {
  return error && error->detail.find(text) != std::string::npos;
}

}  // namespace

TEST_CASE("a server without a path to a trust anchor is untrusted", "[wire][tls]") {
  const TlsVersion version = any_version();
  const auto error = refusal(identity_settings(version), lenient_server("other-server", "other-root"));
  REQUIRE(error.has_value());
  CHECK(error->kind == ErrorKind::tls_untrusted);
  CHECK(contains(error, "CN=Orders"));
  CHECK(contains(error, "Other Root"));

  const auto self_signed = refusal(identity_settings(version), lenient_server("self-signed", ""));
  REQUIRE(self_signed.has_value());
  CHECK(self_signed->kind == ErrorKind::tls_untrusted);

  IdentitySettings nobody = identity_settings(version);
  nobody.authorities.clear();
  const auto trusts_nobody = refusal(nobody, lenient_server());
  REQUIRE(trusts_nobody.has_value());
  CHECK(trusts_nobody->kind == ErrorKind::tls_untrusted);
}

TEST_CASE("a self-signed certificate is trusted when it is the anchor", "[wire][tls]") {
  IdentitySettings settings = identity_settings(any_version());
  settings.authorities = {TestPki::instance().authority("self-signed")};
  CHECK_FALSE(refusal(settings, lenient_server("self-signed", "")).has_value());
}

TEST_CASE("an intermediate that a server sent does not help the next server", "[wire][tls]") {
  const auto client = client_context(identity_settings(any_version()));
  CHECK(TlsPair(client, server_context(lenient_server())).handshake());
  TlsPair incomplete(client, server_context(lenient_server("server", "")));
  CHECK_FALSE(incomplete.handshake());
  CHECK(incomplete.client.error().kind == ErrorKind::tls_untrusted);
}

TEST_CASE("an expired server certificate is told apart from an untrusted one", "[wire][tls]") {
  const auto error = refusal(identity_settings(any_version()), lenient_server("server-expired"));
  REQUIRE(error.has_value());
  CHECK(error->kind == ErrorKind::tls_expired);
  CHECK(contains(error, "expired"));
}

TEST_CASE("a fault of an intermediate is a fault of the chain, and the error names it", "[wire][tls]") {
  const TlsVersion version = any_version();
  const auto expired = refusal(identity_settings(version), lenient_server("server-of-expired", "issuing-expired"));
  REQUIRE(expired.has_value());
  CHECK(expired->kind == ErrorKind::tls_expired);
  CHECK(contains(expired, "Formerly"));

  IdentitySettings chain_off = identity_settings(version);
  chain_off.validate_chain = Check::off;
  CHECK_FALSE(refusal(chain_off, lenient_server("server-of-expired", "issuing-expired")).has_value());
  // What was let through there must not serve as an anchor here.
  const auto context = client_context(identity_settings(version));
  for (int round = 0; round < 2; ++round) {
    TlsPair pair(context, server_context(lenient_server("server-of-expired", "issuing-expired")));
    CHECK_FALSE(pair.handshake());
  }
}

TEST_CASE("a certificate for clients is not accepted of a server", "[wire][tls]") {
  const auto error = refusal(identity_settings(any_version()), lenient_server("server-for-clients"));
  REQUIRE(error.has_value());
  CHECK(error->kind == ErrorKind::tls_certificate);
  CHECK(contains(error, "usage"));
}

TEST_CASE("the server's name is looked for among the alternative names only", "[wire][tls]") {
  const TlsVersion version = any_version();
  IdentitySettings settings = identity_settings(version);
  const auto by_common_name = refusal(settings, lenient_server("server-cn"));
  REQUIRE(by_common_name.has_value());
  CHECK(by_common_name->kind == ErrorKind::tls_name_mismatch);

  const std::string name = GENERATE("orders.internal", "a.wild.internal", "127.0.0.1", "::1");
  CAPTURE(name);
  settings.server_name = name;
  CHECK_FALSE(refusal(settings, lenient_server()).has_value());
}

TEST_CASE("a wrong name is a name mismatch, and the error says whose names the certificate has", "[wire][tls]") {
  IdentitySettings settings = identity_settings(any_version());
  settings.server_name = GENERATE("other.internal", "wild.internal", "a.b.wild.internal", "127.0.0.2", "::2");
  CAPTURE(settings.server_name);
  const auto error = refusal(settings, lenient_server());
  REQUIRE(error.has_value());
  CHECK(error->kind == ErrorKind::tls_name_mismatch);
  CHECK(contains(error, settings.server_name));
  CHECK(contains(error, "orders.internal"));
}

TEST_CASE("each check may be switched off, and the others stay", "[wire][tls]") {
  const TlsVersion version = any_version();
  IdentitySettings chain_off = identity_settings(version);
  chain_off.validate_chain = Check::off;
  IdentitySettings name_off = identity_settings(version);
  name_off.validate_name = Check::off;
  IdentitySettings both_off = chain_off;
  both_off.validate_name = Check::off;
  const auto with_name = [](IdentitySettings settings, const char* name) {
    settings.server_name = name;
    return settings;
  };

  for (const auto& [certificate, intermediate] : {std::pair("other-server", "other-root"), std::pair("server-expired", "issuing"),
                                                  std::pair("self-signed", ""), std::pair("server-for-clients", "issuing")}) {
    CAPTURE(certificate);
    CHECK_FALSE(refusal(chain_off, lenient_server(certificate, intermediate)).has_value());
    CHECK_FALSE(refusal(with_name(both_off, "other.internal"), lenient_server(certificate, intermediate)).has_value());
    CHECK(refusal(name_off, lenient_server(certificate, intermediate)).has_value());
  }
  const auto name = refusal(with_name(chain_off, "127.0.0.9"), lenient_server("other-server", "other-root"));
  REQUIRE(name.has_value());
  CHECK(name->kind == ErrorKind::tls_name_mismatch);

  CHECK_FALSE(refusal(with_name(name_off, "other.internal"), lenient_server()).has_value());
  CHECK_FALSE(refusal(with_name(name_off, "other.internal"), lenient_server("server-cn")).has_value());
  const auto chain = refusal(with_name(name_off, "other.internal"), lenient_server("other-server", "other-root"));
  REQUIRE(chain.has_value());
  CHECK(chain->kind == ErrorKind::tls_untrusted);
}

TEST_CASE("with a pin, only the pinned certificate is accepted, by SHA-1, SHA-256 or SHA-512", "[wire][tls]") {
  const TlsVersion version = any_version();
  const auto server = TestPki::instance().certificate("server");
  const auto other = TestPki::instance().certificate("server-rsa");
  IdentitySettings settings = identity_settings(version);
  const int kind = GENERATE(1, 256, 512);
  CAPTURE(kind);
  settings.server_certificate_thumbprints = {
      kind == 1     ? server->thumbprint_sha1()
      : kind == 256 ? server->thumbprint_sha256()
                    : TestPki::instance().file("server.sha512").substr(std::string_view("sha512 Fingerprint=").size(), 64 * 3 - 1)};
  CHECK_FALSE(refusal(settings, lenient_server()).has_value());
  const auto error = refusal(settings, lenient_server("server-rsa"));
  REQUIRE(error.has_value());
  CHECK(error->kind == ErrorKind::tls_certificate);
  CHECK(contains(error, "pin"));
  CHECK(contains(error, other->thumbprint_sha1()));

  // In addition to the other checks, not in place of them; and alone when they are off.
  settings.server_certificate_thumbprints = {TestPki::instance().certificate("server-expired")->thumbprint_sha256()};
  CHECK(refusal(settings, lenient_server("server-expired")).has_value());
  settings.validate_chain = Check::off;
  CHECK_FALSE(refusal(settings, lenient_server("server-expired")).has_value());
  CHECK(refusal(settings, lenient_server("server")).has_value());
}

TEST_CASE("an X.509 name pins the common name and the certificate that signed it", "[wire][tls]") {
  const TlsVersion version = any_version();
  const TestPki& pki = TestPki::instance();
  IdentitySettings settings = identity_settings(version);
  settings.validate_chain = GENERATE(Check::on, Check::off);

  settings.server_x509_names = {{.common_name = "Nobody"}, {.common_name = "Orders"}};
  CHECK_FALSE(refusal(settings, lenient_server()).has_value());
  CHECK(refusal(settings, lenient_server("server-rsa")).has_value());

  settings.server_x509_names = {{.common_name = "Orders", .issuer_thumbprint = pki.authority("issuing")->anchors()[0].thumbprint_sha1}};
  CHECK_FALSE(refusal(settings, lenient_server()).has_value());

  // The issuer's certificate is in the chain but did not sign the leaf: a name alone proves nothing.
  settings.authorities.push_back(pki.authority("issuing"));
  CHECK(refusal(settings, lenient_server("other-server", "issuing")).has_value());
  settings.server_x509_names = {{.common_name = "Orders", .issuer_thumbprint = pki.authority("root")->anchors()[0].thumbprint_sha256}};
  CHECK(refusal(settings, lenient_server()).has_value());

  // It may be among the authorities when the server does not send it.
  settings.server_x509_names = {{.common_name = "Orders", .issuer_thumbprint = pki.authority("issuing")->anchors()[0].thumbprint_sha256}};
  CHECK_FALSE(refusal(settings, lenient_server("server", "")).has_value());
}

TEST_CASE("a revoked certificate is refused, and so is one that no current list covers", "[wire][tls]") {
  const TestPki& pki = TestPki::instance();
  IdentitySettings settings = identity_settings(any_version());
  settings.revocation_lists = {pki.bytes("root.crl"), pki.bytes("issuing.crl")};
  CHECK_FALSE(refusal(settings, lenient_server()).has_value());
  const auto revoked = refusal(settings, lenient_server("server-revoked"));
  REQUIRE(revoked.has_value());
  CHECK(revoked->kind == ErrorKind::tls_certificate);
  CHECK(contains(revoked, "revoked"));

  settings.revocation_lists = {pki.bytes("root.crl")};
  CHECK(contains(refusal(settings, lenient_server()), "revocation list"));
  settings.revocation_lists = {pki.bytes("issuing.crl")};
  CHECK(contains(refusal(settings, lenient_server()), "revocation list"));
  settings.revocation_lists = {pki.bytes("root.crl"), pki.bytes("issuing-old.crl")};
  CHECK(contains(refusal(settings, lenient_server()), "out of date"));

  settings.validate_chain = Check::off;
  CHECK_FALSE(refusal(settings, lenient_server("server-revoked")).has_value());
}

TEST_CASE("a revocation list that cannot be read makes no context", "[wire][tls]") {
  IdentitySettings settings = identity_settings(TlsVersion::tls13);
  settings.revocation_lists = {TestPki::instance().bytes("server.pem")};
  const auto context = TlsContext::client(*Identity::make(settings));
  REQUIRE_FALSE(context.has_value());
  CHECK(context.error().kind == ErrorKind::config);
}
