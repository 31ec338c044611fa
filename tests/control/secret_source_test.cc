// SPDX-License-Identifier: GPL-3.0-or-later
#include "control/secret_source.h"

#include "control/admin_fixture.h"

using namespace signet;
using namespace signet::control;
using namespace signet::control::test;

namespace {

/// The error's sentence; empty for a certificate.
std::string fault(const std::string& root, const std::string& url) {
  const auto opened = open_secret(root, url);
  return opened ? std::string() : opened.error();
}

}  // namespace

TEST_CASE("a secret source is a PFX with its password beside it, PEM text, or a folder with tls.crt and tls.key", "[control]") {
  const TemporaryFolder folder;
  folder.write("secrets/orders.pfx", fixture("openssl/key-p256.pfx"));
  folder.write("secrets/all.pem", fixture("openssl/everything.pem"));
  folder.write("secrets/a b/tls.crt", fixture("pki/p256.crt"));
  folder.write("secrets/a b/tls.key", fixture("pki/p256.key"));
  const std::string root = (folder / "secrets").string();
  CHECK(fault(root, "file://" + root + "/orders.pfx").find("no") != std::string::npos);
  folder.write("secrets/orders.pfx.password", std::string(pfx_password) + "\n");
  CHECK(fault(root, "file://" + root + "/orders.pfx").empty());
  CHECK(fault(root, "file://localhost" + root + "/all.pem").empty());
  const auto opened = open_secret(root, "FILE://" + root + "/a%20b");
  REQUIRE(opened.has_value());
  CHECK((*opened)->thumbprint_sha1() == fixture("pki/p256.sha1"));
}

TEST_CASE("nothing outside of the folder for secrets is opened, by whatever way it is named", "[control]") {
  const TemporaryFolder folder;
  folder.write("secrets/inside.pfx", fixture("openssl/key-p256.pfx"));
  folder.write("secrets-too/outside.pem", fixture("openssl/everything.pem"));
  const std::string root = (folder / "secrets").string();
  std::filesystem::create_symlink("../secrets-too/outside.pem", folder / "secrets/link.pem");
  std::filesystem::create_symlink("inside.pfx", folder / "secrets/good.pfx");
  const std::string outside = "expected a file below secretsRoot";
  CHECK(fault(root, "file://" + root + "/../secrets-too/outside.pem") == outside);
  CHECK(fault(root, "file://" + root + "/%2e%2e/secrets-too/outside.pem") == outside);
  CHECK(fault(root, "file://" + root + "-too/outside.pem") == outside);
  CHECK(fault(root, "file://" + root + "-too/missing.pem") == outside);
  CHECK(fault(root, "file://" + root + "/link.pem") == outside);
  CHECK(fault(root, "file://" + root) != "");
  CHECK(fault(root, "file://" + root + "/good.pfx") != outside);
  for (const char* const url : {"https://vault.example/secrets/x", "file:", "file://host.example/x", "orders.pfx", "file://%00"}) {
    INFO(url);
    CHECK(fault(root, url).starts_with("expected a URL"));
  }
  CHECK(fault("", "file://" + root + "/inside.pfx").find("secretsRoot") != std::string::npos);
}
