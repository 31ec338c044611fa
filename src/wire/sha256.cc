// SPDX-License-Identifier: GPL-3.0-or-later
#include "signet/wire/sha256.h"

#include <wolfssl/wolfcrypt/hash.h>

#include <cstdint>

#include "signet/base/check.h"
#include "secret_bytes.h"

namespace signet::wire {

Sha256Digest sha256(ByteView bytes) {
  Sha256Digest digest{};
  SIGNET_CHECK(wc_Sha256Hash(raw(bytes), static_cast<std::uint32_t>(bytes.size()), raw_out(digest)) == 0);
  return digest;
}

}  // namespace signet::wire
