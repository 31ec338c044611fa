// SPDX-License-Identifier: GPL-3.0-or-later
// How a client's certificate is asked for, shown, and refused.
#include <catch2/catch_test_macros.hpp>
#include <catch2/generators/catch_generators.hpp>
#include <string>

#include <wolfssl/error-ssl.h>
#include <wolfssl/wolfcrypt/settings.h>

#include "signet/base/identity_refusal.h"
#include "signet/base/limits.h"
#include "support/tls_test_contexts.h"
#include "wire/tls_engine_parts.h"

using namespace signet;
using namespace signet::wire;
using namespace signet::test;
using Event = TlsEngine::Event;

namespace {

/// What the client says after the server has refused it: in TLS 1.2 in the handshake, in TLS 1.3 when it reads.
Error refusal_of_client(IdentitySettings settings, TlsServerSettings server) {
  TlsPair pair(client_context(std::move(settings)), server_context(std::move(server)));
  CHECK_FALSE(pair.handshake());
  REQUIRE(pair.server_event == Event::failed);
  if (pair.client_event == Event::handshake_complete) {
    CHECK(pair.client.version() == TlsVersion::tls13);
    CHECK(pair.client_reads().empty());
  }
  REQUIRE(pair.client_event == Event::failed);
  return pair.client.error();
}

}  // namespace

TEST_CASE("a client certificate that the server does not trust is told as identity refused", "[wire][tls]") {
  const TlsVersion version = GENERATE(TlsVersion::tls12, TlsVersion::tls13);
  CAPTURE(to_string(version));
  const TestPki& pki = TestPki::instance();
  IdentitySettings settings = identity_settings(version);
  settings.certificate = pki.certificate("other-client", "other-root");
  const Error untrusted = refusal_of_client(settings, server_settings());
  CHECK(untrusted.kind == ErrorKind::identity_refused);
  CHECK(untrusted.origin == Origin::identity);
  CHECK(untrusted.retry == Retry::no);
  CHECK(untrusted.tls_alert != 0);
  CHECK(untrusted.detail.find("orders-client") != std::string::npos);
  CHECK(untrusted.detail.find(std::string(alert_name(untrusted.tls_alert))) != std::string::npos);

  settings.certificate = pki.certificate("client-expired");
  const Error expired = refusal_of_client(settings, server_settings());
  CHECK(expired.kind == ErrorKind::identity_refused);
  CHECK(expired.tls_alert == 45);  // certificate_expired
}

TEST_CASE("no certificate where one is demanded is identity refused as well", "[wire][tls]") {
  const TlsVersion version = GENERATE(TlsVersion::tls12, TlsVersion::tls13);
  IdentitySettings settings = identity_settings(version);
  settings.certificate = nullptr;
  const Error error = refusal_of_client(settings, server_settings());
  CHECK(error.kind == ErrorKind::identity_refused);
  CHECK(error.origin == Origin::identity);
  CHECK(error.detail.find("none") != std::string::npos);
}

TEST_CASE("the server's errors about a caller's certificate name the fault", "[wire][tls]") {
  const TlsVersion version = GENERATE(TlsVersion::tls12, TlsVersion::tls13);
  const TestPki& pki = TestPki::instance();
  IdentitySettings settings = identity_settings(version);
  settings.certificate = pki.certificate("other-client", "other-root");
  TlsPair untrusted(client_context(settings), server_context());
  CHECK_FALSE(untrusted.handshake());
  CHECK(untrusted.server.error().kind == ErrorKind::tls_untrusted);
  CHECK(untrusted.server.error().origin == Origin::caller);

  settings.certificate = pki.certificate("client-expired");
  TlsPair expired(client_context(settings), server_context());
  CHECK_FALSE(expired.handshake());
  CHECK(expired.server.error().kind == ErrorKind::tls_expired);

  settings.certificate = nullptr;
  TlsPair missing(client_context(settings), server_context());
  CHECK_FALSE(missing.handshake());
  CHECK(missing.server.error().kind == ErrorKind::tls_certificate);
  CHECK(missing.server.error().detail.find("no certificate") != std::string::npos);
}

