// SPDX-License-Identifier: GPL-3.0-or-later
#include <fmt/core.h>

#include <algorithm>
#include <iterator>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <unordered_map>
#include <utility>
#include <vector>

#include "signet/config/snapshot.h"
#include "signet/wire/tls_context.h"
#include "material.h"
#include "names.h"

namespace signet::config {

namespace {

constexpr std::string_view certificate_without_tls =
    "a client certificate for an http:// back end: expected an https:// URL, or no certificate";

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

bool meant_for(const wire::CertificateInfo& certificate, std::string_view usage) {
  const std::vector<std::string>& usages = certificate.extended_key_usages;
  return usages.empty() ||
         std::ranges::any_of(usages, [&](const std::string& one) { return one == usage || one == "anyExtendedKeyUsage"; });
}

class Builder {
 public:
  Builder(const Config& config, Files& files, const BuildOptions& options)
      : config_(config), options_(options), material_(files, options.material, options.now, built_.report) {}

  Built run();

 private:
  /// Who a back end is told that we are.
  struct Credential {
    std::string id;
    std::shared_ptr<const wire::Certificate> certificate;
  };

  /// A backend of the configuration with what was made of it.
  struct KnownBackend {
    const Backend* settings = nullptr;
    const Upstream* upstream = nullptr;  ///< under its own credentials
  };

  void read_material();
  [[nodiscard]] bool shown_by_listener(std::string_view id) const;
  std::shared_ptr<const wire::CertificateAuthority> trust_anchors(const CertificateAuthority& authority);
  void add_backend(const Backend& backend);
  void add_api(const Api& api);
  void add_listener(const Listener& listener);
  void check_listener_certificate(const Reference& id, const wire::Certificate& certificate);
  void check_listeners();

  Credential credential(const Backend& backend);
  Credential credential_by_id(const Reference& id);
  Credential credential_by_thumbprint(const Reference& thumbprint);
  std::shared_ptr<const wire::Identity> identity(const Url& url, const BackendTls& tls, const Credential& credential, const Source& source);
  bool add_revocation_lists(const BackendTls& tls, wire::IdentitySettings& settings);
  bool add_authorities(const BackendTls& tls, const Source& source, wire::IdentitySettings& settings);
  const Upstream* upstream_of(const Api& api);
  const Upstream* upstream_under(const KnownBackend& backend, const Reference& certificate_id);
  Credential credential_for(const Url& url, const Reference& certificate_id);
  const Backend* lender(const Url& url) const;
  const Upstream* add_upstream(const Url& url, const Backend& settings, const BackendTls& tls, Credential credential, const Source& source);

