// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include <string>
#include <vector>

#include "signet/base/clock.h"
#include "signet/base/endpoint.h"
#include "signet/base/result.h"

namespace signet::wire {

/// A server certificate that vouches for itself, and its key, as PEM texts (RFC 7468; the key is PKCS #8).
struct SelfSigned {
  std::string certificate;
  std::string key;  ///< wiped by the destructor

  SelfSigned() = default;
  SelfSigned(SelfSigned&&) = default;
  SelfSigned& operator=(SelfSigned&&) = default;
  ~SelfSigned();
};

/// Whom it is for and how long. The clock is the caller's.
struct SelfSignedOptions {
  std::string common_name;             ///< of subject and issuer; for people only
  std::vector<std::string> dns_names;  ///< subject alternative names, ASCII
  std::vector<Endpoint> addresses;     ///< likewise; the port does not matter
  WallTime not_before{};
  WallTime not_after{};
};

/// A new P-256 key, and a certificate over it: v3, a random serial number of 127 bits, CA:FALSE, keyUsage digitalSignature,
/// extendedKeyUsage serverAuth, subject key identifier, signed with ECDSA and SHA-256. Who pins it as a trust anchor can check a server
/// with it. Draws from the system's randomness. Error: internal.
[[nodiscard]] Result<SelfSigned> make_self_signed(const SelfSignedOptions& options);

}  // namespace signet::wire