TEST_CASE("a listener may take any certificate, or none, or not ask", "[wire][tls]") {
  const TlsVersion version = GENERATE(TlsVersion::tls12, TlsVersion::tls13);
  const TestPki& pki = TestPki::instance();
  IdentitySettings settings = identity_settings(version);
  settings.certificate = pki.certificate("other-client", "other-root");

  TlsServerSettings any = server_settings();
  any.validate_client_chain = Check::off;
  TlsPair taken = connected(client_context(settings), server_context(any));
  REQUIRE(taken.server.peer() != nullptr);
  CHECK(taken.server.peer()->leaf.thumbprint_sha1 == settings.certificate->thumbprint_sha1());

  TlsServerSettings silent = server_settings();
  silent.client_certificate = ClientCertificate::none;
  TlsPair unasked = connected(client_context(settings), server_context(silent));
  CHECK_FALSE(unasked.client.certificate_requested());
  CHECK_FALSE(unasked.client.certificate_sent());
  CHECK(unasked.server.peer() == nullptr);

  settings.certificate = nullptr;
  TlsServerSettings optional = server_settings();
  optional.client_certificate = ClientCertificate::request;
  TlsPair none = connected(client_context(settings), server_context(optional));
  CHECK(none.client.certificate_requested());
  CHECK_FALSE(none.client.certificate_sent());
  CHECK(none.server.peer() == nullptr);

  settings.certificate = pki.certificate("other-client", "other-root");
  CHECK(refusal_of_client(settings, optional).kind == ErrorKind::identity_refused);
}

TEST_CASE("a server that does not ask for the certificate is refused where it must", "[wire][tls]") {
  const TlsVersion version = GENERATE(TlsVersion::tls12, TlsVersion::tls13);
  IdentitySettings settings = identity_settings(version);
  settings.require_certificate_request = Check::on;
  CHECK(TlsPair(client_context(settings), server_context()).handshake());

  TlsServerSettings silent = server_settings();
  silent.client_certificate = ClientCertificate::none;
  TlsPair pair(client_context(settings), server_context(silent));
  CHECK_FALSE(pair.handshake());
  REQUIRE(pair.client_event == Event::failed);
  CHECK(pair.client.error().kind == ErrorKind::certificate_not_requested);
  CHECK(pair.client.error().origin == Origin::identity);
}

TEST_CASE("a certificate may be asked for after the handshake, where both sides allow it", "[wire][tls]") {
  const TlsVersion version = GENERATE(TlsVersion::tls12, TlsVersion::tls13);
  CAPTURE(to_string(version));
  IdentitySettings settings = identity_settings(version);
  settings.late_authentication = LateAuthentication::allow;
  TlsServerSettings server = server_settings();
  server.client_certificate = ClientCertificate::none;
  server.late_authentication = LateAuthentication::allow;
  TlsPair pair = connected(client_context(settings), server_context(server));
  CHECK_FALSE(pair.client.certificate_requested());
  pair.client_writes("request");
  CHECK(pair.server_reads() == "request");

  REQUIRE(pair.server.request_certificate(pair.to_client).has_value());
  for (int round = 0; round < 4; ++round) {
    CHECK(pair.client_reads().empty());
    CHECK(pair.server_reads().empty());
  }
  CHECK(pair.client.certificate_requested());
  CHECK(pair.client.certificate_sent());
  REQUIRE(pair.server.peer() != nullptr);
  CHECK(pair.server.peer()->leaf.thumbprint_sha256 == settings.certificate->thumbprint_sha256());
  pair.server_writes("answer");
  CHECK(pair.client_reads() == "answer");
  pair.client_writes("next request");
  CHECK(pair.server_reads() == "next request");
}

TEST_CASE("a certificate that is refused after the handshake is identity refused", "[wire][tls]") {
  const TlsVersion version = GENERATE(TlsVersion::tls12, TlsVersion::tls13);
  CAPTURE(to_string(version));
  IdentitySettings settings = identity_settings(version);
  settings.certificate = TestPki::instance().certificate("other-client", "other-root");
  settings.late_authentication = LateAuthentication::allow;
  TlsServerSettings server = server_settings();
  server.client_certificate = ClientCertificate::none;
  server.late_authentication = LateAuthentication::allow;
  TlsPair pair = connected(client_context(settings), server_context(server));
  CHECK(pair.client_reads().empty());
  REQUIRE(pair.server.request_certificate(pair.to_client).has_value());
  for (int round = 0; round < 4 && pair.client_event != Event::failed; ++round) {
    CHECK(pair.client_reads().empty());
    CHECK(pair.server_reads().empty());
  }
  REQUIRE(pair.client_event == Event::failed);
  CHECK(pair.client.error().kind == ErrorKind::identity_refused);
  CHECK(pair.client.error().origin == Origin::identity);
}

