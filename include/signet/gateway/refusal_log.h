// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "signet/base/clock.h"
#include "signet/base/endpoint.h"
#include "signet/base/identity_refusal.h"

namespace signet::gateway {

/// One call on which a back end refused our certificate.
struct Refusal {
  WallTime time{};
  std::string api;
  std::string backend;         ///< id; empty for a serviceUrl
  std::string certificate_id;  ///< empty: no certificate was to be shown
  Endpoint endpoint;
  std::string activity_id;                         ///< of the call, as its caller was told and the access log says
  std::shared_ptr<const IdentityRefusal> refusal;  ///< never null
};

/// The last refusals on one shard (limits::refusals_kept). Stays on the shard.
class RefusalLog {
 public:
  void add(Refusal refusal);
  /// Oldest first.
  [[nodiscard]] std::vector<Refusal> all() const;

 private:
  std::vector<Refusal> kept_;  ///< a ring: the next one goes to index total_ % refusals_kept
  std::uint64_t total_ = 0;    ///< since the start
};

}  // namespace signet::gateway