  const Config& config_;
  const BuildOptions& options_;
  Built built_;
  MaterialReader material_;
  std::map<std::string, std::shared_ptr<const wire::Certificate>, std::less<>> certificates_;
  std::map<std::string, std::shared_ptr<const wire::CertificateAuthority>, std::less<>> authorities_;
  std::map<std::string, std::shared_ptr<const std::vector<ByteVector>>, std::less<>> revocation_lists_;
  std::map<std::string, KnownBackend, std::less<>> backends_;
  std::map<std::pair<std::string, std::string>, const Upstream*> under_certificate_;  ///< (id of a backend, id of a certificate)
  std::unordered_map<std::string, const Backend*> lenders_;                           ///< by place; null where there are several
  std::vector<std::unique_ptr<const Upstream>> upstreams_;
  std::vector<std::unique_ptr<const Plan>> plans_;
  std::vector<Router::Entry> routes_;
  std::vector<std::vector<std::shared_ptr<const wire::Certificate>>> listener_certificates_;  ///< as in Snapshot
  std::map<std::pair<std::string, std::string>, const Api*> taken_;                           ///< (host, path)
};

Built Builder::run() {
  read_material();
  for (const Backend& backend : config_.backends) {
    add_backend(backend);
  }
  for (const Api& api : config_.apis) {
    add_api(api);
  }
  std::shared_ptr<const wire::Certificate> admin_certificate;
  if (config_.admin && !config_.admin->certificate_id.value.empty()) {
    admin_certificate = credential_by_id(config_.admin->certificate_id).certificate;
  }
  for (const Listener& listener : config_.listeners) {
    add_listener(listener);
  }
  check_listeners();
  if (built_.report.ok()) {
    built_.certificates_changed = material_.remember();
    built_.snapshot = std::make_shared<const Snapshot>(Snapshot::Parts{
        .config = config_,
        .generation = options_.generation,
        .upstreams = std::move(upstreams_),
        .plans = std::move(plans_),
        .router = Router(std::move(routes_)),
        .certificates = std::move(certificates_),
        .admin_certificate = std::move(admin_certificate),
        .listener_certificates = std::move(listener_certificates_),
    });
  }
  return std::move(built_);
}

void Builder::read_material() {
  for (const Certificate& certificate : config_.certificates) {
    certificates_[certificate.id] = material_.certificate(
        certificate, shown_by_listener(certificate.id) ? MaterialReader::Use::listener : MaterialReader::Use::identity);
  }
  for (const CertificateAuthority& authority : config_.certificate_authorities) {
    authorities_[authority.id] = trust_anchors(authority);
  }
  for (const CertificateRevocationList& list : config_.certificate_revocation_lists) {
    revocation_lists_[list.id] = material_.revocation_lists(list);
  }
}

bool Builder::shown_by_listener(std::string_view id) const {
  return (config_.admin && config_.admin->certificate_id.value == id) ||
         std::ranges::any_of(config_.listeners, [id](const Listener& listener) {
           return listener.tls &&
                  std::ranges::find(listener.tls->certificate_ids, id, &Reference::value) != listener.tls->certificate_ids.end();
         });
}

/// Null after an error.
std::shared_ptr<const wire::CertificateAuthority> Builder::trust_anchors(const CertificateAuthority& authority) {
  if (!authority.system) {
    return material_.authority(authority);
  }
  std::shared_ptr<const wire::CertificateAuthority> system = material_.system_authority();
  if (!system) {
    built_.report.error(authority.source, fmt::format("certificate authority \"{}\": this system has no bundle of its own", authority.id));
  }
  return system;
}

void Builder::add_backend(const Backend& backend) {
  const Upstream* const upstream = add_upstream(backend.url, backend, backend.tls, credential(backend), backend.source);
  backends_[backend.id] = KnownBackend{.settings = &backend, .upstream = upstream};
  under_certificate_[{backend.id, upstream->certificate_id}] = upstream;
  const auto [lender, alone] = lenders_.try_emplace(place(backend.url, without_last_slash(backend.url.path)), &backend);
  if (!alone) {
    lender->second = nullptr;
  }
}

/// The first certificate is presented; the others must exist too.
Builder::Credential Builder::credential(const Backend& backend) {
  const BackendCredentials& credentials = backend.credentials;
  Credential first;
  const std::vector<Reference>& references = credentials.certificate_ids.empty() ? credentials.certificate : credentials.certificate_ids;
  if (!references.empty() && backend.url.scheme == Scheme::http) {
    built_.report.error(references.front().source, std::string(certificate_without_tls));
  }
  for (const Reference& reference : references) {
    Credential found;
    if (credentials.certificate_ids.empty()) {
      found = credential_by_thumbprint(reference);
    } else {
      found = credential_by_id(reference);
    }
    if (&reference == &references.front()) {
      first = std::move(found);
    }
  }
  return first;
}

Builder::Credential Builder::credential_by_id(const Reference& id) {
  const auto known = certificates_.find(id.value);
  if (known == certificates_.end()) {
    built_.report.error(id.source, no_such("certificate", id.value, config_.certificates));
    return {};
  }
  return Credential{.id = known->first, .certificate = known->second};
}

Builder::Credential Builder::credential_by_thumbprint(const Reference& thumbprint) {
  for (const auto& [id, certificate] : certificates_) {
    if (certificate && (certificate->thumbprint_sha1() == thumbprint.value || certificate->thumbprint_sha256() == thumbprint.value)) {
      return Credential{.id = id, .certificate = certificate};
    }
  }
  built_.report.error(thumbprint.source, fmt::format("no certificate has the thumbprint {}", thumbprint.value));
  return {};
}

/// False after an error.
bool Builder::add_authorities(const BackendTls& tls, const Source& source, wire::IdentitySettings& settings) {
  bool complete = true;
  for (const Reference& reference : tls.certificate_authorities) {
    const auto known = authorities_.find(reference.value);
    if (known == authorities_.end()) {
      built_.report.error(reference.source, no_such("certificate authority", reference.value, config_.certificate_authorities));
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
      built_.report.error(source,
                          "no authority to check the back end's certificate against: expected tls.certificateAuthorities, because this "
                          "system has no bundle of its own");
      complete = false;
    }
  }
  return complete;
}

/// False after an error.
bool Builder::add_revocation_lists(const BackendTls& tls, wire::IdentitySettings& settings) {
  bool complete = true;
  for (const Reference& reference : tls.certificate_revocation_lists) {
    const auto known = revocation_lists_.find(reference.value);
    if (known == revocation_lists_.end()) {
      built_.report.error(reference.source, no_such("certificate revocation list", reference.value, config_.certificate_revocation_lists));
    }
    if (known == revocation_lists_.end() || !known->second) {
      complete = false;
      continue;
    }
    settings.revocation_lists.insert(settings.revocation_lists.end(), known->second->begin(), known->second->end());
  }
  return complete;
}

/// Null after an error.
std::shared_ptr<const wire::Identity> Builder::identity(const Url& url, const BackendTls& tls, const Credential& credential,
                                                        const Source& source) {
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
  const bool lists = add_revocation_lists(tls, settings);
  if (!add_authorities(tls, source, settings) || !lists) {
    return nullptr;
  }
  Result<std::shared_ptr<const wire::Identity>> made = wire::Identity::make(std::move(settings));
  if (!made) {
    built_.report.error(source, std::move(made.error().detail));
    return nullptr;
  }
  return std::move(*made);
}

const Upstream* Builder::add_upstream(const Url& url, const Backend& settings, const BackendTls& tls, Credential credential,
                                      const Source& source) {
  auto upstream = std::make_unique<Upstream>();
  upstream->id = settings.id;
  upstream->scheme = url.scheme;
  upstream->host = url.host;
  upstream->port = url.port;
  upstream->base_path = url.path;
  upstream->authority = url.authority;
  upstream->host_header = settings.host_header;
  if (url.scheme == Scheme::https) {
    upstream->identity = identity(url, tls, credential, source);
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
  upstreams_.push_back(std::move(upstream));
  return upstreams_.back().get();
}

void Builder::add_api(const Api& api) {
  const std::string path = api.path.empty() ? std::string() : "/" + api.path;
  std::vector<std::string> hosts = api.hosts;
  std::ranges::sort(hosts);
  const auto repeated = std::ranges::unique(hosts);
  hosts.erase(repeated.begin(), repeated.end());
  for (const std::string& host : hosts.empty() ? std::vector<std::string>{""} : hosts) {
    const auto [other, free] = taken_.try_emplace({host, path}, &api);
    if (!free) {
      built_.report.error(api.source, fmt::format("API \"{}\" has the same path \"{}\"{} as API \"{}\"", api.id, api.path,
                                                  host.empty() ? "" : fmt::format(" on host {}", host), other->second->id));
    }
  }
  auto plan = std::make_unique<Plan>();
  plan->destinations.push_back({.upstream = upstream_of(api)});
  plans_.push_back(std::move(plan));
  routes_.push_back(Router::Entry{
      .hosts = std::move(hosts),
      .route = Route{
          .api_id = api.id, .path = path, .plan = plans_.back().get(), .takes_http = api.takes_http, .takes_https = api.takes_https}});
}

/// Null after an error.
const Upstream* Builder::upstream_of(const Api& api) {
  if (!api.backend_id.value.empty()) {
    const auto known = backends_.find(api.backend_id.value);
    if (known == backends_.end()) {
      built_.report.error(api.backend_id.source, no_such("backend", api.backend_id.value, config_.backends));
      return nullptr;
    }
    return api.certificate_id.value.empty() ? known->second.upstream : upstream_under(known->second, api.certificate_id);
  }
  Result<Url> url = parse_url(api.service_url.value);
  if (!url) {
    built_.report.error(api.service_url.source, std::move(url.error().detail));
    return nullptr;
  }
  const Backend* backend = lender(*url);
  return add_upstream(*url, Backend{}, backend == nullptr ? BackendTls{} : backend->tls, credential_for(*url, api.certificate_id),
                      api.service_url.source);
}

/// A backend with all its settings but the credentials. APIs that choose the same certificate share it.
const Upstream* Builder::upstream_under(const KnownBackend& backend, const Reference& certificate_id) {
  const Backend& settings = *backend.settings;
  Credential chosen = credential_for(settings.url, certificate_id);
  if (chosen.id.empty() || backend.upstream->identity == nullptr) {
    return nullptr;  // what is wrong with the certificate, or with the backend, was said
  }
  const Upstream*& upstream = under_certificate_[{settings.id, chosen.id}];
  if (upstream == nullptr) {
    upstream = add_upstream(settings.url, settings, settings.tls, std::move(chosen), settings.source);
  }
  return upstream;
}

/// What an API shows to a back end at `url` if it chooses `certificate_id`; nothing for none, and after an error.
Builder::Credential Builder::credential_for(const Url& url, const Reference& certificate_id) {
  if (certificate_id.value.empty()) {
    return {};
  }
  if (url.scheme == Scheme::http) {
    built_.report.error(certificate_id.source, std::string(certificate_without_tls));
    return {};
  }
  return credential_by_id(certificate_id);
}

/// The backend that lends a serviceUrl its TLS checks (never its credentials): the one whose URL is the longest prefix on whole segments.
/// Two that are equally long lend nothing.
const Backend* Builder::lender(const Url& url) const {
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

/// A context is made here only to see that it can be: on a shard it would be too late.
void Builder::add_listener(const Listener& listener) {
  std::vector<std::shared_ptr<const wire::Certificate>>& certificates = listener_certificates_.emplace_back();
  if (!listener.tls) {
    return;
  }
  for (const Reference& id : listener.tls->certificate_ids) {
    if (std::shared_ptr<const wire::Certificate> certificate = credential_by_id(id).certificate) {
      check_listener_certificate(id, *certificate);
      certificates.push_back(std::move(certificate));
    }
  }
  if (certificates.size() != listener.tls->certificate_ids.size() || certificates.empty()) {
    return;  // what is wrong was said
  }
  const Result<std::shared_ptr<wire::TlsContext>> made =
      wire::TlsContext::server({.certificate = certificates.front(),
                                .further_certificates = {std::next(certificates.begin()), certificates.end()},
                                .min_version = listener.tls->min_version,
                                .max_version = listener.tls->max_version});
  if (!made) {
    built_.report.error(listener.source, made.error().detail);
  }
}

/// Dates are Material's to warn of.
void Builder::check_listener_certificate(const Reference& id, const wire::Certificate& certificate) {
  const wire::CertificateInfo& leaf = certificate.leaf();
  if (!meant_for(leaf, "serverAuth")) {
    built_.report.warning(id.source, fmt::format("certificate \"{}\" is not meant for servers: its extended key usages have no serverAuth, "
                                                 "and callers will refuse it",
                                                 id.value));
  }
  if (leaf.subject_alternative_names.empty()) {
    built_.report.warning(id.source,
                          fmt::format("certificate \"{}\" has no subject alternative name: callers will refuse it, whatever name "
                                      "they expect",
                                      id.value));
  }
}

void Builder::check_listeners() {
  const bool lends_identity = std::ranges::any_of(upstreams_, [](const auto& upstream) { return upstream->certificate != nullptr; });
  for (const Listener& listener : config_.listeners) {
    if (lends_identity && !listener.address.is_loopback()) {
      built_.report.warning(listener.source, fmt::format("{} is not loopback: whoever reaches it calls back ends under the certificates of "
                                                         "the APIs, because callers are not authenticated",
                                                         listener.address.text()));
    }
  }
}

}  // namespace

Built build_snapshot(const Config& config, Files& files, const BuildOptions& options) {
  return Builder(config, files, options).run();
}

}  // namespace signet::config
