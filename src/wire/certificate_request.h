// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "signet/base/bytes.h"
#include "signet/base/identity_refusal.h"
#include "signet/wire/certificate.h"
#include "signet/wire/tls_types.h"

namespace signet::wire {

/// Most names of authorities that are kept, of those that a back end may send; each is cut to limits::log_value_bytes_max.
inline constexpr std::size_t authorities_kept_max = 8;

/// The authorities that a back end named when it asked for a certificate. Immutable: connections of one context share it, as a back end
/// says the same every time.
struct NamedAuthorities {
  ByteVector list;                 ///< as sent
  std::vector<std::string> names;  ///< RFC 4514, the first few
  std::uint32_t total = 0;
  IssuerListed issuer_listed = IssuerListed::not_told;
};

/// The list of distinguished names in a CertificateRequest's body, each behind its length in two octets: certificate_authorities of RFC
/// 5246 §7.4.4, or the extension of RFC 8446 §4.2.4. Empty if there is none or the body cannot be read. Lives as long as `body`.
[[nodiscard]] ByteView authorities_list(ByteView body, TlsVersion version);

/// Takes such a list apart. `ours` may be null.
[[nodiscard]] NamedAuthorities read_authorities(ByteView list, const Certificate* ours);

}  // namespace signet::wire
