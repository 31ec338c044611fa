// SPDX-License-Identifier: GPL-3.0-or-later
#include "retry.h"

#include "signet/base/limits.h"

namespace signet::gateway {

bool is_idempotent(std::string_view method) {
  return method == "GET" || method == "HEAD" || method == "PUT" || method == "DELETE" || method == "OPTIONS" || method == "TRACE";
}

// A pooled connection may be closed by the back end in the same moment in which we send on it. The call then fails through nobody's fault,
// and is sent again if repeating it cannot do harm (RFC 9110 §9.2.2: idempotent methods) and we still have all of it. A refusal of our
// identity, and anything that has produced the first byte of an answer, is final.
bool may_retry(const Error& error, const RetrySituation& situation) {
  return error.kind == ErrorKind::connection_lost && error.origin == Origin::backend && situation.connection_reused &&
         !situation.response_begun && !situation.request_body_sent && situation.attempts < limits::call_attempts_max &&
         is_idempotent(situation.method);
}

}  // namespace signet::gateway
