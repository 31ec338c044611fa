// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include <chrono>
#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "signet/base/clock.h"
#include "signet/base/endpoint.h"
#include "signet/base/limits.h"
#include "signet/base/result.h"
#include "signet/config/cidr.h"
#include "signet/config/report.h"
#include "signet/wire/certificate.h"
#include "signet/wire/digest.h"
#include "signet/wire/tls_types.h"

/// The configuration as values: what a file (config/load.h) or the management side says, checked one by one, with references between
/// objects still by name. config/snapshot.h makes of it what calls are served from. Names are those of the file (conf/signet.schema.json),
/// there in camelCase; durations stand there as text with a unit ("30s").
namespace signet::config {

using std::chrono::seconds;

/// A text that points elsewhere (a file, another object), with the place to blame when there is nothing there.
struct Reference {
  std::string value;
  Source source;
};

/// How a listener speaks TLS with callers. ALPN offers http/1.1, sessions may be resumed.
struct ListenerTls {
  std::vector<Reference> certificate_ids;  ///< at least one; by the name that the caller asks for (SNI), the first where none matches
  wire::TlsVersion min_version = wire::TlsVersion::tls12;
  wire::TlsVersion max_version = wire::TlsVersion::tls13;
};

struct Listener {
  Endpoint address;  ///< port 0: any free one
  std::optional<ListenerTls> tls;
  Source source;
};

/// What the holder of a token may do.
enum class AdminRole : std::uint8_t { read, write };

/// Of the token in the state directory.
inline constexpr std::string_view bootstrap_token_name = "bootstrap";

/// A token of the management API, beside the one in the state directory. Itself it is nowhere in the configuration.
struct AdminToken {
  std::string name;  ///< for the log
  AdminRole role = AdminRole::read;
  wire::Sha256Digest sha256{};  ///< of the token
};

/// The management listener.
struct Admin {
  Endpoint address;
  bool tls = true;
  Reference certificate_id;  ///< of the listener; empty: one that Signet makes itself, in the state directory
  std::vector<AdminToken> tokens;
  Source source;
};

/// What a policy names. Thumbprints are upper case. In the order of the document, without repetitions.
struct PolicyReferences {
  std::vector<std::string> certificate_ids;
  std::vector<std::string> thumbprints;
  std::vector<std::string> backend_ids;
};

/// A policy as it was written. It is read, parsed and compiled when a snapshot is built.
struct PolicyDocument {
  std::string xml;  ///< not looked at if there is a file
  Reference file;
  Source source;
  std::shared_ptr<const PolicyReferences> references;  ///< in the configuration of a snapshot; null before
};

/// Of a caller's request and of a back end's answer.
struct Limits {
  std::uint32_t request_head_bytes = 64 * 1024;
  std::uint32_t response_head_bytes = 64 * 1024;
  std::uint64_t request_body_bytes = 0;     ///< 0: no limit
  std::uint32_t connections_max = 100'000;  ///< of callers, at once, per shard
};

/// Towards callers. What a back end may take is in BackendTimeouts.
struct Timeouts {
  Duration head = seconds(30);  ///< first to last byte of a request's head; also from accept to the first head
  Duration idle = seconds(75);  ///< between two calls on one connection
  Duration body = seconds(60);  ///< between two pieces of a request's body
};

/// What a back end is told about the caller. Via is always sent (RFC 9110 §7.6.3).
enum class ForwardedHeaders : std::uint8_t {
  none,
  x_forwarded,  ///< X-Forwarded-For, -Host, -Proto
  forwarded,    ///< RFC 7239
  both,
};

/// A client identity: one source of key and chain. Exactly one of `pfx_file`, `pem_file` and `loaded` is set.
struct Certificate {
  std::string id;
  std::shared_ptr<const wire::Certificate> loaded;  ///< of the store: it was opened when it was uploaded
  Reference pfx_file;
  Reference pem_file;
  Reference key_file;  ///< with `pem_file`; empty: the key stands there too
  Reference password_file;
  Reference password_env;
  std::string friendly_name;  ///< which key of a PFX with several
  Source source;
};

/// Trust anchors from one source: exactly one of `pem_file`, `directory` and `system` is set.
struct CertificateAuthority {
  std::string id;
  Reference pem_file;
  Reference directory;  ///< every file in it that holds PEM certificates
  bool system = false;  ///< the system's bundle
  Source source;
};

struct CertificateRevocationList {
  std::string id;
  Reference file;  ///< PEM with one or several lists, or one in DER
  Source source;
};

struct ServerX509Name {
  std::string name;
  std::string issuer_certificate_thumbprint;
};

struct BackendTls {
  /// Empty: the system's bundle.
  std::vector<Reference> certificate_authorities;
  std::vector<Reference> certificate_revocation_lists;  ///< with any, every certificate of the server's chain must be covered by one
  bool validate_certificate_chain = true;
  bool validate_certificate_name = true;
  /// Pins. With any of them both checks are on, whatever the switches say.
  std::vector<std::string> server_certificate_thumbprints;
  std::vector<ServerX509Name> server_x509_names;
  std::string server_name;  ///< empty: the URL's host
  wire::TlsVersion min_version = wire::TlsVersion::tls12;
  wire::TlsVersion max_version = wire::TlsVersion::tls13;
  std::vector<wire::TlsGroup> groups = {wire::TlsGroup::x25519, wire::TlsGroup::secp256r1, wire::TlsGroup::secp384r1,
                                        wire::TlsGroup::x25519_mlkem768};
  wire::LateAuthentication late_authentication = wire::LateAuthentication::off;
  bool require_certificate_request = false;
  seconds session_lifetime = wire::session_lifetime_default;  ///< of a TLS session after its full handshake; zero: none is resumed
};

/// A header field or a query parameter, once with each value.
struct NamedValues {
  std::string name;
  std::vector<std::string> values;
};

/// `Authorization: scheme parameter`
struct Authorization {
  std::string scheme;
  std::string parameter;
};

struct BackendCredentials {
  std::vector<Reference> certificate_ids;  ///< the first is presented
  std::vector<Reference> certificate;      ///< thumbprints, SHA-1 or SHA-256; not looked at if there are ids
  std::vector<NamedValues> query;
  std::vector<NamedValues> header;
  std::optional<Authorization> authorization;
};

struct StatusRange {
  std::uint16_t min = 0;
  std::uint16_t max = 0;  ///< included
};

/// When a backend is left alone for a while. A failure is an answer within `statuses`, or a call without an answer if `errors`.
struct CircuitBreakerRule {
  std::string name;
  std::uint32_t failures_max = 0;  ///< that many within `interval` trip it; 0: `percentage` decides
  std::uint32_t percentage = 0;    ///< of the calls within `interval`, 1 to 100
  seconds interval{};
  std::vector<StatusRange> statuses;
  std::vector<std::string> error_reasons;  ///< as they were given; any of them: calls without an answer count
  seconds trip_duration{};
  bool accept_retry_after = false;  ///< Retry-After of the failure that trips it counts in place of `trip_duration`
};

struct PoolMember {
  Reference backend_id;
  std::uint32_t weight = 1;    ///< share of the calls among those of its priority; 0 to 100
  std::uint32_t priority = 0;  ///< lower ones first; the next group only when every member of this one has tripped
};

enum class BackendType : std::uint8_t { single, pool };

/// Per shard and address.
struct BackendConnections {
  std::uint32_t max = limits::pool_connections_max;
  std::uint32_t idle_max = limits::pool_idle_max;
  Duration idle_timeout = limits::pool_idle_timeout;
};

struct BackendTimeouts {
  Duration connect = limits::connect_timeout;  ///< TCP and TLS together
  Duration response = seconds(300);            ///< between two signs of life, once the request is sent
  Duration total = Duration::zero();           ///< of the whole call; zero: no limit
};

enum class Scheme : std::uint8_t { http, https };

/// Where calls go, taken apart. `host` is lower-case ASCII, or an IP address without brackets.
struct Url {
  Scheme scheme = Scheme::https;
  std::string host;
  std::uint16_t port = 0;  ///< never 0 once read
  std::string path;        ///< empty, or from the first slash; no query
  std::string authority;   ///< as it stands in Host: without the scheme's own port, IPv6 in brackets

