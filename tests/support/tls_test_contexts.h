// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include <catch2/catch_test_macros.hpp>
#include <memory>
#include <optional>
#include <string_view>
#include <utility>

#include "signet/wire/tls_context.h"
#include "test_pki.h"
#include "tls_pair.h"

namespace signet::test {

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

}  // namespace signet::test
