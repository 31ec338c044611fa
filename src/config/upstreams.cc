// SPDX-License-Identifier: GPL-3.0-or-later
#include "upstreams.h"

#include <fmt/core.h>

#include <algorithm>
#include <utility>

#include "listener_certificates.h"
#include "names.h"

namespace signet::config {

namespace {

wire::Check check(bool on) {
  return on ? wire::Check::on : wire::Check::off;
}

template <typename Object>
std::string no_such(std::string_view kind, std::string_view id, const std::vector<Object>& objects) {
  std::vector<std::string_view> ids;
  for (const Object& object : objects) {
    ids.push_back(object.id);
  }
  return fmt::format("no {} has the id \"{}\"{}", kind, id, suggestion(id, ids));
}

std::string_view without_last_slash(std::string_view path) {
  return path.ends_with('/') ? path.substr(0, path.size() - 1) : path;
}

/// Where `path` at the server of `url` is; equal for what is the same place.
std::string place(const Url& url, std::string_view path) {
  return fmt::format("{} {} {} {}", url.scheme == Scheme::https ? "https" : "http", url.host, url.port, path);
}

}  // namespace

void Upstreams::read() {
  for (const Certificate& certificate : config_.certificates) {
    certificates_[certificate.id] = material_.certificate(
        certificate, shown_by_listener(config_, certificate.id) ? MaterialReader::Use::listener : MaterialReader::Use::identity);
  }
  index_thumbprints();
  for (const CertificateAuthority& authority : config_.certificate_authorities) {
    authorities_[authority.id] = trust_anchors(authority);
  }
  for (const CertificateRevocationList& list : config_.certificate_revocation_lists) {
    revocation_lists_[list.id] = material_.revocation_lists(list);
  }
  for (const Backend& backend : config_.backends) {
    add_backend(backend);
  }
  for (const Backend& backend : config_.backends) {
    if (backend.type == BackendType::pool) {
      check_pool(backend);
    }
  }
}

/// Of certificates with the same thumbprint the first counts.
void Upstreams::index_thumbprints() {
  for (const auto& [id, certificate] : certificates_) {
    if (certificate) {
      thumbprints_.emplace(certificate->thumbprint_sha1(), id);
      thumbprints_.emplace(certificate->thumbprint_sha256(), id);
    }
  }
}

/// Null after an error.
std::shared_ptr<const wire::CertificateAuthority> Upstreams::trust_anchors(const CertificateAuthority& authority) {
  if (!authority.system) {
    return material_.authority(authority);
  }
  std::shared_ptr<const wire::CertificateAuthority> system = material_.system_authority();
  if (!system) {
    report_.error(authority.source, fmt::format("certificate authority \"{}\": this system has no bundle of its own", authority.id));
  }
  return system;
}

void Upstreams::add_backend(const Backend& backend) {
  if (backend.type == BackendType::pool) {
    backends_[backend.id] = KnownBackend{.settings = &backend};
    return;
  }
  const Upstream* const upstream =
      add_upstream(fmt::format("backend {}", backend.id), backend.url, backend, backend.tls, credential(backend), backend.source);
  backends_[backend.id] = KnownBackend{.settings = &backend, .upstream = upstream};
  under_certificate_[{backend.id, upstream->certificate_id}] = upstream;
  const auto [lender, alone] = lenders_.try_emplace(place(backend.url, without_last_slash(backend.url.path)), &backend);
  if (!alone) {
    lender->second = nullptr;
  }
}

void Upstreams::check_pool(const Backend& pool) {
  if (pool.pool.empty()) {
    report_.error(pool.source, fmt::format("backend \"{}\": expected a pool with at least one member", pool.id));
  }
  for (const PoolMember& member : pool.pool) {
    const Backend* const known = backend(member.backend_id.value);
    if (known == nullptr) {
      report_.error(member.backend_id.source, no_such_backend(member.backend_id.value));
    } else if (known->type == BackendType::pool) {
      report_.error(member.backend_id.source,
                    fmt::format("\"{}\" is a pool itself: expected a backend with a URL as member of a pool", known->id));
    }
  }
}

/// The first certificate is presented; the others must exist too.
Credential Upstreams::credential(const Backend& backend) {
  const BackendCredentials& credentials = backend.credentials;
  const bool by_id = !credentials.certificate_ids.empty();
  Credential first;
  const std::vector<Reference>& references = by_id ? credentials.certificate_ids : credentials.certificate;
  if (!references.empty() && backend.url.scheme == Scheme::http) {
    report_.error(references.front().source, std::string(certificate_without_tls));
  }
  for (const Reference& reference : references) {
    std::expected<Credential, std::string> found = by_id ? certificate(reference.value) : certificate_by_thumbprint(reference.value);
    if (!found) {
      report_.error(reference.source, std::move(found.error()));
    } else if (&reference == &references.front()) {
      first = std::move(*found);
    }
  }
  return first;
}

const Backend* Upstreams::backend(std::string_view id) const {
  const auto known = backends_.find(id);
  return known == backends_.end() ? nullptr : known->second.settings;
}

std::string Upstreams::no_such_backend(std::string_view id) const {
  return no_such("backend", id, config_.backends);
}

std::expected<Credential, std::string> Upstreams::certificate(std::string_view id) const {
  const auto known = certificates_.find(id);
  if (known == certificates_.end()) {
    return std::unexpected(no_such("certificate", id, config_.certificates));
  }
  return Credential{.id = known->first, .certificate = known->second};
}

std::expected<Credential, std::string> Upstreams::certificate_by_thumbprint(std::string_view thumbprint) const {
  if (const auto known = thumbprints_.find(thumbprint); known != thumbprints_.end()) {
    return certificate(known->second);
  }
  return std::unexpected(fmt::format("no certificate has the thumbprint {}", thumbprint));
}

/// False after an error.
bool Upstreams::add_authorities(const BackendTls& tls, const Source& source, wire::IdentitySettings& settings) {
  bool complete = true;
  for (const Reference& reference : tls.certificate_authorities) {
    const auto known = authorities_.find(reference.value);
    if (known == authorities_.end()) {
      report_.error(reference.source, no_such("certificate authority", reference.value, config_.certificate_authorities));
    }
    if (known == authorities_.end() || !known->second) {
      complete = false;
      continue;
    }
    settings.authorities.push_back(known->second);
  }
  if (tls.certificate_authorities.empty() && settings.validate_chain == wire::Check::on) {
    const bool pinned = !settings.server_certificate_thumbprints.empty() || !settings.server_x509_names.empty();
    if (std::shared_ptr<const wire::CertificateAuthority> system = material_.system_authority()) {
      settings.authorities.push_back(std::move(system));
    } else if (!pinned) {
      report_.error(source,
                    "no authority to check the back end's certificate against: expected tls.certificateAuthorities, because this "
                    "system has no bundle of its own");
      complete = false;
    }
  }
  return complete;
}

/// False after an error.
bool Upstreams::add_revocation_lists(const BackendTls& tls, std::vector<std::shared_ptr<const std::vector<ByteVector>>>& lists) {
  bool complete = true;
  for (const Reference& reference : tls.certificate_revocation_lists) {
    const auto known = revocation_lists_.find(reference.value);
    if (known == revocation_lists_.end()) {
      report_.error(reference.source, no_such("certificate revocation list", reference.value, config_.certificate_revocation_lists));
    }
    if (known == revocation_lists_.end() || !known->second) {
      complete = false;
      continue;
    }
    lists.push_back(known->second);
  }
  return complete;
}

/// Null after an error.
std::shared_ptr<const wire::Identity> Upstreams::identity(const std::string& use, const Url& url, const BackendTls& tls,
                                                          const Credential& credential, const Source& source) {
  const bool pinned = !tls.server_certificate_thumbprints.empty() || !tls.server_x509_names.empty();
  wire::IdentitySettings settings{
      .certificate = credential.certificate,
      .validate_chain = check(tls.validate_certificate_chain || pinned),
      .validate_name = check(tls.validate_certificate_name || pinned),
      .server_certificate_thumbprints = tls.server_certificate_thumbprints,
      .server_name = tls.server_name.empty() ? url.host : tls.server_name,
      .min_version = tls.min_version,
      .max_version = tls.max_version,
      .groups = tls.groups,
      .late_authentication = tls.late_authentication,
      .require_certificate_request = check(tls.require_certificate_request),
      .session_lifetime = tls.session_lifetime,
  };
  for (const ServerX509Name& name : tls.server_x509_names) {
    settings.server_x509_names.push_back({.common_name = name.name, .issuer_thumbprint = name.issuer_certificate_thumbprint});
  }
  std::vector<std::shared_ptr<const std::vector<ByteVector>>> lists;
  const bool complete = add_revocation_lists(tls, lists);
  if (!add_authorities(tls, source, settings) || !complete) {
    return nullptr;
  }
  Result<std::shared_ptr<const wire::Identity>> made = material_.identity(use, std::move(settings), std::move(lists));
  if (!made) {
    report_.error(source, std::move(made.error().detail));
    return nullptr;
  }
  return std::move(*made);
}

const Upstream* Upstreams::add_upstream(const std::string& use, const Url& url, const Backend& settings, const BackendTls& tls,
                                        Credential credential, const Source& source) {
  auto upstream = std::make_unique<Upstream>();
  upstream->id = settings.id;
  upstream->scheme = url.scheme;
  upstream->host = url.host;
  upstream->port = url.port;
  upstream->address = parse_address(url.host, url.port);
  upstream->base_path = url.path;
  upstream->authority = url.authority;
  upstream->host_header = settings.host_header;
  if (url.scheme == Scheme::https) {
    upstream->identity = identity(use, url, tls, credential, source);
    upstream->certificate = std::move(credential.certificate);
    upstream->certificate_id = std::move(credential.id);
  }
  upstream->connect_timeout = settings.timeouts.connect;
  upstream->response_timeout = settings.timeouts.response;
  upstream->total_timeout = settings.timeouts.total;
  upstream->connections_max = settings.connections.max;
  upstream->idle_connections_max = settings.connections.idle_max;
  upstream->idle_timeout = settings.connections.idle_timeout;
  upstream->replay_buffer_bytes = settings.replay_buffer_bytes;
  upstream->circuit_breaker = settings.circuit_breaker;
  upstream->index = upstreams_.size();
  upstreams_.push_back(std::move(upstream));
  return upstreams_.back().get();
}

const Upstream* Upstreams::of_backend(const Backend& backend) const {
  const auto known = backends_.find(backend.id);
  return known == backends_.end() ? nullptr : known->second.upstream;
}

const Upstream* Upstreams::of_backend(const Backend& backend, const Credential& credential) {
  const Upstream* const own = of_backend(backend);
  if (own == nullptr || own->identity == nullptr) {
    return nullptr;  // what is wrong with the backend was said
  }
  const Upstream*& upstream = under_certificate_[{backend.id, credential.id}];
  if (upstream == nullptr) {
    upstream = add_upstream(fmt::format("backend {} {}", backend.id, credential.id), backend.url, backend, backend.tls, credential,
                            backend.source);
  }
  return upstream;
}

const Upstream* Upstreams::of_url(const Url& url, const Credential& credential, const Source& source) {
  const std::string at = place(url, url.path);
  const Upstream*& upstream = of_urls_[{at, credential.id}];
  if (upstream == nullptr) {
    const Backend* const backend = lender(url);
    upstream = add_upstream(fmt::format("url {} {}", at, credential.id), url, Backend{}, backend == nullptr ? BackendTls{} : backend->tls,
                            credential, source);
  }
  return upstream;
}

/// The backend that lends a serviceUrl its TLS checks (never its credentials): the one whose URL is the longest prefix on whole segments.
/// Two that are equally long lend nothing.
const Backend* Upstreams::lender(const Url& url) const {
  std::string_view path = without_last_slash(url.path);
  for (;;) {
    if (const auto found = lenders_.find(place(url, path)); found != lenders_.end()) {
      return found->second;
    }
    if (path.empty()) {
      return nullptr;
    }
    path = path.substr(0, path.rfind('/'));
  }
}

}  // namespace signet::config
