// SPDX-License-Identifier: GPL-3.0-or-later
#include "signet/gateway/error_response.h"

#include <fmt/core.h>

#include <array>
#include <iterator>
#include <string>

namespace signet::gateway {

namespace {

constexpr std::uint16_t tls_status = 0;  // stands for ErrorResponseOptions::backend_tls_status

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
    case ErrorKind::no_certificate:
      return {tls_status, "BackendClientCertificateUnavailable", "The client certificate for the back end cannot be used.",
              "proxy_configuration_error"};
    case ErrorKind::identity_refused:
      return {tls_status, "BackendRefusedClientCertificate", "The back end did not accept the client certificate.", "tls_alert_received"};
    case ErrorKind::certificate_not_requested:
      return {tls_status, "BackendDidNotRequestCertificate", "The back end did not ask for the client certificate.", "tls_protocol_error"};
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

std::string_view reason_phrase(std::uint16_t status) {
  switch (status) {
    case 400: return "Bad Request";
    case 404: return "Not Found";
    case 408: return "Request Timeout";
    case 413: return "Content Too Large";
    case 417: return "Expectation Failed";
    case 431: return "Request Header Fields Too Large";
    case 499: return "Client Closed Request";
    case 500: return "Internal Server Error";
    case 501: return "Not Implemented";
    case 502: return "Bad Gateway";
    case 503: return "Service Unavailable";
    case 504: return "Gateway Timeout";
    case 505: return "HTTP Version Not Supported";
    default: return "Error";
  }
}

constexpr int retry_after_s = 1;

}  // namespace

ErrorAnswer error_answer(ErrorKind kind, std::uint16_t backend_tls_status) {
  ErrorAnswer answer = answer_to(kind);
  if (answer.status == tls_status) {
    answer.status = backend_tls_status;
  }
  return answer;
}

void write_error_response(const Error& error, const ErrorResponseOptions& options, ByteBuffer& out) {
  const ErrorAnswer answer = error_answer(error.kind, options.backend_tls_status);
  // Codes, messages and ids are ours and need no escaping.
  const std::string body = fmt::format(R"({{"statusCode":{},"code":"{}","message":"{}","activityId":"{}"}})", answer.status, answer.code,
                                       answer.message, options.activity_id);
  std::string head = fmt::format("HTTP/1.1 {} {}\r\nContent-Type: application/json\r\nContent-Length: {}\r\nProxy-Status: {}; error={}",
                                 answer.status, reason_phrase(answer.status), body.size(), options.proxy_name, answer.proxy_error);
  if (error.tls_alert != 0 && answer.proxy_error == "tls_alert_received") {
    head += fmt::format("; alert-id={}", error.tls_alert);  // RFC 9209 §2.3.12
  }
  head += "\r\n";
  if (answer.status == 503) {
    head += fmt::format("Retry-After: {}\r\n", retry_after_s);
  }
  if (options.after == AfterAnswer::close) {
    head += "Connection: close\r\n";
  }
  head += "\r\n";
  out.append(head);
  if (!options.head_only) {
    out.append(body);
  }
}

}  // namespace signet::gateway
