// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include <memory>
#include <string>
#include <vector>

#include "signet/base/result.h"
#include "certificate_parts.h"
#include "private_key.h"
#include "x509.h"

namespace signet::wire {

/// A certificate as it stands in a file, with the attributes that a PFX may give it.
struct FoundCertificate {
  X509 x509;
  std::string friendly_name;
  ByteVector local_key_id;
};

/// The private key that was chosen, likewise.
struct FoundKey {
  PrivateKey key;
  std::string friendly_name;
  ByteVector local_key_id;
};

/// Makes an identity from the contents of a file, in whatever order they came.
///
/// The leaf is the certificate whose public key is the private key's: neither the position nor an attribute is relied on, because programs
/// disagree on both. If several match (a renewed certificate beside its predecessor), the key's localKeyID decides, then the later end of
/// validity. Then each certificate is followed by its issuer, as far as the file has it. Errors: config, internal: no certificate, or none
/// that belongs to the key.
[[nodiscard]] Result<std::unique_ptr<const Certificate::Parts>> assemble(std::vector<FoundCertificate> certificates, FoundKey key);

}  // namespace signet::wire
