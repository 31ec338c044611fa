// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include <cstdint>
#include <string_view>

#include "signet/base/byte_buffer.h"
#include "signet/base/clock.h"
#include "signet/base/result.h"
#include "signet/config/plan.h"

namespace signet::gateway {

/// What a caller is told about an error: the only place where an ErrorKind becomes a status, a code, a message and a Proxy-Status.
struct ErrorAnswer {
  std::uint16_t status;
  std::string_view code;         ///< stable, in PascalCase as API Management's are
  std::string_view message;      ///< for the caller: says nothing about the back end's inside
  std::string_view proxy_error;  ///< error type of RFC 9209 §2.3; empty where none fits
};

/// `backend_tls_status` is the status of every TLS failure towards a back end: 500 as the guide says, or 502.
[[nodiscard]] ErrorAnswer error_answer(ErrorKind kind, std::uint16_t backend_tls_status = 500);

/// Whether the connection stays usable after the answer.
enum class AfterAnswer : std::uint8_t { keep_alive, close };

struct ErrorResponseOptions {
  std::uint16_t backend_tls_status = 500;
  AfterAnswer after = AfterAnswer::close;
  bool head_only = false;        ///< the request was HEAD
  WallTime now{};                ///< for the Date field (RFC 9110 §6.6.1)
  std::string_view activity_id;  ///< names the call in the log
  std::string_view proxy_name = "signet";
  bool old_caller = false;                                  ///< HTTP/1.0
  const config::NameEdits* fields = nullptr;                ///< that the policy changes; none of framing is lost
  const config::CannedResponse* policy_response = nullptr;  ///< in place of everything, `fields` too
};

/// The status that the caller is told.
[[nodiscard]] std::uint16_t error_status(const Error& error, const ErrorResponseOptions& options);

/// Appends the whole response: status line, fields (Proxy-Status of RFC 9209 among them) and the JSON body
/// `{"statusCode":…,"code":"…","message":"…","activityId":"…"}`. `error.detail` stays out of it.
void write_error_response(const Error& error, const ErrorResponseOptions& options, ByteBuffer& out);

}  // namespace signet::gateway
