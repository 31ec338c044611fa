// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include <array>
#include <cstddef>
#include <string_view>

#include "signet/base/byte_buffer.h"
#include "signet/base/clock.h"
#include "signet/config/plan.h"
#include "signet/gateway/error_response.h"

namespace signet::gateway {

struct CannedResponseOptions {
  AfterAnswer after = AfterAnswer::close;
  bool head_only = false;                     ///< the request was HEAD
  bool old_caller = false;                    ///< HTTP/1.0
  WallTime now{};                             ///< for the Date field
  const config::NameEdits* fields = nullptr;  ///< that the policy changes on top
};

/// Appends the whole response that a policy gives. Its bytes of body are returned: none for HEAD, 204 and 304 (RFC 9110 §6.4.1).
std::size_t write_canned_response(const config::CannedResponse& canned, const CannedResponseOptions& options, ByteBuffer& out);

/// Text of a Date field (RFC 9110 §5.6.7). A view into `buffer`.
using DateBuffer = std::array<char, 32>;
[[nodiscard]] std::string_view date_text(WallTime time, DateBuffer& buffer);

}  // namespace signet::gateway
