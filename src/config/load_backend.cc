// SPDX-License-Identifier: GPL-3.0-or-later
#include <fmt/core.h>

#include <algorithm>
#include <array>
#include <chrono>
#include <span>

#include "load_objects.h"
#include "names.h"

namespace signet::config {

namespace {

using std::chrono::hours;
using std::chrono::milliseconds;

constexpr std::size_t id_size_max = 80;
constexpr std::size_t url_size_max = 2000;
/// A call may hold as much memory.
constexpr std::uint32_t replay_buffer_bytes_max = 16 * 1024 * 1024;

constexpr std::array<Choice<wire::TlsGroup>, 4> groups{{
    {"X25519", wire::TlsGroup::x25519},
    {"P-256", wire::TlsGroup::secp256r1},
    {"P-384", wire::TlsGroup::secp384r1},
    {"X25519MLKEM768", wire::TlsGroup::x25519_mlkem768},
}};
constexpr std::array<Choice<wire::LateAuthentication>, 2> late_authentications{{
    {"off", wire::LateAuthentication::off},
    {"allow", wire::LateAuthentication::allow},
}};
constexpr std::array<Choice<HostHeader>, 2> host_headers{{{"backend", HostHeader::backend}, {"caller", HostHeader::caller}}};
constexpr std::array<Choice<BackendType>, 2> types{{{"Single", BackendType::single}, {"Pool", BackendType::pool}}};
/// Both are passed on alike; SOAP is what the management side shows.
constexpr std::array<Choice<bool>, 2> protocols{{{"http", true}, {"soap", true}}};

void read_url(ObjectReader& reader, Url& target) {
  std::string text;
  reader.text("url", text, 1, url_size_max);
  if (text.empty()) {
    return;
  }
  if (Result<Url> url = parse_url(text)) {
    target = std::move(*url);
  } else {
    reader.error("url", std::move(url.error().detail));
  }
}

void read_pins(ObjectReader& reader, BackendTls& tls) {
  Document& document = reader.document();
  constexpr std::string_view expected = "expected a thumbprint of 40 (SHA-1), 64 (SHA-256) or 128 (SHA-512) hexadecimal digits";
  reader.each("serverCertificateThumbprints", json::Type::string, [&](const Item& item) {
    tls.server_certificate_thumbprints.push_back(normal_thumbprint(item.node->text));
    if (tls.server_certificate_thumbprints.back().empty()) {
      document.report().error(document.source(item.node->offset, item.pointer), std::string(expected));
    }
  });
  reader.each("serverX509Names", json::Type::object, [&](const Item& item) {
    ObjectReader entry(document, item);
    ServerX509Name name;
    std::string issuer;
    entry.require({"name"});
    entry.text("name", name.name, 1, 256);
    entry.text("issuerCertificateThumbprint", issuer, 0, 512);
    name.issuer_certificate_thumbprint = normal_thumbprint(issuer);
    if (!issuer.empty() && name.issuer_certificate_thumbprint.empty()) {
      entry.error("issuerCertificateThumbprint", std::string(expected));
    }
    tls.server_x509_names.push_back(std::move(name));
  });
  if (tls.server_certificate_thumbprints.empty() && tls.server_x509_names.empty()) {
    return;
  }
  for (const std::string_view name : {"validateCertificateChain", "validateCertificateName"}) {
    if (bool on = true; reader.boolean(name, on), !on) {
      reader.warning(name, "has no effect: with serverCertificateThumbprints or serverX509Names both checks are on");
    }
  }
}

void read_tls(ObjectReader& reader, BackendTls& tls) {
  reader.references("certificateAuthorities", tls.certificate_authorities, 1000);
  reader.references("certificateRevocationLists", tls.certificate_revocation_lists, 1000);
  reader.boolean("validateCertificateChain", tls.validate_certificate_chain);
  reader.boolean("validateCertificateName", tls.validate_certificate_name);
  read_pins(reader, tls);
  const bool pinned = !tls.server_certificate_thumbprints.empty() || !tls.server_x509_names.empty();
  if (!tls.validate_certificate_chain && !pinned && !tls.certificate_revocation_lists.empty()) {
    reader.warning("certificateRevocationLists", "has no effect: validateCertificateChain is off");
  }
  std::string server_name;
  reader.text("serverName", server_name, 1, 255);
  if (!server_name.empty() && !is_host(server_name) && !parse_address(server_name, 0)) {
    reader.error("serverName", R"(expected a DNS name in ASCII form ("xn--…") or an IP address, without port)");
  }
  tls.server_name = lower_case(server_name);
  read_tls_versions(reader, tls.min_version, tls.max_version);
  reader.choices<wire::TlsGroup>("groups", tls.groups, groups);
  std::vector<wire::TlsGroup> sorted = tls.groups;
  std::sort(sorted.begin(), sorted.end());
  if (sorted.empty() || std::adjacent_find(sorted.begin(), sorted.end()) != sorted.end()) {
    reader.error("groups", "expected at least one group, and none twice");
  }
  reader.choice<wire::LateAuthentication>("lateAuthentication", tls.late_authentication, late_authentications);
  reader.boolean("requireCertificateRequest", tls.require_certificate_request);
  Duration lifetime = tls.session_lifetime;
  reader.duration("sessionLifetime", lifetime, Duration::zero(), wire::session_lifetime_max);
  tls.session_lifetime = std::chrono::floor<seconds>(lifetime);
  if (tls.session_lifetime != lifetime) {
    reader.error("sessionLifetime", "expected a time of whole seconds");
  }
}

void read_connections(ObjectReader& reader, BackendConnections& connections) {
  reader.number("max", connections.max, 1, 1'000'000);
  reader.number("idleMax", connections.idle_max, 0, 1'000'000);
  reader.duration("idleTimeout", connections.idle_timeout, milliseconds(1), hours(24));
}

void read_timeouts(ObjectReader& reader, BackendTimeouts& timeouts) {
  reader.duration("connect", timeouts.connect, milliseconds(1), hours(1));
  reader.duration("response", timeouts.response, milliseconds(1), hours(24));
  reader.duration("total", timeouts.total, Duration::zero(), hours(24));
}

/// A pool has members, and everything else is theirs. Azure's tools send a URL for it all the same, because its older versions asked for
/// one.
void check_pool(ObjectReader& reader, Backend& backend) {
  reader.require({"pool"});
  for (const std::string_view name :
       {"credentials", "tls", "hostHeader", "connections", "timeouts", "replayBufferBytes", "circuitBreaker"}) {
    if (reader.has(name)) {
      reader.error(name, "a pool has no such setting: expected it at the pool's members");
    }
  }
  for (const std::string_view name : {"url", "protocol"}) {
    if (reader.has(name)) {
      reader.warning(name, "has no effect: a pool calls its members");
    }
  }
  backend.url = {};
}

void check_single(ObjectReader& reader, const Backend& backend) {
  reader.require({"url"});
  if (!reader.document().is_file()) {
    reader.require({"protocol"});
  }
  if (reader.has("pool")) {
    reader.error("pool", R"(expected it only with "type": "Pool")");
  }
  if (reader.has("tls") && backend.url.scheme == Scheme::http && !backend.url.host.empty()) {
    if (reader.document().is_file()) {
      reader.error("tls", "TLS settings for an http:// back end: expected an https:// URL, or no such settings");
    } else {  // Azure's tools send the switches for any back end
      reader.warning("tls", "has no effect: the back end's URL is http://");
    }
  }
}

}  // namespace

Backend read_backend(Document& document, const Item& item) {
  ObjectReader reader(document, item);
  Backend backend{.source = reader.source()};
  reader.require({"id"});
  reader.id(backend.id, id_size_max);
  reader.text("title", backend.title, 0, 300);
  reader.text("description", backend.description, 0, 2000);
  reader.text("resourceId", backend.resource_id, 1, 2000);
  reader.choice<BackendType>("type", backend.type, types);
  reader.object("pool", [&](ObjectReader& pool) { read_pool(pool, backend.pool); });
  read_url(reader, backend.url);
  bool protocol = true;
  reader.choice<bool>("protocol", protocol, protocols);
  reader.object("credentials", [&](ObjectReader& credentials) { read_credentials(credentials, backend.credentials); });
  reader.object("tls", [&](ObjectReader& tls) { read_tls(tls, backend.tls); });
  reader.choice<HostHeader>("hostHeader", backend.host_header, host_headers);
  reader.object("connections", [&](ObjectReader& connections) { read_connections(connections, backend.connections); });
  reader.object("timeouts", [&](ObjectReader& timeouts) { read_timeouts(timeouts, backend.timeouts); });
  reader.number("replayBufferBytes", backend.replay_buffer_bytes, 0, replay_buffer_bytes_max);
  reader.object("circuitBreaker", [&](ObjectReader& breaker) { read_circuit_breaker(breaker, backend.circuit_breaker); });
  reader.not_available({"proxy", "properties"});
  if (backend.type == BackendType::pool) {
    check_pool(reader, backend);
  } else {
    check_single(reader, backend);
  }
  return backend;
}

}  // namespace signet::config
