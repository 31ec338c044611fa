// SPDX-License-Identifier: GPL-3.0-or-later
#include "retry.h"

namespace signet::gateway {

bool is_idempotent(std::string_view method) {
  return method == "GET" || method == "HEAD" || method == "PUT" || method == "DELETE" || method == "OPTIONS" || method == "TRACE";
}

// A pooled connection may be closed by the back end in the same moment in which we send on it. The call then fails through nobody's fault,
// and is sent again, once, if we still have all of it and repeating it cannot do harm: the method is idempotent (RFC 9110 §9.2.2), or the
// back end had ended the connection before it took any of the call. A reset alone proves nothing: a back end that has read the whole call
// and then aborts has often confirmed none of it. A refusal of our identity, and anything that has produced the first byte of an answer, is
// final.
bool may_retry(const Error& error, const RetrySituation& situation) {
  if (error.kind != ErrorKind::connection_lost || error.origin != Origin::backend) {
    return false;
  }
  if (!situation.connection_reused || situation.replayed || situation.response_begun || !situation.body_kept) {
    return false;
  }
  return is_idempotent(situation.method) || (situation.peer_ended && situation.nothing_taken);
}

}  // namespace signet::gateway
