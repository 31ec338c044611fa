// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include "signet/wire/secret_bytes.h"

namespace signet::wire {

/// wolfCrypt's view of bytes.
[[nodiscard]] inline const unsigned char* raw(ByteView bytes) {
  return reinterpret_cast<const unsigned char*>(bytes.data());
}
[[nodiscard]] inline unsigned char* raw_out(MutableByteView bytes) {
  return reinterpret_cast<unsigned char*>(bytes.data());
}

}  // namespace signet::wire
