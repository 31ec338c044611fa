// SPDX-License-Identifier: GPL-3.0-or-later
// Back ends as calls meet them, made of the configuration's objects: each with the identity that it is spoken to under.
#pragma once

#include <expected>
#include <map>
#include <memory>
#include <string>
#include <string_view>
#include <unordered_map>
#include <utility>
#include <vector>

#include "signet/config/config.h"
#include "signet/config/snapshot.h"
#include "material.h"

namespace signet::config {

inline constexpr std::string_view certificate_without_tls =
    "a client certificate for an http:// back end: expected an https:// URL, or no certificate";

/// Who a back end is told that we are.
struct Credential {
  std::string id;  ///< of the certificate; empty for none
  std::shared_ptr<const wire::Certificate> certificate;
};

class Upstreams {
 public:
  /// All must stay.
  Upstreams(const Config& config, MaterialReader& material, Report& report) : config_(config), material_(material), report_(report) {}

  /// Reads certificates, authorities and lists, and makes the upstream of each backend. What is wrong with them is said.
  void read();

  /// Null if there is none.
  [[nodiscard]] const Backend* backend(std::string_view id) const;
  /// Or one sentence: there is none.
  [[nodiscard]] std::expected<Credential, std::string> certificate(std::string_view id) const;
  [[nodiscard]] std::expected<Credential, std::string> certificate_by_thumbprint(std::string_view thumbprint) const;
  [[nodiscard]] std::string no_such_backend(std::string_view id) const;

  /// Of a backend that is no pool, under its own credentials. Null after an error, which was said.
  [[nodiscard]] const Upstream* of_backend(const Backend& backend) const;
  /// With all its settings but the credentials. Who chooses the same certificate shares it. Null after an error. REQUIRES: https.
  [[nodiscard]] const Upstream* of_backend(const Backend& backend, const Credential& credential);
  /// Of a URL, under the TLS checks that a backend lends it. `source`: what to blame. Null after an error. REQUIRES: https, or no
  /// credential.
  [[nodiscard]] const Upstream* of_url(const Url& url, const Credential& credential, const Source& source);

  [[nodiscard]] const std::vector<std::unique_ptr<const Upstream>>& all() const { return upstreams_; }
  [[nodiscard]] std::vector<std::unique_ptr<const Upstream>> take() { return std::move(upstreams_); }
  [[nodiscard]] std::map<std::string, std::shared_ptr<const wire::Certificate>, std::less<>> take_certificates() {
    return std::move(certificates_);
  }

 private:
  /// A backend of the configuration with what was made of it.
  struct KnownBackend {
    const Backend* settings = nullptr;
    const Upstream* upstream = nullptr;  ///< under its own credentials; null for a pool
  };

  std::shared_ptr<const wire::CertificateAuthority> trust_anchors(const CertificateAuthority& authority);
  void add_backend(const Backend& backend);
  void check_pool(const Backend& pool);
  Credential credential(const Backend& backend);
  void index_thumbprints();
  std::shared_ptr<const wire::Identity> identity(const std::string& use, const Url& url, const BackendTls& tls,
                                                 const Credential& credential, const Source& source);
  bool add_revocation_lists(const BackendTls& tls, std::vector<std::shared_ptr<const std::vector<ByteVector>>>& lists);
  bool add_authorities(const BackendTls& tls, const Source& source, wire::IdentitySettings& settings);
  const Backend* lender(const Url& url) const;
  /// `use`: see MaterialReader::identity.
  const Upstream* add_upstream(const std::string& use, const Url& url, const Backend& settings, const BackendTls& tls,
                               Credential credential, const Source& source);

  const Config& config_;
  MaterialReader& material_;
  Report& report_;
  std::map<std::string, std::shared_ptr<const wire::Certificate>, std::less<>> certificates_;
  std::unordered_map<std::string_view, std::string_view> thumbprints_;  ///< to ids; both in what `certificates_` holds
  std::map<std::string, std::shared_ptr<const wire::CertificateAuthority>, std::less<>> authorities_;
  std::map<std::string, std::shared_ptr<const std::vector<ByteVector>>, std::less<>> revocation_lists_;
  std::map<std::string, KnownBackend, std::less<>> backends_;
  std::map<std::pair<std::string, std::string>, const Upstream*> under_certificate_;  ///< (id of a backend, id of a certificate)
  std::map<std::pair<std::string, std::string>, const Upstream*> of_urls_;            ///< (place, id of a certificate)
  std::unordered_map<std::string, const Backend*> lenders_;                           ///< by place; null where there are several
  std::vector<std::unique_ptr<const Upstream>> upstreams_;
};

}  // namespace signet::config
