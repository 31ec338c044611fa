// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include <wolfssl/wolfcrypt/settings.h>

#include <wolfssl/wolfcrypt/random.h>

#include <array>
#include <cstddef>
#include <mutex>
#include <optional>
#include <span>

#include "signet/base/bytes.h"
#include "signet/base/clock.h"
#include "signet/wire/ticket_keys.h"
#include "secret_bytes.h"

namespace signet::wire {

/// Digest of what a ticket is bound to.
inline constexpr std::size_t ticket_scope_bytes = 32;
using TicketScope = std::span<const std::byte, ticket_scope_bytes>;

/// What stands beside a ticket in the clear, in wolfSSL's sizes.
struct TicketEnvelope {
  std::span<std::byte, 16> key_name;
  std::span<std::byte, 16> nonce;
  std::span<std::byte, 32> tag;  ///< the first half; the rest is zero
};

struct TicketKeys::Parts {
  Parts();
  Parts(const Parts&) = delete;
  Parts& operator=(const Parts&) = delete;
  ~Parts();

  /// Encrypts `ticket` in place. `scope`: who may open it, bound to it. False: no random numbers.
  [[nodiscard]] bool seal(WallTime now, TicketScope scope, const TicketEnvelope& envelope, MutableByteView ticket);
  /// Decrypts in place. False for a ticket of other keys, of keys past their time, of another scope, or one that was changed.
  [[nodiscard]] bool open(WallTime now, TicketScope scope, const TicketEnvelope& envelope, MutableByteView ticket);

 private:
  struct Key {
    Key() = default;
    Key(const Key&) = default;
    Key& operator=(const Key&) = default;
    ~Key() { wipe(secret); }

    std::array<std::byte, 16> name{};
    std::array<std::byte, 32> secret{};
    WallTime made{};
  };

  [[nodiscard]] bool random(MutableByteView out);
  /// The one to seal with, and its nonce.
  [[nodiscard]] std::optional<Key> current_key(WallTime now, MutableByteView nonce);
  [[nodiscard]] std::optional<Key> find_key(WallTime now, ByteView name);

  std::mutex mutex_;
  WC_RNG random_{};
  bool random_ready_ = false;
  std::optional<Key> current_;
  std::optional<Key> previous_;
};

}  // namespace signet::wire
