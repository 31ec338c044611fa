// SPDX-License-Identifier: GPL-3.0-or-later
// The client against another implementation of TLS.
#include <catch2/catch_test_macros.hpp>
#include <catch2/generators/catch_generators.hpp>
#include <string>
#include <vector>

#include "signet/base/identity_refusal.h"
#include "signet/wire/tls_memory.h"
#include "openssl_server.h"
#include "support/tls_test_contexts.h"

using namespace signet;
using namespace signet::wire;
using namespace signet::test;
using Event = TlsEngine::Event;

namespace {

const std::vector<std::string> demands_certificate = {"-Verify", "3", "-verify_return_error"};

}  // namespace

TEST_CASE("OpenSSL sees our certificate, and a second connection resumes the first", "[wire][tls]") {
  const TlsVersion version = GENERATE(TlsVersion::tls12, TlsVersion::tls13);
  CAPTURE(to_string(version));
  const OpensslServer server(demands_certificate);
  const auto context = client_context(identity_settings(version));
  std::optional<TlsSession> session;
  {
    BlockingClient first(server.port(), TlsEngine::client(context));
    REQUIRE(first.handshake());
    CHECK(first.engine().version() == version);
    CHECK_FALSE(first.engine().resumed());
    CHECK(first.engine().certificate_sent());
    const std::string page = first.get();
    CHECK(page.find("orders-client") != std::string::npos);
    CHECK(page.find("New, ") != std::string::npos);
    session = first.engine().take_session();
    REQUIRE(session.has_value());
  }
  BlockingClient second(server.port(), TlsEngine::client(context, std::move(session)));
  REQUIRE(second.handshake());
  CHECK(second.engine().resumed());
  CHECK(second.engine().certificate_requested());
  CHECK(second.get().find("Reused, ") != std::string::npos);
}

TEST_CASE("a connection whose session was taken keeps no copy of the ticket", "[wire][tls]") {
  const TlsVersion version = GENERATE(TlsVersion::tls12, TlsVersion::tls13);
  CAPTURE(to_string(version));
  const OpensslServer server(demands_certificate);
  BlockingClient client(server.port(), TlsEngine::client(client_context(identity_settings(version))));
  REQUIRE(client.handshake());
  CHECK_FALSE(client.get().empty());
  const std::int64_t before = tls_memory_statistics().bytes_in_use;
  const std::optional<TlsSession> session = client.engine().take_session();
  REQUIRE(session.has_value());
  // The ticket has our certificate in it.
  CHECK(tls_memory_statistics().bytes_in_use <= before - 512);
}

TEST_CASE("a session that another OpenSSL server gave leads to a full handshake", "[wire][tls]") {
  const TlsVersion version = GENERATE(TlsVersion::tls12, TlsVersion::tls13);
  CAPTURE(to_string(version));
  const auto context = client_context(identity_settings(version));
  std::optional<TlsSession> session;
  {
    const OpensslServer server(demands_certificate);
    BlockingClient client(server.port(), TlsEngine::client(context));
    REQUIRE(client.handshake());
    CHECK_FALSE(client.get().empty());
    session = client.engine().take_session();
    REQUIRE(session.has_value());
  }
  const OpensslServer restarted(demands_certificate);
  BlockingClient client(restarted.port(), TlsEngine::client(context, std::move(session)));
  REQUIRE(client.handshake());
  CHECK_FALSE(client.engine().resumed());
  CHECK(client.get().find("orders-client") != std::string::npos);
}

TEST_CASE("a TLS 1.2 server without tickets resumes by session ID", "[wire][tls]") {
  const OpensslServer server({"-Verify", "3", "-no_ticket", "-tls1_2"});
  const auto context = client_context(identity_settings(TlsVersion::tls12));
  std::optional<TlsSession> session;
  {
    BlockingClient first(server.port(), TlsEngine::client(context));
    REQUIRE(first.handshake());
    CHECK_FALSE(first.get().empty());
    session = first.engine().take_session();
    REQUIRE(session.has_value());
  }
  BlockingClient second(server.port(), TlsEngine::client(context, std::move(session)));
  REQUIRE(second.handshake());
  CHECK(second.engine().resumed());
  CHECK(second.get().find("Reused, ") != std::string::npos);
}

