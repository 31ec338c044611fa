// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include <chrono>
#include <memory>

#include "signet/wire/tls_types.h"

namespace signet::wire {

/// A key seals session tickets for so long; after that it only opens those that it has sealed, for as long again.
inline constexpr std::chrono::seconds ticket_key_lifetime = std::chrono::hours(1);
/// How long a caller may use a ticket.
inline constexpr std::chrono::seconds ticket_lifetime = std::chrono::hours(1);
static_assert(ticket_lifetime <= ticket_key_lifetime, "a ticket that was sealed at the last moment must open until its own end");

/// The keys under which servers seal their session tickets (RFC 5077, RFC 8446 §4.6.1). Contexts that share one object take each other's
/// tickets, as far as they show the same certificates: so one caller may resume on any shard. Made at random, changed by themselves, never
/// written anywhere, and wiped when they are done with: whoever has such a key reads what was recorded of TLS 1.2.
///
/// May be used from several threads at a time.
class TicketKeys {
 public:
  TicketKeys();
  TicketKeys(const TicketKeys&) = delete;
  TicketKeys& operator=(const TicketKeys&) = delete;
  ~TicketKeys();

  struct Parts;  ///< for the implementation
  [[nodiscard]] Parts& parts() { return *parts_; }

 private:
  std::unique_ptr<Parts> parts_;
};

}  // namespace signet::wire
