// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include <cstdint>
#include <string_view>

#include "signet/base/byte_buffer.h"
#include "signet/base/bytes.h"

namespace signet::wire {

/// The only writer of HTTP/1.1 in the program: what goes out is made from parsed parts, never a copy of what came in. Appends to a queue;
/// fails never. Values must be free of CR, LF and NUL, which everything that HttpReader has accepted is.
///
/// "GET /path HTTP/1.1\r\n"
void write_request_line(std::string_view method, std::string_view target, ByteBuffer& out);
/// "HTTP/1.1 200 OK\r\n"; an empty reason becomes the registered one, if there is one (RFC 9110 §15).
void write_status_line(std::uint16_t status, std::string_view reason, ByteBuffer& out);
/// "name: value\r\n"
void write_field(std::string_view name, std::string_view value, ByteBuffer& out);
/// "Content-Length: 5\r\n"
void write_content_length(std::uint64_t length, ByteBuffer& out);
/// The empty line.
void end_head(ByteBuffer& out);

/// One chunk (RFC 9112 §7.1); nothing for an empty body, which would end the message.
void write_chunk(ByteView body, ByteBuffer& out);
/// "0\r\n": the last chunk. Trailer fields and `end_head` follow.
void write_last_chunk(ByteBuffer& out);

/// Registered phrase, or empty. Static storage.
[[nodiscard]] std::string_view reason_phrase(std::uint16_t status);

}  // namespace signet::wire
