// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include <wolfssl/wolfcrypt/hash.h>

#include <cstdint>
#include <optional>

#include "signet/base/result.h"
#include "der.h"
#include "key_derivation.h"
#include "secret_bytes.h"

namespace signet::wire {

/// Password-based encryption as a file describes it: PBES1 of PKCS #12 (RFC 7292 appendix C: 3DES and RC2) or PBES2 (RFC 8018 §6.2: AES-CBC
/// and 3DES-CBC with PBKDF2).
struct PbeScheme {
  enum class Derivation : std::uint8_t { pkcs12, pbkdf2 };
  enum class Cipher : std::uint8_t { aes_cbc, des3_cbc, rc2_cbc };

  Derivation derivation = Derivation::pkcs12;
  Cipher cipher = Cipher::des3_cbc;
  std::size_t key_octets = 24;
  wc_HashType hash = WC_HASH_TYPE_SHA;
  ByteVector salt;
  std::uint32_t iterations = 0;
  ByteVector iv;  ///< empty: derived as well
};

/// Reads an AlgorithmIdentifier; `algorithm` is a reader inside its SEQUENCE. Errors: config, internal: damaged, or not supported (named).
[[nodiscard]] Result<PbeScheme> read_pbe(der::Reader algorithm);

/// The plaintext; nothing if the padding says that the password is wrong or the data damaged. Errors: over the limits of `budget`, or no
/// whole number of blocks.
[[nodiscard]] Result<std::optional<SecretBytes>> decrypt(const PbeScheme& scheme, const PasswordForm& password, ByteView ciphertext,
                                                         WorkBudget& budget);

/// The PrivateKeyInfo in an EncryptedPrivateKeyInfo (RFC 5958 §3). Results as for `decrypt`, and errors as for `read_pbe`.
[[nodiscard]] Result<std::optional<SecretBytes>> decrypt_pkcs8(ByteView encrypted, const PasswordForm& password, WorkBudget& budget);

/// Do the bytes form one SEQUENCE and nothing else? All that PFX files encrypt does.
[[nodiscard]] bool is_one_sequence(ByteView bytes);

/// The parameters of PBKDF2 (RFC 8018 appendix A.2), as PBES2 and PBMAC1 use it. `algorithm` as above.
struct Pbkdf2Parameters {
  ByteVector salt;
  std::uint32_t iterations = 0;
  std::optional<std::uint32_t> key_octets;
  wc_HashType hash = WC_HASH_TYPE_SHA;
};
[[nodiscard]] Result<Pbkdf2Parameters> read_pbkdf2(der::Reader algorithm);

}  // namespace signet::wire
