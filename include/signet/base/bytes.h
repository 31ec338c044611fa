// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include <cstddef>
#include <span>
#include <string_view>
#include <vector>

namespace signet {

/// Bytes that somebody else owns. Valid as long as the function that got them runs, unless its contract says otherwise.
using ByteView = std::span<const std::byte>;
using MutableByteView = std::span<std::byte>;
using ByteVector = std::vector<std::byte>;

[[nodiscard]] inline ByteView as_bytes(std::string_view text) {
  return std::as_bytes(std::span(text.data(), text.size()));
}

[[nodiscard]] inline std::string_view as_text(ByteView bytes) {
  return {reinterpret_cast<const char*>(bytes.data()), bytes.size()};
}

}  // namespace signet
