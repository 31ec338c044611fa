// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include <string_view>

#include "signet/base/result.h"

namespace signet::gateway {

/// What is known about a call when its connection to the back end has failed.
struct RetrySituation {
  std::string_view method;
  bool connection_reused = false;  ///< the connection had served an earlier call
  bool replayed = false;           ///< this was the second attempt already
  bool response_begun = false;     ///< any byte of an answer has arrived
  bool body_kept = false;          ///< what was sent of the body, be it nothing, can be sent again
  bool peer_ended = false;         ///< by FIN or close_notify, not by a reset
  bool nothing_taken = false;      ///< the peer's system has confirmed no byte of the call, and cannot any more
};

/// May the call be sent once more, on a fresh connection? The only place that decides.
[[nodiscard]] bool may_retry(const Error& error, const RetrySituation& situation);

/// RFC 9110 §9.2.2.
[[nodiscard]] bool is_idempotent(std::string_view method);

}  // namespace signet::gateway
