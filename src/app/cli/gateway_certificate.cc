// SPDX-License-Identifier: GPL-3.0-or-later
#include "gateway_certificate.h"

#include "signet/config/policy.h"
#include "failure.h"

namespace signet::app::cli {

std::string with_certificate(std::string_view xml, std::string_view certificate_id) {
  Result<std::string> changed = config::with_gateway_certificate(xml, certificate_id);
  if (!changed) {
    throw Failure(changed.error().detail);
  }
  return std::move(*changed);
}

}  // namespace signet::app::cli
