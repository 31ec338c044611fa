// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include <cstdint>
#include <string_view>

#include "signet/base/result.h"

namespace signet::gateway {

/// What is known about a call when its connection to the back end has failed.
struct RetrySituation {
  std::string_view method;
  std::uint32_t attempts = 1;      ///< connections that the call was given so far
  bool connection_reused = false;  ///< the connection had served an earlier call
  bool request_body_sent = false;  ///< any byte of the body has left our hands: it cannot be sent again
  bool response_begun = false;     ///< any byte of an answer has arrived
};

/// May the call be sent once more, on another connection? The only place that decides.
[[nodiscard]] bool may_retry(const Error& error, const RetrySituation& situation);

/// RFC 9110 §9.2.2.
[[nodiscard]] bool is_idempotent(std::string_view method);

}  // namespace signet::gateway
