// SPDX-License-Identifier: GPL-3.0-or-later
#include "signet/gateway/error_response.h"

#include <fmt/core.h>

#include <string>

#include "signet/wire/http_writer.h"
#include "canned_response.h"
#include "field_edits.h"

namespace signet::gateway {

namespace {

constexpr std::uint16_t tls_status = 0;  // stands for ErrorResponseOptions::backend_tls_status

/// What a policy or another setting of the API decided.
ErrorAnswer answer_of_setting(ErrorKind kind) {
  switch (kind) {
    case ErrorKind::forbidden: return {403, "Forbidden", "Calls from this address are not allowed.", "http_request_denied"};
    case ErrorKind::rate_limited: return {429, "RateLimitExceeded", "Rate limit is exceeded.", "http_request_denied"};
    case ErrorKind::backend_error_status:
      return {502, "BackendErrorStatus", "The back end answered with an error status.", "http_protocol_error"};
    case ErrorKind::circuit_open:
      return {503, "BackendCircuitOpen", "The back end has failed too often and is not called for a moment.", "destination_unavailable"};
    default: return {500, "BackendNotConfigured", "The API names no back end.", "proxy_configuration_error"};
  }
}

ErrorAnswer answer_to(ErrorKind kind) {
  switch (kind) {
    case ErrorKind::bad_request: return {400, "BadRequest", "The request is not valid HTTP/1.1.", "http_request_error"};
    case ErrorKind::head_too_large:
      return {431, "RequestHeaderFieldsTooLarge", "The request's head is larger than allowed.", "http_request_error"};
    case ErrorKind::body_too_large: return {413, "ContentTooLarge", "The request's body is larger than allowed.", "http_request_error"};
    case ErrorKind::caller_timeout: return {408, "RequestTimeout", "The request did not arrive in time.", "http_request_error"};
    case ErrorKind::caller_gone:
      return {499, "ClientClosedRequest", "The caller closed the connection before the answer.", "http_request_error"};
    case ErrorKind::method_refused: return {501, "MethodNotImplemented", "The request's method is not relayed.", "http_request_denied"};
    case ErrorKind::version_refused:
      return {505, "HttpVersionNotSupported", "Only HTTP/1.0 and HTTP/1.1 are understood here.", "http_request_error"};
    case ErrorKind::expectation_failed:
      return {417, "ExpectationFailed", "The request expects something other than 100-continue.", "http_request_error"};
    case ErrorKind::transfer_coding_refused:
      return {501, "TransferCodingNotImplemented", "The request's transfer coding is not chunked.", "http_request_error"};
    case ErrorKind::no_route: return {404, "OperationNotFound", "No API is published under this path.", "destination_not_found"};
    case ErrorKind::forbidden:
    case ErrorKind::rate_limited:
    case ErrorKind::backend_error_status:
    case ErrorKind::circuit_open:
    case ErrorKind::no_backend: return answer_of_setting(kind);
    case ErrorKind::no_certificate:
      return {tls_status, "BackendClientCertificateUnavailable", "The client certificate for the back end cannot be used.",
              "proxy_configuration_error"};
    case ErrorKind::identity_refused:
      return {tls_status, "BackendRefusedClientCertificate", "The back end did not accept the client certificate.", "tls_alert_received"};
    case ErrorKind::certificate_not_requested:
      return {tls_status, "BackendDidNotRequestCertificate", "The back end did not ask for the client certificate.", "tls_protocol_error"};
    case ErrorKind::identity_suspended:
      return {503, "BackendClientCertificateSuspended",
              "The back end has refused the client certificate several times and is not asked again for a moment.",
              "destination_unavailable"};
    case ErrorKind::identity_retired:
      return {500, "BackendClientCertificateRetired", "The client certificate was taken out of use during the call.",
              "proxy_configuration_error"};
    case ErrorKind::tls_untrusted:
      return {tls_status, "BackendCertificateUntrusted", "The back end's certificate does not lead to a trusted authority.",
              "tls_certificate_error"};
    case ErrorKind::tls_expired:
      return {tls_status, "BackendCertificateExpired", "The back end's certificate is not valid at this time.", "tls_certificate_error"};
    case ErrorKind::tls_name_mismatch:
      return {tls_status, "BackendCertificateNameMismatch", "The back end's certificate was issued for another name.",
              "tls_certificate_error"};
    case ErrorKind::tls_certificate:
      return {tls_status, "BackendCertificateRejected", "The back end's certificate cannot be accepted.", "tls_certificate_error"};
    case ErrorKind::tls_alert:
      return {tls_status, "BackendTlsAlert", "The back end ended the TLS handshake with an alert.", "tls_alert_received"};
    case ErrorKind::tls_protocol:
      return {tls_status, "BackendTlsFailure", "No TLS connection to the back end could be made.", "tls_protocol_error"};
    case ErrorKind::dns_failure: return {502, "BackendNameNotResolved", "The back end's name could not be resolved.", "dns_error"};
    case ErrorKind::connect_refused: return {502, "BackendConnectionRefused", "The back end refused the connection.", "connection_refused"};
    case ErrorKind::connect_failed:
      return {502, "BackendConnectionFailure", "The back end could not be reached.", "destination_ip_unroutable"};
    case ErrorKind::connect_timeout:
      return {504, "BackendConnectionTimeout", "The back end did not accept a connection in time.", "connection_timeout"};
    case ErrorKind::connection_lost:
      return {502, "BackendConnectionLost", "The back end closed the connection before it had answered.", "connection_terminated"};
    case ErrorKind::bad_response: return {502, "BackendBadResponse", "The back end's answer is not valid HTTP/1.1.", "http_protocol_error"};
    case ErrorKind::response_head_too_large:
      return {502, "BackendResponseHeadTooLarge", "The head of the back end's answer is larger than allowed.",
              "http_response_header_section_size"};
    case ErrorKind::backend_timeout: return {504, "BackendTimeout", "The back end did not answer in time.", "http_response_timeout"};
    case ErrorKind::overload: return {503, "Overloaded", "The gateway has reached one of its limits.", "proxy_internal_response"};
    case ErrorKind::shutting_down: return {503, "ShuttingDown", "The gateway is being stopped.", "proxy_internal_response"};
    case ErrorKind::config: return {500, "ConfigurationError", "The gateway is not set up for this call.", "proxy_configuration_error"};
    case ErrorKind::internal: return {500, "InternalServerError", "The gateway failed.", "proxy_internal_error"};
  }
  return {500, "InternalServerError", "The gateway failed.", "proxy_internal_error"};
}

constexpr std::uint32_t retry_after_default_s = 1;

}  // namespace

ErrorAnswer error_answer(ErrorKind kind, std::uint16_t backend_tls_status) {
  ErrorAnswer answer = answer_to(kind);
  if (answer.status == tls_status) {
    answer.status = backend_tls_status;
  }
  return answer;
}

std::uint16_t error_status(const Error& error, const ErrorResponseOptions& options) {
  return options.policy_response != nullptr ? options.policy_response->status : error_answer(error.kind, options.backend_tls_status).status;
}

void write_error_response(const Error& error, const ErrorResponseOptions& options, ByteBuffer& out) {
  if (options.policy_response != nullptr) {
    write_canned_response(*options.policy_response,
                          {.after = options.after, .head_only = options.head_only, .old_caller = options.old_caller, .now = options.now},
                          out);
    return;
  }
  const ErrorAnswer answer = error_answer(error.kind, options.backend_tls_status);
  // Codes, messages and ids are ours and need no escaping.
  const std::string body = fmt::format(R"({{"statusCode":{},"code":"{}","message":"{}","activityId":"{}"}})", answer.status, answer.code,
                                       answer.message, options.activity_id);
  std::string proxy_status = fmt::format("{}; error={}", options.proxy_name, answer.proxy_error);
  if (error.tls_alert != 0 && answer.proxy_error == "tls_alert_received") {
    proxy_status += fmt::format("; alert-id={}", error.tls_alert);  // RFC 9209 §2.3.12
  }
  const std::size_t begin = out.size();
  const auto write_field = [&](std::string_view name, std::string_view value) {
    if (options.fields == nullptr || !drops_field(*options.fields, name)) {
      wire::write_field(name, value, out);
    }
  };
  DateBuffer date;
  wire::write_status_line(answer.status, {}, out);
  write_field("Date", date_text(options.now, date));
  write_field("Content-Type", "application/json");
  wire::write_content_length(body.size(), out);
  write_field("Proxy-Status", proxy_status);
  if (answer.status == 503 || answer.status == 429) {
    write_field("Retry-After", std::to_string(error.retry_after_s != 0 ? error.retry_after_s : retry_after_default_s));
  }
  if (options.after == AfterAnswer::close) {
    wire::write_field("Connection", "close", out);
  }
  if (options.fields != nullptr) {
    write_added_fields(*options.fields, begin, out);
  }
  wire::end_head(out);
  if (!options.head_only) {
    out.append(body);
  }
}

}  // namespace signet::gateway