  friend bool operator==(const Url&, const Url&) = default;
};

/// Whose name the back end sees in Host.
enum class HostHeader : std::uint8_t { backend, caller };

struct Backend {
  std::string id;
  std::string title;
  std::string description;
  std::string resource_id;  ///< of what runs there, in another system; for people
  BackendType type = BackendType::single;
  std::vector<PoolMember> pool;  ///< of a pool, which uses nothing of what follows but `source`
  Url url;
  BackendCredentials credentials;
  BackendTls tls;
  BackendConnections connections;
  BackendTimeouts timeouts;
  HostHeader host_header = HostHeader::backend;
  /// Of a request's body, kept until the back end has answered, so that it can be sent again; 0: off.
  std::uint32_t replay_buffer_bytes = 64 * 1024;
  std::vector<CircuitBreakerRule> circuit_breaker;
  Source source;
};

/// Calls of one method to one place below an API's path.
struct Operation {
  std::string id;
  std::string display_name;
  std::string method;        ///< a token of RFC 9110, as callers send it: "GET"
  std::string url_template;  ///< "/orders/{id}": a name in braces takes one segment, or at the end, as {*name} or "/*", all that is left
  std::optional<PolicyDocument> policy;
  Source source;
};

/// A front-side path and where its calls go. At most one of `backend_id` and `service_url` is set; with none, the policy has to say it.
struct Api {
  std::string id;
  std::string display_name;
  std::string path;                ///< no slash at either end; empty takes every path
  std::vector<std::string> hosts;  ///< lower case, no port; empty: any
  Reference backend_id;
  Reference service_url;              ///< checked: `parse_url` reads it
  Reference certificate_id;           ///< shown to the back end in place of the backend's credentials; empty: those (none for a serviceUrl)
  bool takes_http = true;             ///< `protocols`: calls over plain connections
  bool takes_https = true;            ///< and over TLS
  std::vector<Operation> operations;  ///< none: every method and every path below its own
  std::optional<PolicyDocument> policy;
  Source source;
};

struct Config {
  std::string file;          ///< it was read from; empty for none
  std::uint32_t shards = 0;  ///< 0: one per core
  std::vector<Listener> listeners;
  std::vector<Cidr> trusted_proxies;
  Limits limits;
  Timeouts timeouts;
  Duration drain_timeout = seconds(30);
  bool watch_files = true;       ///< read anew by itself when this file, or one that it names, changes
  std::string access_log = "-";  ///< a path; "-": standard output; empty: off
  ForwardedHeaders forwarded_headers = ForwardedHeaders::x_forwarded;
  std::uint16_t backend_tls_status = 500;  ///< of TLS failures towards a back end: 500 or 502
  std::vector<Certificate> certificates;
  std::vector<CertificateAuthority> certificate_authorities;
  std::vector<CertificateRevocationList> certificate_revocation_lists;
  std::vector<Backend> backends;
  std::vector<Api> apis;
  std::optional<PolicyDocument> policy;  ///< of the global scope
  std::optional<Admin> admin;
  Reference state_directory;  ///< what Signet itself makes; empty: nothing is written
  Reference secrets_root;     ///< folder below which certificates may be named by file:// URLs; empty: none may
  /// Back ends at such addresses are allowed although they are internal (link-local, or our own management listener).
  std::vector<Cidr> allow_internal_backends;
};

/// "500ms", "30s", "2m", "1h", or a duration of ISO 8601 from weeks to seconds: "PT2M", "P1DT12H", "PT0.5S" (no years and months, which
/// have no fixed length). Nothing for anything else.
[[nodiscard]] std::optional<Duration> parse_time(std::string_view text);

/// Reads an http or https URL without user, query and fragment. Errors: config, one sentence that says what was expected.
[[nodiscard]] Result<Url> parse_url(std::string_view text);

}  // namespace signet::config