TEST_CASE("what OpenSSL says to a certificate that it does not accept is identity refused", "[wire][tls]") {
  const TlsVersion version = GENERATE(TlsVersion::tls12, TlsVersion::tls13);
  CAPTURE(to_string(version));
  const OpensslServer server(demands_certificate);
  for (const char* name : {"other-client", "client-expired", ""}) {
    CAPTURE(name);
    IdentitySettings settings = identity_settings(version);
    settings.certificate = *name == '\0' ? nullptr : TestPki::instance().certificate(name);
    BlockingClient client(server.port(), TlsEngine::client(client_context(settings)));
    if (client.handshake()) {
      CHECK(version == TlsVersion::tls13);
      CHECK(client.get().empty());
    }
    REQUIRE(client.event() == Event::failed);
    CAPTURE(client.engine().error().detail);
    CHECK(client.engine().error().kind == ErrorKind::identity_refused);
    CHECK(client.engine().error().origin == Origin::identity);
    CHECK(client.engine().error().tls_alert != 0);
  }
}

TEST_CASE("the first group is agreed on with OpenSSL", "[wire][tls]") {
  const OpensslServer server({});
  const TlsVersion version = GENERATE(TlsVersion::tls12, TlsVersion::tls13);
  for (const TlsGroup group : {TlsGroup::x25519, TlsGroup::secp256r1, TlsGroup::secp384r1}) {
    CAPTURE(to_string(version), to_string(group));
    IdentitySettings settings = identity_settings(version);
    settings.groups = {group};
    if (group != TlsGroup::secp256r1) {
      settings.groups.push_back(TlsGroup::secp256r1);  // in TLS 1.2 the server's ECDSA key must be on one of them too (RFC 8422 §5.1)
    }
    BlockingClient client(server.port(), TlsEngine::client(client_context(settings)));
    REQUIRE(client.handshake());
    CHECK(client.engine().group() == to_string(group));
  }
}

TEST_CASE("a certificate that a server sends along proves nothing unless it signed the leaf", "[wire][tls]") {
  const TlsVersion version = GENERATE(TlsVersion::tls12, TlsVersion::tls13);
  const TestPki& pki = TestPki::instance();
  IdentitySettings settings = identity_settings(version);
  settings.validate_chain = Check::off;
  settings.server_x509_names = {{.common_name = "Orders", .issuer_thumbprint = pki.authority("issuing")->anchors()[0].thumbprint_sha1}};
  const auto context = client_context(settings);
  {
    const OpensslServer genuine({});
    BlockingClient client(genuine.port(), TlsEngine::client(context));
    CHECK(client.handshake());
  }
  const OpensslServer impostor({"-cert", pki.path("other-server.pem"), "-key", pki.path("other-server.key")});
  BlockingClient client(impostor.port(), TlsEngine::client(context));
  REQUIRE_FALSE(client.handshake());
  CHECK(client.engine().error().kind == ErrorKind::tls_certificate);
  CHECK(client.engine().error().detail.find("pin") != std::string::npos);
}

TEST_CASE("a server certificate is no certificate authority", "[wire][tls]") {
  const TlsVersion version = GENERATE(TlsVersion::tls12, TlsVersion::tls13);
  const TestPki& pki = TestPki::instance();
  const OpensslServer impostor(
      {"-cert", pki.path("server-of-server.pem"), "-key", pki.path("server-of-server.key"), "-cert_chain", pki.path("server-chain.pem")});
  BlockingClient client(impostor.port(), TlsEngine::client(client_context(identity_settings(version))));
  REQUIRE_FALSE(client.handshake());
  CAPTURE(client.engine().error().detail);
  CHECK((client.engine().error().kind == ErrorKind::tls_untrusted || client.engine().error().kind == ErrorKind::tls_certificate));
}

