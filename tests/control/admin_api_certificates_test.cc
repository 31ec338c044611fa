// SPDX-License-Identifier: GPL-3.0-or-later
#include "control/admin_fixture.h"

using namespace signet;
using namespace signet::control;
using namespace signet::control::test;

namespace {

const json backend_with_client{{"url", "https://127.0.0.1:8443"},
                               {"protocol", "http"},
                               {"credentials", {{"certificateIds", {"client"}}}},
                               {"tls", {{"validateCertificateChain", false}}}};

}  // namespace

TEST_CASE("a certificate is made from a PFX, shown without its key, and replaced under the same id", "[control]") {
  Gateway gateway;
  const Reply made = gateway.put("/certificates/client", pfx("openssl/key-p256.pfx"));
  INFO(made.text);
  REQUIRE(made.status == 201);
  CHECK(made.body["id"] ==
        "/subscriptions/00000000-0000-0000-0000-000000000000/resourceGroups/signet/providers/Microsoft.ApiManagement/service/signet/"
        "certificates/client");
  CHECK(made.body["type"] == "Microsoft.ApiManagement/service/certificates");
  CHECK(made.body["name"] == "client");
  CHECK(made.properties("thumbprint") == fixture("pki/p256.sha1"));
  CHECK(made.properties("thumbprintSha256") == fixture("pki/p256.sha256"));
  CHECK(made.properties("hasPrivateKey") == true);
  CHECK(made.properties("expirationDate").get<std::string>().ends_with("Z"));
  CHECK(made.properties("keyType") == "EC P-256");
  CHECK(made.properties("usedBy") == json::array());
  for (const char* const secret : {"\"data\"", "password", "PRIVATE", "chain\""}) {
    CHECK(made.text.find(secret) == std::string::npos);
  }

  const Reply again = gateway.put("/certificates/client", pfx("openssl/key-rsa2048.pfx"));
  CHECK(again.status == 200);
  CHECK(again.properties("thumbprint") == fixture("pki/rsa2048.sha1"));
  CHECK(again.etag > made.etag);
  const Reply head = gateway.call("HEAD", "/certificates/client");
  CHECK(head.status == 200);
  CHECK(head.etag == again.etag);
  CHECK(gateway.get("/certificates/client").body == again.body);
  CHECK(gateway.call("HEAD", "/certificates/none").status == 404);
  const Reply none = gateway.get("/certificates/none");
  CHECK(none.code() == "ResourceNotFound");
  CHECK(none.body["error"]["message"] == "Certificate not found.");
}

TEST_CASE("certificates come back with their keys after a restart", "[control]") {
  Gateway gateway;
  gateway.make("/certificates/client", pfx("openssl/legacy.pfx"));
  const Reply before = gateway.get("/certificates/client");
  gateway.start();
  const Reply after = gateway.get("/certificates/client");
  CHECK(after.body == before.body);
  CHECK(after.etag == before.etag);
  const auto certificate = gateway.reconciler->view()->snapshot->certificates().at("client");
  const ByteView key = certificate->private_key_der();
  CHECK(as_text(key) == fixture("pki/rsa2048.pk8"));
}

TEST_CASE("a PFX that cannot be used is refused with the property at fault", "[control]") {
  Gateway gateway;
  const auto refused = [&](const json& properties, std::string_view target) {
    const Reply reply = gateway.put("/certificates/client", properties);
    INFO(reply.text);
    CHECK(reply.status == 400);
    CHECK(reply.code() == "ValidationError");
    CHECK(reply.target() == target);
    CHECK(reply.text.find("wrong-secret") == std::string::npos);
    return reply.detail();
  };
  CHECK(refused(pfx("openssl/key-p256.pfx", "wrong-secret"), "password").find("password is wrong") != std::string::npos);
  json without = pfx("openssl/key-p256.pfx");
  without.erase("password");
  CHECK(refused(without, "password").find("none is given") != std::string::npos);
  CHECK(refused(pfx("openssl/no-key.pfx"), "data").find("no private key") != std::string::npos);
  CHECK(refused(pfx("openssl/everything.pem"), "data").find("not a PFX") != std::string::npos);
  refused({{"data", "no base64!"}, {"password", "wrong-secret"}}, "data");
  refused({{"data", ""}}, "data");
  refused({{"data", 7}}, "data");
  refused({{"data", "AAAA"}, {"password", 7}}, "password");
  refused(json::object(), "data");
  refused({{"data", "AAAA"}, {"keyVault", json::object()}}, "data");
  CHECK(gateway.get("/certificates").body["count"] == 0);
  CHECK(gateway.applied == 1);
}

TEST_CASE("an expired certificate is taken with a warning, but never in place of a valid one", "[control]") {
  Gateway gateway;
  const Reply expired = gateway.put("/certificates/old", pfx("openssl/expired.pfx"));
  INFO(expired.text);
  CHECK(expired.status == 201);
  CHECK(expired.properties("lastStatus")["code"] == "Warning");
  CHECK(expired.properties("lastStatus")["message"].get<std::string>().find("expired") != std::string::npos);
  gateway.make("/certificates/client", pfx("openssl/key-p256.pfx"));
  const Reply refused = gateway.put("/certificates/client", pfx("openssl/expired.pfx"));
  CHECK(refused.status == 400);
  CHECK(refused.target() == "data");
  CHECK(gateway.get("/certificates/client").properties("thumbprint") == fixture("pki/p256.sha1"));
}

