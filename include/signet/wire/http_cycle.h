// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include <cstdint>

#include "signet/wire/http_head.h"

namespace signet::wire {

/// One request and its answer on one connection, as far as both have gone. The same on the caller's side and on the back end's.
struct HttpCycle {
  enum class Half : std::uint8_t { waiting, head_done, complete };

  Half request = Half::waiting;
  Half response = Half::waiting;
  bool request_keeps_alive = false;   ///< HttpHead::keep_alive of the request as it stands on this connection
  bool response_keeps_alive = false;  ///< likewise of the answer
  bool switched = false;              ///< 101: no HTTP any more
  bool surplus = false;               ///< the answering side has sent more than the answer
};

/// What may be done with the connection now that its cycle stops here (RFC 9112 §9).
enum class Afterwards : std::uint8_t {
  reuse,  ///< the next message may follow
  close,  ///< everything that was begun is complete: close in good order
  abort,  ///< a message is cut off: its receiver must be able to see that (RFC 9112 §8)
};

/// The only place that decides. A request whose body was not sent to its end makes the connection useless for the next one, whatever both
/// sides said; an answer that has begun and is not complete must not end as if it were.
[[nodiscard]] Afterwards afterwards(const HttpCycle& cycle);

}  // namespace signet::wire
