// SPDX-License-Identifier: GPL-3.0-or-later
#include "signet/config/plan.h"

namespace signet::config {

std::optional<OperationTable::Match> OperationTable::find(std::string_view /*method*/, std::string_view /*path*/,
                                                          TemplateValues& /*values*/) const {
  return std::nullopt;
}

}  // namespace signet::config
