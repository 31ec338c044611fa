// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include <wolfssl/wolfcrypt/hash.h>

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "signet/base/bytes.h"
#include "signet/base/result.h"
#include "secret_bytes.h"

namespace signet::wire {

/// A password in the two encodings that PFX files know.
struct PasswordForm {
  SecretBytes bmp;   ///< for RFC 7292 appendix B: UTF-16 with a terminating zero unit; no octet at all for the null password
  SecretBytes utf8;  ///< for PBKDF2
};

/// The forms worth trying, most likely first. Several where programs disagree: the empty password (a terminator alone, or nothing), and
/// passwords outside ASCII (old OpenSSL widened octets instead of decoding UTF-8; NSS gave PBKDF2 the BMP form).
[[nodiscard]] std::vector<PasswordForm> password_forms(const std::optional<std::string>& password);

/// How much key derivation one file may cost. A file comes from anywhere and names its own iteration counts.
class WorkBudget {
 public:
  explicit WorkBudget(std::uint32_t iterations_max);

  /// Asks for `rounds` rounds, `times` over. Error: config, internal: over the limit of one derivation, or of the file.
  [[nodiscard]] Result<void> spend(std::uint32_t rounds, std::uint32_t times);

 private:
  std::uint32_t iterations_max_;
  std::uint64_t left_;
};

/// What a key is for (RFC 7292 appendix B.3).
enum class KeyPurpose : std::uint8_t { encryption = 1, iv = 2, mac = 3 };

/// RFC 7292 appendix B.2; fills `out`. wolfCrypt's own refuses the null password. Errors: those of `budget`. REQUIRES: a hash that
/// `digest_type` gave.
[[nodiscard]] Result<void> pkcs12_derive(wc_HashType hash, KeyPurpose purpose, ByteView bmp_password, ByteView salt,
                                         std::uint32_t iterations, WorkBudget& budget, MutableByteView out);

/// RFC 8018 §5.2; fills `out`. Likewise.
[[nodiscard]] Result<void> pbkdf2_derive(wc_HashType hash, ByteView password, ByteView salt, std::uint32_t iterations, WorkBudget& budget,
                                         MutableByteView out);

/// The hash of a digest's or of an HMAC's object identifier (dotted), if it is supported.
[[nodiscard]] std::optional<wc_HashType> digest_type(std::string_view oid);
[[nodiscard]] std::optional<wc_HashType> hmac_type(std::string_view oid);
[[nodiscard]] std::size_t digest_size(wc_HashType hash);

/// The number that wolfCrypt's HMAC and PBKDF2 functions know a hash by.
[[nodiscard]] int hmac_number(wc_HashType hash);

}  // namespace signet::wire
