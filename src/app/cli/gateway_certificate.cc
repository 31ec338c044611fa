// SPDX-License-Identifier: GPL-3.0-or-later
#include "gateway_certificate.h"

#include <fmt/core.h>

#include "failure.h"

namespace signet::app::cli {

std::string with_certificate(std::string_view xml, std::string_view certificate_id) {
  if (!xml.empty() || certificate_id.empty()) {
    throw Failure("the API has a policy: change the certificate there, with `signet api policy set`");
  }
  return fmt::format(
      "<policies>\n  <inbound>\n    <base />\n    <authentication-certificate certificate-id=\"{}\" />\n  </inbound>\n"
      "  <backend>\n    <base />\n  </backend>\n  <outbound>\n    <base />\n  </outbound>\n  <on-error>\n    <base />\n  "
      "</on-error>\n</policies>\n",
      certificate_id);
}

}  // namespace signet::app::cli
