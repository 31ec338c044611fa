// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include <stdexcept>
#include <string_view>

#include "signet/wire/http_reader.h"

namespace signet::bench {

inline constexpr std::string_view request_head =
    "GET /orders/7?x=1 HTTP/1.1\r\nHost: gateway.example:8080\r\nUser-Agent: bench/1\r\nAccept: application/json\r\n"
    "Accept-Encoding: gzip\r\nAuthorization: Bearer 0123456789abcdef\r\nX-Request-Id: 4711\r\n\r\n";

inline constexpr std::string_view response_head =
    "HTTP/1.1 200 OK\r\nDate: Wed, 25 Nov 2026 12:00:00 GMT\r\nServer: origin\r\nContent-Type: application/json; charset=utf-8\r\n"
    "Content-Length: 150\r\nETag: \"4711\"\r\nCache-Control: no-cache\r\n\r\n";

/// Reads `text`, which is one head, and throws if it is not.
inline void read_head(wire::HttpReader& reader, std::string_view text) {
  if (reader.read(as_bytes(text)).event != wire::HttpReader::Event::head_complete) {
    throw std::runtime_error("the head cannot be read");
  }
}

}  // namespace signet::bench
