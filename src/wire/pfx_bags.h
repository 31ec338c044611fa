// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include <string>
#include <vector>

#include "signet/base/result.h"
#include "chain.h"
#include "der.h"
#include "secret_bytes.h"

namespace signet::wire {

/// What the bags of a PFX hold (RFC 7292 §4.2). Lists of revoked certificates, secrets and bags of unknown types are passed over.
struct PfxBags {
  struct Key {
    SecretBytes info;  ///< PrivateKeyInfo, or EncryptedPrivateKeyInfo
    bool encrypted = false;
    std::string friendly_name;
    ByteVector local_key_id;
  };

  std::vector<FoundCertificate> certificates;
  std::vector<Key> keys;
};

/// Adds the bags of a SafeContents; `safe` is a reader inside its SEQUENCE. Errors: config, internal: damaged (and where), or too many.
[[nodiscard]] Result<void> read_safe_contents(der::Reader safe, PfxBags& bags);

/// The key that is meant: the only one, or the one of that name (its own friendlyName, or else that of the certificate with the same
/// localKeyID; letter case counts only where it must). Errors: config, internal: none; several or no such one, which lists them.
[[nodiscard]] Result<PfxBags::Key*> choose_key(PfxBags& bags, std::string_view friendly_name);

}  // namespace signet::wire
