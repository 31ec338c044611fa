// SPDX-License-Identifier: GPL-3.0-or-later
#include "key_derivation.h"

#include <wolfssl/wolfcrypt/hmac.h>
#include <wolfssl/wolfcrypt/pwdbased.h>

#include <algorithm>
#include <array>

#include "signet/base/check.h"
#include "signet/wire/certificate.h"
#include "object_identifiers.h"
#include "text_encoding.h"

namespace signet::wire {

namespace {

constexpr std::size_t digest_octets_max = 64;
constexpr std::size_t block_octets_max = 128;

void terminate(SecretBytes& bmp) {
  bmp.insert(bmp.end(), 2, std::byte{0});
}

bool is_ascii(std::string_view text) {
  return std::all_of(text.begin(), text.end(), [](char c) { return static_cast<unsigned char>(c) < 0x80; });
}

/// `bytes`, repeated up to the next multiple of `block`; nothing stays nothing.
void append_repeated(SecretBytes& out, ByteView bytes, std::size_t block) {
  const std::size_t size = (bytes.size() + block - 1) / block * block;
  for (std::size_t i = 0; i < size; ++i)
    out.push_back(bytes[i % bytes.size()]);
}

/// `block` = `block` + `addend` + 1, big end first, overflow dropped (RFC 7292 appendix B.2 step 6C).
void add_with_one(MutableByteView block, ByteView addend) {
  unsigned carry = 1;
  for (std::size_t i = block.size(); i-- > 0;) {
    carry += std::to_integer<unsigned>(block[i]) + std::to_integer<unsigned>(addend[i]);
    block[i] = static_cast<std::byte>(carry);
    carry >>= 8;
  }
}

std::uint32_t blocks(std::size_t size, std::size_t block) {
  return static_cast<std::uint32_t>((size + block - 1) / block);
}

}  // namespace

std::vector<PasswordForm> password_forms(const std::optional<std::string>& password) {
  std::vector<PasswordForm> forms;
  if (!password || password->empty()) {
    forms.emplace_back();
    terminate(forms.back().bmp);
    forms.emplace_back();
    return forms;
  }
  const SecretBytes octets = secret_copy(as_bytes(*password));
  if (auto bmp = utf16be_from_utf8(*password)) {
    terminate(*bmp);
    forms.push_back({.bmp = std::move(*bmp), .utf8 = octets});
    if (is_ascii(*password)) return forms;
    forms.push_back({.bmp = forms.front().bmp, .utf8 = forms.front().bmp});
  }
  SecretBytes widened = utf16be_from_latin1(*password);
  terminate(widened);
  forms.push_back({.bmp = std::move(widened), .utf8 = octets});
  return forms;
}

WorkBudget::WorkBudget(std::uint32_t iterations_max)
    : iterations_max_(std::min(iterations_max, static_cast<std::uint32_t>(WC_PBKDF_DEFAULT_MAX_ITERATIONS))),
      left_(std::uint64_t{iterations_max_} * pfx_derivations_max) {}

Result<void> WorkBudget::spend(std::uint32_t rounds, std::uint32_t times) {
  if (rounds > iterations_max_) {
    return fail(ErrorKind::config, Origin::internal,
                "the iteration count of its key derivation, " + std::to_string(rounds) + ", is over the limit of " +
                    std::to_string(iterations_max_));
  }
  const std::uint64_t work = std::uint64_t{rounds} * times;
  if (work > left_) {
    return fail(ErrorKind::config, Origin::internal,
                "its key derivations together are over the limit of " + std::to_string(pfx_derivations_max) + " times " +
                    std::to_string(iterations_max_) + " iterations");
  }
  left_ -= work;
  return {};
}

Result<void> pkcs12_derive(wc_HashType hash, KeyPurpose purpose, ByteView bmp_password, ByteView salt, std::uint32_t iterations,
                           WorkBudget& budget, MutableByteView out) {
  const std::size_t digest_octets = digest_size(hash);
  const int block_size = wc_HashGetBlockSize(hash);
  SIGNET_CHECK(block_size > 0 && static_cast<std::size_t>(block_size) <= block_octets_max);
  const auto block_octets = static_cast<std::size_t>(block_size);
  if (auto allowed = budget.spend(iterations, blocks(out.size(), digest_octets)); !allowed) return allowed;

  // D ‖ I with I = S ‖ P, in the names of the RFC.
  SecretBytes input(block_octets, static_cast<std::byte>(purpose));
  input.reserve(input.size() + salt.size() + bmp_password.size() + 2 * block_octets);
  append_repeated(input, salt, block_octets);
  append_repeated(input, bmp_password, block_octets);

  SecretBytes digest(digest_octets);
  SecretBytes addend(block_octets);
  const auto digest_length = static_cast<word32>(digest_octets);
  while (!out.empty()) {
    int status = wc_Hash(hash, raw(input), static_cast<word32>(input.size()), raw_out(digest), digest_length);
    for (std::uint32_t i = 1; i < iterations && status == 0; ++i) {
      status = wc_Hash(hash, raw(digest), digest_length, raw_out(digest), digest_length);
    }
    SIGNET_CHECK(status == 0);
    const std::size_t taken = std::min(out.size(), digest_octets);
    std::copy_n(digest.begin(), taken, out.begin());
    out = out.subspan(taken);
    for (std::size_t i = 0; i < block_octets; ++i)
      addend[i] = digest[i % digest_octets];
    for (std::size_t at = block_octets; at < input.size(); at += block_octets) {
      add_with_one(MutableByteView(input).subspan(at, block_octets), addend);
    }
  }
  return {};
}

Result<void> pbkdf2_derive(wc_HashType hash, ByteView password, ByteView salt, std::uint32_t iterations, WorkBudget& budget,
                           MutableByteView out) {
  if (auto allowed = budget.spend(iterations, blocks(out.size(), digest_size(hash))); !allowed) return allowed;
  const int status = wc_PBKDF2(raw_out(out), raw(password), static_cast<int>(password.size()), raw(salt), static_cast<int>(salt.size()),
                               static_cast<int>(iterations), static_cast<int>(out.size()), hmac_number(hash));
  if (status != 0) return fail(ErrorKind::internal, Origin::internal, "PBKDF2 failed");
  return {};
}

std::optional<wc_HashType> digest_type(std::string_view oid) {
  if (oid == oids::md5) return WC_HASH_TYPE_MD5;
  if (oid == oids::sha1) return WC_HASH_TYPE_SHA;
  if (oid == oids::sha224) return WC_HASH_TYPE_SHA224;
  if (oid == oids::sha256) return WC_HASH_TYPE_SHA256;
  if (oid == oids::sha384) return WC_HASH_TYPE_SHA384;
  if (oid == oids::sha512) return WC_HASH_TYPE_SHA512;
  return std::nullopt;
}

std::optional<wc_HashType> hmac_type(std::string_view oid) {
  if (oid == oids::hmac_sha1) return WC_HASH_TYPE_SHA;
  if (oid == oids::hmac_sha224) return WC_HASH_TYPE_SHA224;
  if (oid == oids::hmac_sha256) return WC_HASH_TYPE_SHA256;
  if (oid == oids::hmac_sha384) return WC_HASH_TYPE_SHA384;
  if (oid == oids::hmac_sha512) return WC_HASH_TYPE_SHA512;
  return std::nullopt;
}

std::size_t digest_size(wc_HashType hash) {
  const int size = wc_HashGetDigestSize(hash);
  SIGNET_CHECK(size > 0 && static_cast<std::size_t>(size) <= digest_octets_max);
  return static_cast<std::size_t>(size);
}

int hmac_number(wc_HashType hash) {
  switch (hash) {
    case WC_HASH_TYPE_MD5: return WC_MD5;
    case WC_HASH_TYPE_SHA: return WC_SHA;
    case WC_HASH_TYPE_SHA224: return WC_SHA224;
    case WC_HASH_TYPE_SHA256: return WC_SHA256;
    case WC_HASH_TYPE_SHA384: return WC_SHA384;
    default: SIGNET_CHECK(hash == WC_HASH_TYPE_SHA512); return WC_SHA512;
  }
}

}  // namespace signet::wire
