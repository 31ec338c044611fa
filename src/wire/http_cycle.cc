// SPDX-License-Identifier: GPL-3.0-or-later
#include "signet/wire/http_cycle.h"

namespace signet::wire {

Afterwards afterwards(const HttpCycle& cycle) {
  using Half = HttpCycle::Half;
  if (cycle.switched) {
    return Afterwards::close;
  }
  switch (cycle.response) {
    case Half::waiting:
      // Nothing was begun if the request was not; else somebody waits for an answer that will not come.
      return cycle.request == Half::waiting ? Afterwards::close : Afterwards::abort;
    case Half::head_done: return Afterwards::abort;
    case Half::complete: break;
  }
  const bool both_keep = cycle.request_keeps_alive && cycle.response_keeps_alive;
  return cycle.request == Half::complete && both_keep && !cycle.surplus ? Afterwards::reuse : Afterwards::close;
}

}  // namespace signet::wire
