// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include "signet/base/result.h"
#include "der.h"
#include "key_derivation.h"

namespace signet::wire {

/// The password MAC of a PFX: RFC 7292 appendix B, or PBMAC1 (RFC 9579).
struct PfxMac {
  enum class Derivation : std::uint8_t { pkcs12, pbkdf2 };

  Derivation derivation = Derivation::pkcs12;
  wc_HashType derivation_hash = WC_HASH_TYPE_SHA;
  wc_HashType hmac_hash = WC_HASH_TYPE_SHA;
  ByteVector salt;
  std::uint32_t iterations = 1;
  std::size_t key_octets = 0;
  ByteVector value;
};

/// Reads MacData (RFC 7292 §4); `mac` is a reader inside its SEQUENCE. Errors: config, internal: damaged, or not supported (named).
[[nodiscard]] Result<PfxMac> read_pfx_mac(der::Reader mac);

/// Is it the MAC of `content` under this password? Errors: those of `budget`.
[[nodiscard]] Result<bool> verify(const PfxMac& mac, ByteView content, const PasswordForm& password, WorkBudget& budget);

}  // namespace signet::wire
