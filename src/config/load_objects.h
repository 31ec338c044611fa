// SPDX-License-Identifier: GPL-3.0-or-later
// One reader per kind of object; load.cc puts them together.
#pragma once

#include <optional>

#include "signet/config/config.h"
#include "reader.h"

namespace signet::config {

[[nodiscard]] Certificate read_certificate(Document& document, const Item& item);
[[nodiscard]] CertificateAuthority read_certificate_authority(Document& document, const Item& item);
[[nodiscard]] CertificateRevocationList read_certificate_revocation_list(Document& document, const Item& item);
[[nodiscard]] Backend read_backend(Document& document, const Item& item);
[[nodiscard]] Api read_api(Document& document, const Item& item);
[[nodiscard]] Operation read_operation(Document& document, const Item& item);

/// `policyFile` of an object.
void read_policy_file(ObjectReader& reader, std::optional<PolicyDocument>& policy);

}  // namespace signet::config