TEST_CASE("a certificate cannot be asked for late of a client that does not allow it", "[wire][tls]") {
  IdentitySettings settings = identity_settings(TlsVersion::tls13);
  TlsServerSettings server = server_settings();
  server.client_certificate = ClientCertificate::none;
  server.late_authentication = LateAuthentication::allow;
  TlsPair pair = connected(client_context(settings), server_context(server));
  const auto asked = pair.server.request_certificate(pair.to_client);
  REQUIRE_FALSE(asked.has_value());
  CHECK(asked.error().kind == ErrorKind::tls_protocol);
  pair.server_writes("goes on");
  CHECK(pair.client_reads() == "goes on");
}

TEST_CASE("data in both directions goes on while a certificate is asked for late", "[wire][tls]") {
  const TlsVersion version = GENERATE(TlsVersion::tls12, TlsVersion::tls13);
  CAPTURE(to_string(version));
  IdentitySettings settings = identity_settings(version);
  settings.late_authentication = LateAuthentication::allow;
  TlsServerSettings server = server_settings();
  server.client_certificate = ClientCertificate::none;
  server.late_authentication = LateAuthentication::allow;
  TlsPair pair = connected(client_context(settings), server_context(server));
  CHECK(pair.client_reads().empty());
  // The client's body is on its way when the server's request leaves.
  REQUIRE(pair.server.request_certificate(pair.to_client).has_value());
  pair.client_writes("body");
  std::string got = pair.server_reads();
  for (int round = 0; round < 4; ++round) {
    CHECK(pair.client_reads().empty());
    got += pair.server_reads();
  }
  REQUIRE(pair.client_event == Event::want_input);
  REQUIRE(pair.server_event == Event::want_input);
  CHECK(got == "body");
  REQUIRE(pair.server.peer() != nullptr);
  pair.server_writes("answer");
  CHECK(pair.client_reads() == "answer");
}

TEST_CASE("a TLS 1.2 server may renegotiate a few times, and not at all where late authentication is refused", "[wire][tls]") {
  const LateAuthentication allowed = GENERATE(LateAuthentication::off, LateAuthentication::allow);
  IdentitySettings settings = identity_settings(TlsVersion::tls12);
  settings.late_authentication = allowed;
  TlsServerSettings server = server_settings();
  server.client_certificate = ClientCertificate::none;
  server.late_authentication = LateAuthentication::allow;
  TlsPair pair = connected(client_context(settings), server_context(server));
  for (std::uint32_t time = 0; allowed == LateAuthentication::allow && time < limits::late_requests_max; ++time) {
    REQUIRE(pair.client.answers_late_requests());
    REQUIRE(pair.server.request_certificate(pair.to_client).has_value());
    for (int round = 0; round < 4; ++round) {
      CHECK(pair.client_reads().empty());
      CHECK(pair.server_reads().empty());
    }
    REQUIRE(pair.server.peer() != nullptr);
  }
  REQUIRE(pair.server.request_certificate(pair.to_client).has_value());
  CHECK(pair.client_reads().empty());
  CHECK(pair.client.late_request_declined() == (allowed == LateAuthentication::off));
  CHECK(pair.client_event == Event::want_input);
  // One warning alert, encrypted: nothing that is as long as a ClientHello.
  CHECK_FALSE(pair.to_server.empty());
  CHECK(pair.to_server.size() < 64);
  CHECK(std::to_integer<int>(pair.to_server.view()[0]) == 21);
}

