// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include "signet/base/bytes.h"
#include "signet/base/result.h"
#include "signet/wire/certificate.h"
#include "der.h"
#include "public_key.h"

namespace signet::wire {

/// A certificate that was read, with what is needed to sort certificates into chains.
struct X509 {
  ByteVector der;
  CertificateInfo info;
  PublicKey public_key;
  // RFC 5280 names, compared octet by octet as chain building in TLS stacks does (§7.1 allows more, no CA makes use of it).
  ByteVector subject;
  ByteVector issuer;
  ByteVector subject_key_id;    ///< empty: not there
  ByteVector authority_key_id;  ///< likewise

  [[nodiscard]] bool self_issued() const { return subject == issuer; }
};

/// Reads one DER certificate. Error: config, internal; says which part is damaged.
[[nodiscard]] Result<X509> read_x509(ByteView der);

/// The next element as a Time (RFC 5280 §4.1.2.5). Anything else is a fault.
[[nodiscard]] WallTime read_time(der::Reader& reader);

/// Is this a certificate by its outer form (so that a damaged one is told apart from another kind of file)?
[[nodiscard]] bool looks_like_certificate(ByteView bytes);

}  // namespace signet::wire
