// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include <array>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <vector>

#include "signet/base/clock.h"
#include "signet/wire/identity.h"
#include "signet/wire/tls_session.h"
#include "tls_verify.h"

namespace signet::wire {

/// Chains of back ends that have passed every check of one identity: signatures, dates, constraints, revocation, name, pins. The same chain
/// again costs a hash. What a verdict depends on besides the bytes of the chain is part of the identity, which never changes: another set
/// of trust anchors, another list of revocations or another name is another identity, whose TlsContext has another VerifiedChains.
///
/// Only good verdicts are kept, for an hour at most, and never past the first date at which one could change: the end of any certificate
/// that was sent, and the promised successor of any revocation list. Bounded: `entries_max`; the one that was unused for longest goes.
/// Stays on one thread.
class VerifiedChains {
 public:
  static constexpr std::size_t entries_max = 8;  ///< the machines of one back end, if each has a certificate of its own
  static constexpr std::chrono::seconds lifetime = std::chrono::hours(1);

  /// The leaf of this very chain, if it passed the checks and its verdict still stands at `now`; null otherwise.
  [[nodiscard]] std::shared_ptr<const TlsPeer> find(SentChain chain, WallTime now);

  /// REQUIRES: `chain`, whose leaf is `peer`, passed every check of `identity` just now. Keeps nothing where a date cannot be read.
  void add(const Identity& identity, SentChain chain, std::shared_ptr<const TlsPeer> peer, WallTime now);

  [[nodiscard]] std::size_t size() const { return entries_.size(); }
  /// Chains that were found so far.
  [[nodiscard]] std::uint64_t found() const { return found_; }

 private:
  using Digest = std::array<std::byte, 32>;

  struct Entry {
    Digest digest;  ///< SHA-256 of every certificate with its length in front
    std::shared_ptr<const TlsPeer> peer;
    WallTime verified_at;
    WallTime good_until;
  };

  [[nodiscard]] static std::optional<Digest> digest_of(SentChain chain);

  std::vector<Entry> entries_;  ///< the last used at the end
  std::uint64_t found_ = 0;
};

}  // namespace signet::wire
