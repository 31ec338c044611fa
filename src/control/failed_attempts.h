// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include <cstdint>
#include <optional>
#include <unordered_map>

#include "signet/base/clock.h"
#include "signet/base/endpoint.h"

namespace signet::control {

/// Who has shown wrong tokens lately, by address (IPv6: by /64, which one machine has for itself). Only answers to wrong tokens are slowed:
/// a valid one is never asked about here. Bounded: when the table is full, the address that was quiet longest is forgotten.
class FailedAttempts {
 public:
  struct Verdict {
    Duration pause{};         ///< before the answer
    std::uint64_t count = 0;  ///< in a row
    bool log = false;         ///< a line is due
  };
  Verdict add(const Endpoint& peer, TimePoint now);

  [[nodiscard]] std::size_t size() const { return seen_.size(); }

 private:
  struct Seen {
    std::uint64_t count = 0;
    TimePoint last{};
    TimePoint logged{};
  };
  void make_room();

  std::unordered_map<Endpoint, Seen, EndpointHash> seen_;
};

}  // namespace signet::control
