// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include <catch2/catch_test_macros.hpp>
#include <catch2/generators/catch_generators.hpp>
#include <memory>
#include <optional>
#include <string_view>
#include <utility>

#include "signet/wire/tls_context.h"
#include "test_pki.h"
#include "tls_pair.h"

namespace signet::test {

/// Runs a test once with each version.
inline wire::TlsVersion any_version() {
  return GENERATE(wire::TlsVersion::tls12, wire::TlsVersion::tls13);
}

/// Shows "client", trusts "root", expects "orders.internal", speaks `version` only.
inline wire::IdentitySettings identity_settings(wire::TlsVersion version) {
  const TestPki& pki = TestPki::instance();
  return {.certificate = pki.certificate("client"),
          .authorities = {pki.authority()},
          .server_name = "orders.internal",
          .min_version = version,
          .max_version = version};
}

/// Shows `certificate`, demands one that leads to "root".
inline wire::TlsServerSettings server_settings(std::string_view certificate = "server", std::string_view intermediate = "issuing") {
  const TestPki& pki = TestPki::instance();
  return {.certificate = pki.certificate(certificate, intermediate),
          .client_certificate = wire::ClientCertificate::require,
          .client_authorities = {pki.authority()}};
}

/// As `server_settings`, but takes any caller, so that what is tested is the client.
inline wire::TlsServerSettings lenient_server(std::string_view certificate = "server", std::string_view intermediate = "issuing") {
  wire::TlsServerSettings settings = server_settings(certificate, intermediate);
  settings.client_certificate = wire::ClientCertificate::none;
  return settings;
}

inline std::shared_ptr<wire::TlsContext> client_context(wire::IdentitySettings settings) {
  auto identity = wire::Identity::make(std::move(settings));
  REQUIRE(identity.has_value());
  auto context = wire::TlsContext::client(*identity);
  REQUIRE(context.has_value());
  return *context;
}

inline std::shared_ptr<wire::TlsContext> server_context(wire::TlsServerSettings settings = server_settings()) {
  auto context = wire::TlsContext::server(std::move(settings));
  REQUIRE(context.has_value());
  return *context;
}

/// An open connection.
inline TlsPair connected(const std::shared_ptr<wire::TlsContext>& client, const std::shared_ptr<wire::TlsContext>& server,
                         std::optional<wire::TlsSession> resume = std::nullopt) {
  TlsPair pair(client, server, std::move(resume));
  const bool complete = pair.handshake();
  if (pair.client_event == TlsPair::Event::failed) {
    UNSCOPED_INFO("client: " << pair.client.error().detail);
  }
  if (pair.server_event == TlsPair::Event::failed) {
    UNSCOPED_INFO("server: " << pair.server.error().detail);
  }
  REQUIRE(complete);
  return pair;
}

/// The error with which the client ends a full handshake, or nothing.
inline std::optional<Error> refusal(const std::shared_ptr<wire::TlsContext>& client, const std::shared_ptr<wire::TlsContext>& server) {
  TlsPair pair(client, server);
  if (pair.handshake()) {
    CHECK_FALSE(pair.client.resumed());
    return std::nullopt;
  }
  REQUIRE(pair.client_event == TlsPair::Event::failed);
  // The server is told by an alert, and does not think that it has a connection.
  REQUIRE(pair.server_event == TlsPair::Event::failed);
  CHECK(pair.server.error().kind == ErrorKind::tls_alert);
  CHECK(pair.server.error().origin == Origin::caller);
  CHECK(pair.client.error().origin == Origin::backend);
  CHECK(pair.client.error().tls_alert == 0);
  return pair.client.error();
}

}  // namespace signet::test