TEST_CASE("where late authentication is off, OpenSSL's renegotiation is declined, and the error names the switch", "[wire][tls]") {
  const char* const certificate = GENERATE("client", "");
  CAPTURE(certificate);
  const OpensslServer server({"-tls1_2"}, OpensslServer::Answers::typed);
  IdentitySettings settings = identity_settings(TlsVersion::tls12);
  settings.certificate = *certificate == '\0' ? nullptr : TestPki::instance().certificate(certificate);
  BlockingClient client(server.port(), TlsEngine::client(client_context(settings)));
  REQUIRE(client.handshake());
  // RFC 5746 §3.4: the client says that it knows of the attack, although it never renegotiates.
  server.wait_for("Secure Renegotiation IS supported");
  REQUIRE(client.send("first request\n"));
  server.wait_for("first request");
  server.type("first answer");
  CHECK(client.read_until("first answer\n") == "first answer\n");
  CHECK_FALSE(client.engine().late_request_declined());

  REQUIRE(client.send("second request\n"));
  server.wait_for("second request");
  server.type("R");
  CHECK(client.read_until("never").empty());
  CHECK(client.engine().late_request_declined());
  REQUIRE(client.event() == Event::failed);
  const Error& error = client.engine().error();
  CAPTURE(error.detail);
  CHECK(error.kind == ErrorKind::identity_refused);
  CHECK(error.origin == Origin::identity);
  CHECK(error.tls_alert == 40);
  CHECK(error.detail.find(R"(tls.lateAuthentication: "allow")") != std::string::npos);
  REQUIRE(error.refusal != nullptr);
  CHECK(error.refusal->phase == RefusalPhase::late);
}

TEST_CASE("where late authentication is allowed, OpenSSL gets the certificate in the middle of a call", "[wire][tls]") {
  const TlsVersion version = GENERATE(TlsVersion::tls12, TlsVersion::tls13);
  const bool trusted = GENERATE(true, false);
  CAPTURE(to_string(version), trusted);
  const OpensslServer server({"-verify_return_error"}, OpensslServer::Answers::typed);
  IdentitySettings settings = identity_settings(version);
  settings.late_authentication = LateAuthentication::allow;
  if (!trusted) {
    settings.certificate = TestPki::instance().certificate("other-client", "other-root");
  }
  BlockingClient client(server.port(), TlsEngine::client(client_context(settings)));
  REQUIRE(client.handshake());
  REQUIRE(client.send("request\n"));
  server.wait_for("request");
  server.type(version == TlsVersion::tls12 ? "R" : "c");
  server.wait_for("SSL_do_handshake");  // or else it reads the next line with the command, and forgets it
  // The server answers while it waits for the handshake. Each round lets the client read what came meanwhile.
  for (int round = 0; round < 1000 && trusted && !client.engine().certificate_sent(); ++round) {
    server.type("answer");
    REQUIRE(client.read_until("answer\n") == "answer\n");
  }
  if (trusted) {
    REQUIRE(client.engine().certificate_sent());
    server.type("last answer");
    CHECK(client.read_until("last answer\n").ends_with("last answer\n"));
    CHECK_FALSE(client.engine().late_request_declined());
    return;
  }
  CHECK(client.read_until("never").empty());
  CHECK(client.engine().certificate_sent());
  REQUIRE(client.event() == Event::failed);
  CHECK(client.engine().error().kind == ErrorKind::identity_refused);
  REQUIRE(client.engine().error().refusal != nullptr);
  CHECK(client.engine().error().refusal->phase == RefusalPhase::late);
  CHECK(client.engine().error().refusal->authorities_total == 1);
}

TEST_CASE("an OpenSSL server of TLS 1.3 does not ask late where it is not offered, and the connection goes on", "[wire][tls]") {
  const OpensslServer server({"-tls1_3"}, OpensslServer::Answers::typed);
  BlockingClient client(server.port(), TlsEngine::client(client_context(identity_settings(TlsVersion::tls13))));
  REQUIRE(client.handshake());
  REQUIRE(client.send("request\n"));
  server.wait_for("request");
  server.type("c");
  server.wait_for("Failed to initiate request");
  server.type("answer");
  CHECK(client.read_until("answer\n") == "answer\n");
  CHECK_FALSE(client.engine().late_request_declined());
}
