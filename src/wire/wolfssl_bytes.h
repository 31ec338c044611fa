// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include <climits>
#include <cstdint>

#include "signet/base/bytes.h"
#include "signet/base/check.h"

namespace signet::wire {

/// Bytes as wolfSSL takes them.
[[nodiscard]] inline const std::uint8_t* wolfssl_bytes(ByteView bytes) {
  return reinterpret_cast<const std::uint8_t*>(bytes.data());
}

/// REQUIRES: less than 2 GiB.
[[nodiscard]] inline std::uint32_t wolfssl_size(ByteView bytes) {
  SIGNET_CHECK(bytes.size() <= INT_MAX);
  return static_cast<std::uint32_t>(bytes.size());
}

}  // namespace signet::wire
