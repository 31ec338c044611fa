// SPDX-License-Identifier: GPL-3.0-or-later
#include "key_file.h"

#include <fmt/core.h>

#include "private_file.h"

namespace signet::control {

StoreResult<std::optional<wire::SealKey>> read_key_file(const std::string& path) {
  const StoreResult<std::optional<wire::SecretBytes>> content = read_private_file(path, wire::SealKey::size_bytes);
  if (!content) {
    return std::unexpected(content.error());
  }
  if (!*content) {
    return std::nullopt;
  }
  if ((*content)->size() != wire::SealKey::size_bytes) {
    return std::unexpected(
        StoreError{.kind = StoreError::Kind::unavailable,
                   .detail = fmt::format("{} is no key: {} bytes, expected {}", path, (*content)->size(), wire::SealKey::size_bytes)});
  }
  return wire::SealKey(**content);
}

StoreResult<wire::SealKey> make_key_file(const std::string& path) {
  wire::SealKey key = wire::SealKey::make();
  if (const StoreResult<void> made = make_private_file(path, key.bytes()); !made) {
    return std::unexpected(made.error());
  }
  return key;
}

}  // namespace signet::control