TEST_CASE("a renegotiation that is declined leaves the connection open, and is told of", "[wire][tls]") {
  TlsServerSettings server = server_settings();
  server.client_certificate = ClientCertificate::none;
  server.late_authentication = LateAuthentication::allow;
  TlsPair pair = connected(client_context(identity_settings(TlsVersion::tls12)), server_context(server));
  for (int round = 0; round < 3; ++round) {
    CAPTURE(round);
    pair.client_writes("request");
    CHECK(pair.server_reads() == "request");
    REQUIRE(pair.server.request_certificate(pair.to_client).has_value());
    CHECK(pair.client_reads().empty());
    REQUIRE(pair.client_event == Event::want_input);
    CHECK(pair.client.late_request_declined());
    CHECK(pair.server_reads().empty());
    pair.server_writes("403");
    CHECK(pair.client_reads() == "403");
    REQUIRE(pair.client_event == Event::want_input);
  }
  // Whatever it says later is not the answer to what we declined then.
  pair.client_writes("request");
  CHECK(pair.client.end_of_stream() == Event::failed);
  CHECK(pair.client.error().kind == ErrorKind::connection_lost);
}

TEST_CASE("a server that ends the connection when we decline has refused our identity", "[wire][tls]") {
  const bool properly = GENERATE(true, false);
  TlsServerSettings server = server_settings();
  server.client_certificate = ClientCertificate::none;
  server.late_authentication = LateAuthentication::allow;
  TlsPair pair = connected(client_context(identity_settings(TlsVersion::tls12)), server_context(server));
  pair.client_writes("request");
  CHECK(pair.server_reads() == "request");
  REQUIRE(pair.server.request_certificate(pair.to_client).has_value());
  CHECK(pair.client_reads().empty());
  if (properly) {
    pair.server.close_notify(pair.to_client);
    CHECK(pair.client_reads().empty());
  } else {
    pair.client_event = pair.client.end_of_stream();
  }
  REQUIRE(pair.client_event == Event::failed);
  const Error& error = pair.client.error();
  CHECK(error.kind == ErrorKind::identity_refused);
  CHECK(error.origin == Origin::identity);
  CHECK(error.tls_alert == 0);
  CHECK(error.detail.find(R"(tls.lateAuthentication: "allow")") != std::string::npos);
  REQUIRE(error.refusal != nullptr);
  CHECK(error.refusal->phase == RefusalPhase::late);
  CHECK_FALSE(error.refusal->requested);
}

TEST_CASE("a server of TLS 1.3 that asks unbidden breaks the protocol, and the error names the switch", "[wire][tls]") {
  TlsEngine::Parts parts(client_context(identity_settings(TlsVersion::tls13)));
  parts.stage = TlsEngine::Parts::Stage::open;
  CHECK(parts.explain(OUT_OF_ORDER_E).origin == Origin::backend);
  parts.note_request({});
  const Error error = parts.explain(OUT_OF_ORDER_E);
  CHECK(error.kind == ErrorKind::tls_protocol);
  CHECK(error.origin == Origin::identity);
  CHECK(error.detail.find(R"(tls.lateAuthentication: "allow")") != std::string::npos);
}

TEST_CASE("a server may ask for the certificate a few times, not without end", "[wire][tls]") {
  IdentitySettings settings = identity_settings(TlsVersion::tls13);
  settings.late_authentication = LateAuthentication::allow;
  TlsServerSettings server = server_settings();
  server.late_authentication = LateAuthentication::allow;
  TlsPair pair = connected(client_context(settings), server_context(server));
  for (std::uint32_t round = 0; round < limits::late_requests_max; ++round) {
    CAPTURE(round);
    REQUIRE(pair.client.answers_late_requests());
    REQUIRE(pair.server.request_certificate(pair.to_client).has_value());
    CHECK(pair.client_reads().empty());
    REQUIRE(pair.client_event == Event::want_input);
    CHECK(pair.server_reads().empty());
    REQUIRE(pair.server_event == Event::want_input);
  }
  CHECK_FALSE(pair.client.answers_late_requests());
  REQUIRE(pair.server.request_certificate(pair.to_client).has_value());
  CHECK(pair.client_reads().empty());
  REQUIRE(pair.client_event == Event::failed);
  CHECK(pair.client.error().kind == ErrorKind::tls_protocol);
  CHECK(pair.client.error().origin == Origin::backend);
  CHECK(pair.client.error().detail.find("16 times") != std::string::npos);
}
