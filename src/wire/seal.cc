// SPDX-License-Identifier: GPL-3.0-or-later
#include "signet/wire/seal.h"

#include <fmt/core.h>
#include <wolfssl/wolfcrypt/aes.h>
#include <wolfssl/wolfcrypt/settings.h>

#include <string>
#include <utility>

#include "signet/base/check.h"
#include "signet/wire/digest.h"
#include "secret_bytes.h"
#include "wolfssl_bytes.h"

namespace signet::wire {

namespace {

constexpr std::byte version{1};
constexpr std::size_t nonce_bytes = 12;
constexpr std::size_t tag_bytes = 16;

static_assert(seal_overhead_bytes == 1 + nonce_bytes + tag_bytes);

/// wolfCrypt's key schedule; wiped by wc_AesFree and once more here, as it holds the key itself.
class Cipher {
 public:
  explicit Cipher(const SealKey& key) {
    SIGNET_CHECK(wc_AesInit(&aes_, nullptr, INVALID_DEVID) == 0);
    SIGNET_CHECK(wc_AesGcmSetKey(&aes_, raw(key.bytes()), wolfssl_size(key.bytes())) == 0);
  }
  Cipher(const Cipher&) = delete;
  Cipher& operator=(const Cipher&) = delete;
  ~Cipher() {
    wc_AesFree(&aes_);
    wipe(std::as_writable_bytes(std::span(&aes_, 1)));
  }

  Aes* operator*() { return &aes_; }

 private:
  Aes aes_{};
};

std::string additional_data(std::string_view context) {
  std::string data(1, static_cast<char>(version));
  data += context;
  return data;
}

std::unexpected<Error> refuse(std::string detail) {
  return fail(ErrorKind::config, Origin::internal, std::move(detail));
}

}  // namespace

SealKey SealKey::make() {
  SecretBytes bytes(size_bytes);
  fill_random(bytes);
  return SealKey(bytes);
}

SealKey::SealKey(ByteView bytes) : bytes_(secret_copy(bytes)) {
  SIGNET_CHECK(bytes.size() == size_bytes);
}

ByteVector seal(const SealKey& key, std::string_view context, ByteView plaintext) {
  ByteVector sealed(seal_overhead_bytes + plaintext.size());
  sealed[0] = version;
  const MutableByteView nonce = std::span(sealed).subspan(1, nonce_bytes);
  const MutableByteView ciphertext = std::span(sealed).subspan(1 + nonce_bytes, plaintext.size());
  const MutableByteView tag = std::span(sealed).last(tag_bytes);
  fill_random(nonce);
  const std::string data = additional_data(context);
  Cipher cipher(key);
  SIGNET_CHECK(wc_AesGcmEncrypt(*cipher, raw_out(ciphertext), raw(plaintext), wolfssl_size(plaintext), raw(nonce), nonce_bytes,
                                raw_out(tag), tag_bytes, raw(as_bytes(data)), wolfssl_size(as_bytes(data))) == 0);
  return sealed;
}

Result<SecretBytes> unseal(const SealKey& key, std::string_view context, ByteView sealed) {
  if (sealed.size() < seal_overhead_bytes) {
    return refuse(fmt::format("is damaged: {} bytes are left, expected at least {}", sealed.size(), seal_overhead_bytes));
  }
  if (sealed[0] != version) {
    return refuse(
        fmt::format("has the seal format {}, expected {}", std::to_integer<unsigned>(sealed[0]), std::to_integer<unsigned>(version)));
  }
  const ByteView nonce = sealed.subspan(1, nonce_bytes);
  const ByteView ciphertext = sealed.subspan(1 + nonce_bytes, sealed.size() - seal_overhead_bytes);
  const ByteView tag = sealed.last(tag_bytes);
  const std::string data = additional_data(context);
  SecretBytes plaintext(ciphertext.size());
  Cipher cipher(key);
  if (wc_AesGcmDecrypt(*cipher, raw_out(plaintext), raw(ciphertext), wolfssl_size(ciphertext), raw(nonce), nonce_bytes, raw(tag), tag_bytes,
                       raw(as_bytes(data)), wolfssl_size(as_bytes(data))) != 0) {
    return refuse("does not open: it was changed, sealed under another key, or belongs elsewhere");
  }
  return plaintext;
}

}  // namespace signet::wire
