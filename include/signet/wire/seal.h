// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include <cstddef>
#include <string_view>

#include "signet/base/bytes.h"
#include "signet/base/result.h"
#include "signet/wire/secret_bytes.h"

/// Secrets at rest: AES-256-GCM (NIST SP 800-38D) with a random nonce.
///
/// Format of a sealed value, version 1:
///     octet 0        the version, 1
///     octets 1–12    the nonce
///     then           the ciphertext, as long as the plaintext
///     last 16        the tag
/// Additional data of the cipher: octet 0, then the context. Random nonces allow 2^32 values under one key.
namespace signet::wire {

/// A key for sealing. Wiped when it goes.
class SealKey {
 public:
  static constexpr std::size_t size_bytes = 32;

  [[nodiscard]] static SealKey make();
  /// REQUIRES: `size_bytes` of them.
  explicit SealKey(ByteView bytes);

  [[nodiscard]] ByteView bytes() const { return bytes_; }

 private:
  SecretBytes bytes_;
};

/// What a sealed value has over its plaintext.
inline constexpr std::size_t seal_overhead_bytes = 1 + 12 + 16;

/// `context` says where the value belongs (an object, a purpose): it opens there only. REQUIRES: less than 2 GiB each.
[[nodiscard]] ByteVector seal(const SealKey& key, std::string_view context, ByteView plaintext);

/// Error: config, internal; the sealed value was cut or changed, is of another version, or was sealed under another key or for another
/// context. The detail completes "the secret of … " and holds nothing of it.
[[nodiscard]] Result<SecretBytes> unseal(const SealKey& key, std::string_view context, ByteView sealed);

}  // namespace signet::wire
