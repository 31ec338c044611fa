// SPDX-License-Identifier: GPL-3.0-or-later
#include "signet/gateway/refusal_log.h"

#include <algorithm>
#include <utility>

#include "signet/base/limits.h"

namespace signet::gateway {

void RefusalLog::add(Refusal refusal) {
  const std::size_t at = total_++ % limits::refusals_kept;
  if (at < kept_.size()) {
    kept_[at] = std::move(refusal);
  } else {
    kept_.push_back(std::move(refusal));
  }
}

std::vector<Refusal> RefusalLog::all() const {
  std::vector<Refusal> ordered = kept_;
  if (kept_.size() == limits::refusals_kept) {
    std::rotate(ordered.begin(), ordered.begin() + static_cast<std::ptrdiff_t>(total_ % limits::refusals_kept), ordered.end());
  }
  return ordered;
}

}  // namespace signet::gateway
