// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include <cstddef>
#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "signet/base/bytes.h"
#include "signet/base/clock.h"
#include "signet/base/endpoint.h"
#include "signet/config/config.h"
#include "signet/config/files.h"
#include "signet/config/plan.h"
#include "signet/config/report.h"
#include "signet/config/router.h"
#include "signet/wire/certificate.h"
#include "signet/wire/identity.h"

namespace signet::config {

/// A back end as a call meets it: a backend of the configuration, under its own credentials or a certificate that an API chose, or the
/// serviceUrl of one API. What every call reads stands together.
struct Upstream {
  std::vector<CircuitBreakerRule> circuit_breaker;
  std::size_t index = 0;                           ///< its place among Snapshot::upstreams
  std::optional<Endpoint> address;                 ///< if `host` is one
  std::shared_ptr<const wire::Identity> identity;  ///< null for http
  Duration connect_timeout{};
  Duration response_timeout{};
  Duration total_timeout{};  ///< zero: no limit
  Duration idle_timeout{};
  std::uint32_t connections_max = 0;
  std::uint32_t idle_connections_max = 0;
  std::uint32_t replay_buffer_bytes = 0;  ///< 0: off
  std::uint16_t port = 0;
  Scheme scheme = Scheme::https;
  HostHeader host_header = HostHeader::backend;
  std::string base_path;  ///< empty, or from the first slash
  std::string authority;  ///< for the Host field
  std::string host;       ///< DNS name or IP address, without brackets
  std::string id;         ///< of the backend; empty for a serviceUrl
  std::string certificate_id;
  std::shared_ptr<const wire::Certificate> certificate;  ///< the identity's; null for none

  /// All zero for http.
  [[nodiscard]] wire::IdentityKey identity_key() const { return identity ? identity->key() : wire::IdentityKey{}; }
};

/// The compiled configuration: everything that a call needs to find its way, with all certificates loaded. Immutable and shared by all
/// shards; a call keeps the one that it started with.
class Snapshot {
 public:
  struct Parts {
    Config config;
    std::uint64_t generation = 1;
    std::vector<std::unique_ptr<const Upstream>> upstreams;
    std::vector<std::unique_ptr<const Plan>> plans;
    std::vector<std::unique_ptr<const OperationTable>> operations;
    Router router;
    std::map<std::string, std::shared_ptr<const wire::Certificate>, std::less<>> certificates;
    std::shared_ptr<const wire::Certificate> admin_certificate;
    std::vector<std::vector<std::shared_ptr<const wire::Certificate>>> listener_certificates;
  };

  explicit Snapshot(Parts parts) : parts_(std::move(parts)) {}
  Snapshot(const Snapshot&) = delete;
  Snapshot& operator=(const Snapshot&) = delete;

  [[nodiscard]] const Config& config() const { return parts_.config; }
  /// Grows with each snapshot that comes into force.
  [[nodiscard]] std::uint64_t generation() const { return parts_.generation; }

  /// See Router::route. The answer lives as long as this object.
  [[nodiscard]] const Route* route(std::string_view host, std::string_view path) const { return parts_.router.route(host, path); }

  /// May this peer tell us who the caller is?
  [[nodiscard]] bool is_trusted_proxy(const Endpoint& peer) const;

  /// In the order of the configuration: its backends, then what its APIs add: serviceUrls, and backends under another certificate. Several
  /// may have the id of one backend.
  [[nodiscard]] const std::vector<std::unique_ptr<const Upstream>>& upstreams() const { return parts_.upstreams; }

  /// Every certificate of the configuration, by id.
  [[nodiscard]] const std::map<std::string, std::shared_ptr<const wire::Certificate>, std::less<>>& certificates() const {
    return parts_.certificates;
  }
  /// What the management listener shows; null: it makes one itself, or there is none.
  [[nodiscard]] const std::shared_ptr<const wire::Certificate>& admin_certificate() const { return parts_.admin_certificate; }
  /// What a listener shows to callers, by its place in the configuration; never empty for one with TLS, empty for one without.
  [[nodiscard]] const std::vector<std::shared_ptr<const wire::Certificate>>& listener_certificates(std::size_t listener) const {
    return parts_.listener_certificates[listener];
  }

  /// Keys of the identities in use, for ConnectionPool::retain; the all-zero key of plain connections is among them if there is an http
  /// upstream. No repetitions.
  [[nodiscard]] std::vector<wire::IdentityKey> identity_keys() const;

 private:
  Parts parts_;
};

/// What the last good build has read and made, and the windows of its rate limits. A later build takes over what would come out the same:
/// it opens (and derives keys for) only certificates whose content has changed, makes only the identities whose settings have changed, and
/// reads only the policies whose text has changed; what is taken over is the same object. And where reading a certificate, an authority or
/// a policy's file anew fails, or would bring an expired one for one that is still valid, what was read before under the same id stays in
/// force. Belongs to whoever builds snapshots; not thread-safe. A build that fails changes nothing here.
class Material {
 public:
  Material();
  Material(const Material&) = delete;
  Material& operator=(const Material&) = delete;
  ~Material();

 private:
  friend class MaterialReader;
  struct CertificateEntry;
  struct IdentityEntry;
  struct PolicyEntry;
  std::map<std::string, std::shared_ptr<const CertificateEntry>, std::less<>> certificates_;
  std::map<std::string, std::shared_ptr<const wire::CertificateAuthority>, std::less<>> authorities_;
  std::shared_ptr<const wire::CertificateAuthority> system_authority_;
  std::map<std::string, std::shared_ptr<const std::vector<ByteVector>>, std::less<>> revocation_lists_;
  std::map<std::string, std::shared_ptr<const std::string>, std::less<>> policies_;      ///< texts of files, by scope
  std::map<std::string, std::shared_ptr<const IdentityEntry>, std::less<>> identities_;  ///< by what they are for
  std::map<std::string, std::shared_ptr<const PolicyEntry>, std::less<>> documents_;     ///< of policies, by scope
  std::map<std::string, std::shared_ptr<RateWindow>, std::less<>> rate_windows_;         ///< by scope, calls and period
};

struct BuildOptions {
  std::uint64_t generation = 1;
  WallTime now{};  ///< for warnings about certificates that are not valid now
  Material* material = nullptr;
};

struct Built {
  std::shared_ptr<const Snapshot> snapshot;  ///< null if the report has errors
  std::size_t certificates_changed = 0;      ///< ids that have another certificate than Material had before, new and gone ones included
  Report report;
};

/// Reads every certificate, authority and revocation list that the configuration names, makes the identity of each back end, resolves
/// every reference. Goes on after an error. Errors: a file that cannot be read, a certificate that cannot be used, a reference without an
/// object, a client certificate or TLS settings for an http:// back end, a certificate that a listener cannot use, two APIs with the same
/// path and host. Warnings: a certificate that is not valid now or not for what it is used for, one that stays in force because its files
/// cannot be used (see Material), a revocation list that is out of date, a listener that is not loopback (whoever reaches it borrows the
/// APIs' certificates).
///
/// Blocks and may take seconds (key derivation): never call it on a shard.
[[nodiscard]] Built build_snapshot(Config config, Files& files, const BuildOptions& options);

}  // namespace signet::config
