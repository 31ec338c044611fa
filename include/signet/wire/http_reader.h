// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <string_view>

#include "signet/base/bytes.h"
#include "signet/base/result.h"
#include "signet/wire/http_head.h"

namespace signet::wire {

/// Reads one HTTP/1.x message after the other, strictly: what two readers could understand differently is refused, in requests and in
/// responses (RFC 9112 §11.2). Fed any split of the bytes, it tells the same events.
///
///     start_… ──► head ──head_complete──► body ──body…──► message_complete
///                   └──────────failed◄──────┘
///
/// It stops exactly at the end of a message: what lies behind belongs to the next one. After message_complete or failed, start anew. Memory
/// is kept from one message to the next. The only reader of HTTP in the program; sits on llhttp.
class HttpReader {
 public:
  struct Limits {
    std::size_t head_bytes_max = std::size_t{64} * 1024;  ///< start line and fields; once more for trailers and chunk extensions together
    std::size_t fields_max = 256;                         ///< header fields, and trailer fields
  };

  enum class Event : std::uint8_t {
    need_more,         ///< all of the input is consumed
    head_complete,     ///< head() is valid
    body,              ///< Step::body, a view into the input
    message_complete,  ///< trailers() is valid
    failed,            ///< error()
  };

  struct Step {
    std::size_t consumed = 0;
    Event event = Event::need_more;
    ByteView body;
  };

  HttpReader();
  HttpReader(const HttpReader&) = delete;
  HttpReader& operator=(const HttpReader&) = delete;
  ~HttpReader();

  /// Memory that is kept for the next message, in bytes.
  [[nodiscard]] std::size_t memory() const;
  /// Gives it back. Ends the message that is being read.
  void release_memory();

  void start_request(const Limits& limits);
  /// `request_method` decides whether the answer has a body (HEAD). A 101 is an error unless a WebSocket upgrade was asked for.
  void start_response(const Limits& limits, std::string_view request_method, bool upgrade_requested);

  /// Reads until the next event. Call it again with the rest, be it empty: after head_complete and after body, the end of the message is
  /// told without a further byte if none is due.
  [[nodiscard]] Step read(ByteView input);

  /// The connection has ended. message_complete if that is how this message ends, else failed.
  [[nodiscard]] Step finish();

  /// Errors have origin caller and kinds bad_request, head_too_large, method_refused, version_refused, expectation_failed,
  /// transfer_coding_refused for requests; origin backend and kinds bad_response, response_head_too_large for responses.
  [[nodiscard]] const Error& error() const { return error_; }
  [[nodiscard]] const HttpHead& head() const { return head_; }
  [[nodiscard]] const HttpFields& trailers() const { return trailers_; }

 private:
  struct Parser;
  enum class Stage : std::uint8_t { idle, head, body, complete, failed };

  [[nodiscard]] Step head_done(std::size_t consumed);
  [[nodiscard]] Step message_done(std::size_t consumed);
  [[nodiscard]] Step fail_at(std::size_t consumed, Error error);
  [[nodiscard]] Step parser_failed(std::size_t consumed);

  std::unique_ptr<Parser> parser_;
  HttpHead head_;
  HttpFields trailers_;
  Error error_;
  Limits limits_;
  std::string_view request_method_;
  Stage stage_ = Stage::idle;
  bool is_request_ = true;
  bool upgrade_requested_ = false;
};

}  // namespace signet::wire
