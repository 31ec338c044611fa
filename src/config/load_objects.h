// SPDX-License-Identifier: GPL-3.0-or-later
// One reader per kind of object; load.cc puts them together.
#pragma once

#include <optional>
#include <string_view>
#include <vector>

#include "signet/config/config.h"
#include "reader.h"

namespace signet::config {

/// minVersion and maxVersion.
void read_tls_versions(ObjectReader& reader, wire::TlsVersion& min, wire::TlsVersion& max);
/// `reader`: of the object "tls" of a listener.
[[nodiscard]] ListenerTls read_listener_tls(ObjectReader& reader);
[[nodiscard]] Certificate read_certificate(Document& document, const Item& item);
[[nodiscard]] CertificateAuthority read_certificate_authority(Document& document, const Item& item);
[[nodiscard]] CertificateRevocationList read_certificate_revocation_list(Document& document, const Item& item);
[[nodiscard]] Backend read_backend(Document& document, const Item& item);
[[nodiscard]] Api read_api(Document& document, const Item& item);
[[nodiscard]] Operation read_operation(Document& document, const Item& item);

// Parts of a backend.
void read_credentials(ObjectReader& reader, BackendCredentials& credentials);
void read_circuit_breaker(ObjectReader& reader, std::vector<CircuitBreakerRule>& rules);
void read_pool(ObjectReader& reader, std::vector<PoolMember>& members);

/// A reference that may be a resource id becomes the id at its end; see `id_in`. An error empties it.
void shorten(Document& document, Reference& reference, std::string_view collection);

/// `policyFile` of an object.
void read_policy_file(ObjectReader& reader, std::optional<PolicyDocument>& policy);

}  // namespace signet::config
