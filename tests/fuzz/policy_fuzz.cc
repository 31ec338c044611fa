// SPDX-License-Identifier: GPL-3.0-or-later
// Any bytes as a policy document. Whatever they are, the reader ends, names an element and a place for all that it refuses, and a good
// document stays good, and the same but for the certificate, when a certificate is set in it and taken out again.
#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>

#include "signet/base/check.h"
#include "signet/config/policy.h"

using namespace signet;
using namespace signet::config;

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const std::string_view text(reinterpret_cast<const char*>(data), size);
  const auto lines = static_cast<std::size_t>(std::ranges::count(text, '\n')) + 1;
  for (const PolicyScope scope : {PolicyScope::global, PolicyScope::api, PolicyScope::operation}) {
    for (const Problem& problem : check_policy(text, scope).errors) {
      SIGNET_CHECK(problem.message.starts_with("Error in element '"));
      SIGNET_CHECK(problem.source.line >= 1 && problem.source.line <= lines && problem.source.column >= 1);
    }
  }
  const Result<std::string> with = with_gateway_certificate(text, "client");
  SIGNET_CHECK(with.has_value() == (text.empty() || check_policy(text, PolicyScope::api).ok()));
  if (with && size < std::size_t{16} * 1024) {  // far from the limits, which one more element may pass
    SIGNET_CHECK(policy_references(*with).certificate_ids.size() == 1);
    const Result<std::string> without = with_gateway_certificate(*with, "");
    SIGNET_CHECK(without && policy_references(*without).certificate_ids.empty());
  }
  return 0;
}