TEST_CASE("a certificate in use is not deleted, and the answer names who uses it", "[control]") {
  Gateway gateway;
  gateway.make("/certificates/client", pfx("openssl/key-p256.pfx"));
  gateway.make("/backends/orders", backend_with_client);
  const json used_by = gateway.get("/certificates/client").properties("usedBy");
  REQUIRE(used_by.size() == 1);
  CHECK(used_by[0].get<std::string>().ends_with("/service/signet/backends/orders"));

  const Reply refused = gateway.remove("/certificates/client");
  CHECK(refused.status == 409);
  CHECK(refused.code() == "Conflict");
  CHECK(refused.target() == used_by[0].get<std::string>());
  CHECK(refused.detail() == "Backend 'orders' uses it in its credentials");
  CHECK(gateway.get("/certificates/client").status == 200);

  CHECK(gateway.patch("/backends/orders", {{"credentials", nullptr}}).status == 200);
  CHECK(gateway.remove("/certificates/client").status == 200);
  CHECK(gateway.remove("/certificates/client").status == 204);
  CHECK(gateway.get("/certificates/client").status == 404);
}

TEST_CASE("a replacement that would leave a thumbprint leading nowhere is refused", "[control]") {
  Gateway gateway;
  gateway.make("/certificates/client", pfx("openssl/key-p256.pfx"));
  json backend = backend_with_client;
  backend["credentials"] = {{"certificate", {fixture("pki/p256.sha1")}}};
  gateway.make("/backends/orders", backend);
  CHECK(gateway.get("/certificates/client").properties("usedBy").size() == 1);

  const Reply refused = gateway.put("/certificates/client", pfx("openssl/key-rsa2048.pfx"));
  INFO(refused.text);
  CHECK(refused.status == 409);
  CHECK(refused.target().ends_with("/backends/orders"));
  CHECK(gateway.remove("/certificates/client").status == 409);

  gateway.make("/certificates/twin", pfx("openssl/pbe-AES-128-CBC.pfx"));
  CHECK(gateway.put("/certificates/client", pfx("openssl/key-rsa2048.pfx")).status == 200);
  CHECK(gateway.remove("/certificates/client").status == 200);
  CHECK(gateway.remove("/certificates/twin").status == 409);
}

TEST_CASE("a certificate of the configuration file is shown, and read-only", "[control]") {
  Gateway gateway(R"({ "listeners": [{ "address": "127.0.0.1:0" }] })");
  gateway.folder.write("client.pfx", fixture("openssl/key-p256.pfx"));
  gateway.folder.write("client.pass", pfx_password);
  gateway.folder.write("signet.json", R"({ "listeners": [{ "address": "127.0.0.1:0" }],
    "certificates": [{ "id": "client", "pfxFile": "client.pfx", "passwordFile": "client.pass" }] })");
  gateway.start();
  const Reply shown = gateway.get("/certificates/client");
  CHECK(shown.status == 200);
  CHECK(shown.properties("thumbprint") == fixture("pki/p256.sha1"));
  CHECK(shown.etag.size() > 2);
  CHECK(gateway.put("/certificates/client", pfx("openssl/key-p256.pfx")).status == 409);
  const Reply refused = gateway.remove("/certificates/client");
  CHECK(refused.status == 409);
  CHECK(refused.text.find("configuration file") != std::string::npos);
}

TEST_CASE("an id may hold an encoded slash and percent sign, and its id can be called", "[control]") {
  Gateway gateway;
  const Reply made = gateway.put("/certificates/a%2Fb%25c", pfx("openssl/key-p256.pfx"));
  INFO(made.text);
  REQUIRE(made.status == 201);
  CHECK(made.body["name"] == "a/b%c");
  const std::string id = made.body["id"].get<std::string>();
  CHECK(id.ends_with("/certificates/a%2Fb%25c"));
  CHECK(gateway.get(id + "?api-version=2024-05-01").body == made.body);
  gateway.start();
  CHECK(gateway.get("/certificates/a%2fb%25c").status == 200);
  CHECK(gateway.get("/certificates/a/b%25c").status == 404);
}

TEST_CASE("refreshSecret has nothing to read for a certificate that was uploaded", "[control]") {
  Gateway gateway;
  gateway.make("/certificates/client", pfx("openssl/key-p256.pfx"));
  CHECK(gateway.call("POST", "/certificates/client/refreshSecret").status == 400);
  CHECK(gateway.call("POST", "/certificates/none/refreshSecret").status == 404);
}

TEST_CASE("a file outside of the folder for secrets is never read", "[control]") {
  Gateway gateway;
  const Reply refused = gateway.put("/certificates/client", {{"keyVault", {{"secretIdentifier", "file:///etc/passwd"}}}});
  CHECK(refused.status == 400);
  CHECK(refused.target() == "keyVault");
  CHECK(refused.detail().find("secretsRoot") != std::string::npos);
}
