// SPDX-License-Identifier: GPL-3.0-or-later
#include "signet/wire/http_writer.h"

#include <array>
#include <charconv>
#include <cstring>
#include <initializer_list>

namespace signet::wire {

namespace {

/// One reservation for all the parts: heads are written for every call.
void append_all(std::initializer_list<std::string_view> parts, ByteBuffer& out) {
  std::size_t size = 0;
  for (const std::string_view part : parts) {
    size += part.size();
  }
  std::byte* at = out.prepare(size).data();
  for (const std::string_view part : parts) {
    if (!part.empty()) {
      std::memcpy(at, part.data(), part.size());
      at += part.size();
    }
  }
  out.commit(size);
}

struct Number {
  std::array<char, 20> digits;
  std::size_t size = 0;

  Number(std::uint64_t value, int base) {
    size = static_cast<std::size_t>(std::to_chars(digits.data(), digits.data() + digits.size(), value, base).ptr - digits.data());
  }
  [[nodiscard]] std::string_view text() const { return {digits.data(), size}; }
};

}  // namespace

void write_request_line(std::string_view method, std::string_view target, ByteBuffer& out) {
  append_all({method, " ", target, " HTTP/1.1\r\n"}, out);
}

void write_status_line(std::uint16_t status, std::string_view reason, ByteBuffer& out) {
  append_all({"HTTP/1.1 ", Number(status, 10).text(), " ", reason.empty() ? reason_phrase(status) : reason, "\r\n"}, out);
}

void write_field(std::string_view name, std::string_view value, ByteBuffer& out) {
  append_all({name, ": ", value, "\r\n"}, out);
}

void write_content_length(std::uint64_t length, ByteBuffer& out) {
  write_field("Content-Length", Number(length, 10).text(), out);
}

void end_head(ByteBuffer& out) {
  out.append("\r\n");
}

void write_chunk(ByteView body, ByteBuffer& out) {
  if (!body.empty()) {
    append_all({Number(body.size(), 16).text(), "\r\n", as_text(body), "\r\n"}, out);
  }
}

void write_last_chunk(ByteBuffer& out) {
  out.append("0\r\n");
}

std::string_view reason_phrase(std::uint16_t status) {
  switch (status) {
    case 100: return "Continue";
    case 101: return "Switching Protocols";
    case 103: return "Early Hints";
    case 200: return "OK";
    case 201: return "Created";
    case 202: return "Accepted";
    case 203: return "Non-Authoritative Information";
    case 204: return "No Content";
    case 205: return "Reset Content";
    case 206: return "Partial Content";
    case 300: return "Multiple Choices";
    case 301: return "Moved Permanently";
    case 302: return "Found";
    case 303: return "See Other";
    case 304: return "Not Modified";
    case 307: return "Temporary Redirect";
    case 308: return "Permanent Redirect";
    case 400: return "Bad Request";
    case 401: return "Unauthorized";
    case 402: return "Payment Required";
    case 403: return "Forbidden";
    case 404: return "Not Found";
    case 405: return "Method Not Allowed";
    case 406: return "Not Acceptable";
    case 407: return "Proxy Authentication Required";
    case 408: return "Request Timeout";
    case 409: return "Conflict";
    case 410: return "Gone";
    case 411: return "Length Required";
    case 412: return "Precondition Failed";
    case 413: return "Content Too Large";
    case 414: return "URI Too Long";
    case 415: return "Unsupported Media Type";
    case 416: return "Range Not Satisfiable";
    case 417: return "Expectation Failed";
    case 421: return "Misdirected Request";
    case 422: return "Unprocessable Content";
    case 426: return "Upgrade Required";
    case 428: return "Precondition Required";
    case 429: return "Too Many Requests";
    case 431: return "Request Header Fields Too Large";
    case 499: return "Client Closed Request";
    case 500: return "Internal Server Error";
    case 501: return "Not Implemented";
    case 502: return "Bad Gateway";
    case 503: return "Service Unavailable";
    case 504: return "Gateway Timeout";
    case 505: return "HTTP Version Not Supported";
    default: return {};
  }
}

}  // namespace signet::wire
