// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include "signet/base/bytes.h"
#include "signet/base/result.h"
#include "public_key.h"
#include "secret_bytes.h"

namespace signet::wire {

/// A private key that was checked: its numbers belong together, and TLS can use it.
struct PrivateKey {
  SecretBytes pkcs8;     ///< in one form whatever the file had: DER, no attributes, EC with its public key (RFC 5958, RFC 5915, RFC 8410)
  PublicKey public_key;  ///< worked out from the private part
};

/// The three encodings (RFC 5958; RFC 8017 appendix A.1.2; RFC 5915). BER is taken. Errors: config, internal: damaged, parts that do not
/// belong together, an algorithm or curve that is not supported (named).
[[nodiscard]] Result<PrivateKey> read_pkcs8(ByteView der);
[[nodiscard]] Result<PrivateKey> read_rsa_private_key(ByteView der);
[[nodiscard]] Result<PrivateKey> read_ec_private_key(ByteView der);

}  // namespace signet::wire
