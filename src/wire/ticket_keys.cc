// SPDX-License-Identifier: GPL-3.0-or-later
#include "signet/wire/ticket_keys.h"

#include <wolfssl/wolfcrypt/settings.h>

#include <wolfssl/wolfcrypt/aes.h>

#include <algorithm>
#include <array>

#include "signet/base/check.h"
#include "ticket_keys_parts.h"
#include "wolfssl_bytes.h"

namespace signet::wire {

namespace {

// AES-256-GCM as in RFC 5116: a nonce of 12 bytes, a tag of 16.
constexpr std::size_t nonce_bytes = 12;
constexpr std::size_t tag_bytes = 16;

class Cipher {
 public:
  explicit Cipher(ByteView key) {
    SIGNET_CHECK(wc_AesInit(&aes_, nullptr, INVALID_DEVID) == 0);
    SIGNET_CHECK(wc_AesGcmSetKey(&aes_, raw(key), wolfssl_size(key)) == 0);
  }
  Cipher(const Cipher&) = delete;
  Cipher& operator=(const Cipher&) = delete;
  ~Cipher() { wc_AesFree(&aes_); }  // wipes its copy of the key

  bool seal(const TicketEnvelope& envelope, ByteView associated, MutableByteView text) {
    return wc_AesGcmEncrypt(&aes_, raw_out(text), raw(text), wolfssl_size(text), raw(envelope.nonce), nonce_bytes, raw_out(envelope.tag),
                            tag_bytes, raw(associated), wolfssl_size(associated)) == 0;
  }
  bool open(const TicketEnvelope& envelope, ByteView associated, MutableByteView text) {
    return wc_AesGcmDecrypt(&aes_, raw_out(text), raw(text), wolfssl_size(text), raw(envelope.nonce), nonce_bytes, raw(envelope.tag),
                            tag_bytes, raw(associated), wolfssl_size(associated)) == 0;
  }

 private:
  Aes aes_{};
};

using AssociatedData = std::array<std::byte, 16 + ticket_scope_bytes>;

/// What the tag protects besides the ticket.
AssociatedData associated_data(const TicketEnvelope& envelope, TicketScope scope) {
  AssociatedData data;
  std::ranges::copy(scope, std::ranges::copy(envelope.key_name, data.begin()).out);
  return data;
}

}  // namespace

TicketKeys::TicketKeys() : parts_(std::make_unique<Parts>()) {}
TicketKeys::~TicketKeys() = default;

TicketKeys::Parts::Parts() = default;

TicketKeys::Parts::~Parts() {
  if (random_ready_) {
    wc_FreeRng(&random_);
  }
}

bool TicketKeys::Parts::seal(WallTime now, TicketScope scope, const TicketEnvelope& envelope, MutableByteView ticket) {
  const std::optional<Key> key = current_key(now, envelope.nonce);
  if (!key) {
    return false;
  }
  std::ranges::copy(key->name, envelope.key_name.begin());
  std::ranges::fill(envelope.tag, std::byte{0});
  return Cipher(key->secret).seal(envelope, associated_data(envelope, scope), ticket);
}

bool TicketKeys::Parts::open(WallTime now, TicketScope scope, const TicketEnvelope& envelope, MutableByteView ticket) {
  const std::optional<Key> key = find_key(now, envelope.key_name);
  return key && Cipher(key->secret).open(envelope, associated_data(envelope, scope), ticket);
}

bool TicketKeys::Parts::random(MutableByteView out) {
  random_ready_ = random_ready_ || wc_InitRng(&random_) == 0;
  return random_ready_ && wc_RNG_GenerateBlock(&random_, raw_out(out), wolfssl_size(out)) == 0;
}

std::optional<TicketKeys::Parts::Key> TicketKeys::Parts::current_key(WallTime now, MutableByteView nonce) {
  const std::scoped_lock lock(mutex_);
  // A clock that was set back must not lengthen a key's life.
  if (!current_ || now >= current_->made + ticket_key_lifetime || now < current_->made) {
    Key fresh;
    fresh.made = now;
    if (!random(fresh.name) || !random(fresh.secret)) {
      return std::nullopt;
    }
    previous_ = current_;
    current_ = fresh;
  }
  return random(nonce) ? current_ : std::nullopt;
}

std::optional<TicketKeys::Parts::Key> TicketKeys::Parts::find_key(WallTime now, ByteView name) {
  const std::scoped_lock lock(mutex_);
  for (std::optional<Key>* const key : {&current_, &previous_}) {
    if (*key && now >= (*key)->made + ticket_key_lifetime + ticket_lifetime) {
      key->reset();
    }
    if (*key && std::ranges::equal((*key)->name, name)) {
      return *key;
    }
  }
  return std::nullopt;
}

}  // namespace signet::wire
