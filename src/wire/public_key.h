// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include <string>
#include <string_view>

#include "signet/base/bytes.h"
#include "der.h"

namespace signet::wire {

/// A public key in one form, so that the key of a certificate and the one of a private key can be compared.
struct PublicKey {
  std::string type;   ///< as CertificateInfo::key_type
  ByteVector octets;  ///< RSA: RSAPublicKey DER; EC: the point, compressed; others as in the certificate

  friend bool operator==(const PublicKey&, const PublicKey&) = default;
};

/// Reads a SubjectPublicKeyInfo (RFC 5280 §4.1.2.7). `info` is a reader inside its SEQUENCE; faults mark it as damaged.
[[nodiscard]] PublicKey read_public_key(der::Reader info);

/// From unsigned octets, and from a point in any form of SEC 1 §2.3.3 (one that is none of them stays as it is).
[[nodiscard]] PublicKey rsa_public_key(ByteView modulus, ByteView exponent);
[[nodiscard]] PublicKey ec_public_key(std::string_view curve_oid, ByteView point);

}  // namespace signet::wire
