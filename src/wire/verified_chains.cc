// SPDX-License-Identifier: GPL-3.0-or-later
#include "verified_chains.h"

#include <wolfssl/wolfcrypt/settings.h>
#include <wolfssl/wolfcrypt/sha256.h>

#include <algorithm>
#include <utility>

#include "signet/wire/certificate.h"
#include "revocation_date.h"
#include "wolfssl_bytes.h"

namespace signet::wire {

namespace {

/// The first date at which a good verdict could change; nothing if one of the dates cannot be read.
std::optional<WallTime> good_until(const Identity& identity, SentChain chain) {
  WallTime end = WallTime::max();
  for (const ByteView der : chain) {
    const Result<CertificateInfo> info = certificate_info(der);
    if (!info) {
      return std::nullopt;
    }
    end = std::min(end, info->not_after);
  }
  for (const ByteVector& list : identity.settings().revocation_lists) {
    const std::optional<WallTime> next = revocation_list_end(list);
    if (!next) {
      return std::nullopt;
    }
    end = std::min(end, *next);
  }
  return end;
}

}  // namespace

std::optional<VerifiedChains::Digest> VerifiedChains::digest_of(SentChain chain) {
  wc_Sha256 hash;
  if (wc_InitSha256(&hash) != 0) {
    return std::nullopt;
  }
  bool done = true;
  for (const ByteView der : chain) {
    const auto size = static_cast<std::uint32_t>(der.size());
    const auto size_bytes = std::as_bytes(std::span(&size, 1));
    done = done && wc_Sha256Update(&hash, wolfssl_bytes(size_bytes), wolfssl_size(size_bytes)) == 0 &&
           wc_Sha256Update(&hash, wolfssl_bytes(der), wolfssl_size(der)) == 0;
  }
  Digest digest{};
  done = done && wc_Sha256Final(&hash, reinterpret_cast<std::uint8_t*>(digest.data())) == 0;
  wc_Sha256Free(&hash);
  return done ? std::optional(digest) : std::nullopt;
}

std::shared_ptr<const TlsPeer> VerifiedChains::find(SentChain chain, WallTime now) {
  if (entries_.empty()) {
    return nullptr;
  }
  const std::optional<Digest> digest = digest_of(chain);
  const auto entry = std::ranges::find_if(entries_, [&](const Entry& known) { return digest == known.digest; });
  if (entry == entries_.end()) {
    return nullptr;
  }
  if (now < entry->verified_at || now >= entry->good_until) {  // a clock that was set back proves nothing either
    entries_.erase(entry);
    return nullptr;
  }
  std::rotate(entry, entry + 1, entries_.end());
  ++found_;
  return entries_.back().peer;
}

void VerifiedChains::add(const Identity& identity, SentChain chain, std::shared_ptr<const TlsPeer> peer, WallTime now) {
  const std::optional<Digest> digest = digest_of(chain);
  const std::optional<WallTime> end = good_until(identity, chain);
  if (!digest || !end || *end <= now) {
    return;
  }
  std::erase_if(entries_, [&](const Entry& known) { return digest == known.digest; });
  if (entries_.size() == entries_max) {
    entries_.erase(entries_.begin());
  }
  entries_.push_back(Entry{.digest = *digest, .peer = std::move(peer), .verified_at = now, .good_until = std::min(*end, now + lifetime)});
}

}  // namespace signet::wire
