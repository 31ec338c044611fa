// SPDX-License-Identifier: GPL-3.0-or-later
#include "signet/net/refusal_breaker.h"

#include <algorithm>

namespace signet::net {

bool RefusalBreaker::allows(TimePoint now) {
  if (!open()) {
    return true;
  }
  if (now < next_attempt_) {
    return false;
  }
  next_attempt_ = now + pause_;  // should this attempt never come to an end
  attempt_due_ = true;
  return true;
}

bool RefusalBreaker::refused(TimePoint now) {
  const bool was_open = open();
  ++refusals_;
  if (!open()) {
    return false;
  }
  if (!was_open) {
    pause_ = limits::identity_pause_min;
  } else if (attempt_due_) {
    pause_ = std::min(pause_ * 2, limits::identity_pause_max);
  } else {
    return false;  // an attempt that was under way when it opened
  }
  attempt_due_ = false;
  next_attempt_ = now + pause_;
  return !was_open;
}

Duration RefusalBreaker::wait(TimePoint now) const {
  return open() ? std::max(Duration::zero(), next_attempt_ - now) : Duration::zero();
}

}  // namespace signet::net
