// SPDX-License-Identifier: GPL-3.0-or-later
#include "signet/wire/http_reader.h"

#include <fmt/core.h>
#include <llhttp.h>

#include <algorithm>
#include <cstdint>
#include <limits>
#include <string>
#include <utility>
#include <vector>

#include "signet/base/check.h"
#include "head_builder.h"

namespace signet::wire {

namespace {

struct Span {
  std::uint32_t begin = 0;
  std::uint32_t size = 0;
};

struct FieldSpans {
  Span name;
  Span value;
};

/// The text of a head as it was received, or of trailers without what is between them; gathered from pieces.
struct Gathered {
  std::string text;
  std::vector<FieldSpans> fields;
  bool in_value = true;

  void clear() {
    text.clear();
    fields.clear();
    in_value = true;
  }
  [[nodiscard]] std::size_t memory() const { return text.capacity() + fields.capacity() * sizeof(FieldSpans); }
  [[nodiscard]] std::string_view view(Span span) const { return std::string_view(text).substr(span.begin, span.size); }

  Span& name() {
    if (in_value) {
      in_value = false;
      fields.emplace_back();
    }
    return fields.back().name;
  }
  Span& value() {
    in_value = true;
    return fields.back().value;
  }
};

}  // namespace

struct HttpReader::Parser {
  llhttp_t llhttp;
  Gathered head;
  Gathered trailers;
  Span target;
  Span reason;
  Span protocol;
  ByteView body;                ///< of a chunk
  std::uint64_t body_left = 0;  ///< where chunks do not tell
  std::size_t head_bytes = 0;   ///< consumed while in the head
  std::size_t extra_bytes = 0;  ///< of trailers and chunk extensions
  const char* piece = nullptr;  ///< being read
  std::size_t leading = 0;      ///< empty lines before the message (RFC 9112 §2.2), in bytes
  char first = 0;               ///< first byte of the message
  bool in_head = true;
  bool head_complete = false;
  bool message_complete = false;

  static Parser& of(llhttp_t* llhttp) { return *static_cast<Parser*>(llhttp->data); }
  Gathered& fields() { return in_head ? head : trailers; }

  /// A part of what is being read. It follows the part of the same span before it without a gap, so a span only grows. The text of a head
  /// is taken over once it has been read, in one go.
  void note(Span& span, const char* at, std::size_t size) {
    if (span.size == 0) {
      span.begin = static_cast<std::uint32_t>(in_head ? head.text.size() + static_cast<std::size_t>(at - piece) : trailers.text.size());
    }
    if (!in_head) {
      trailers.text.append(at, size);
      extra_bytes += size;
    }
    span.size += static_cast<std::uint32_t>(size);
  }

  void start(llhttp_type_t type) {
    llhttp_init(&llhttp, type, &settings());
    llhttp.data = this;
    head.clear();
    trailers.clear();
    target = reason = protocol = {};
    body = {};
    head_bytes = extra_bytes = leading = 0;
    first = 0;
    in_head = true;
    head_complete = message_complete = false;
  }

  /// One space separates the parts of a request line (RFC 9112 §3); llhttp passes over several. `before`: bytes of the parts before `at`.
  int check_one_space(const char* at, std::size_t before) {
    const std::string_view method = llhttp_method_name(static_cast<llhttp_method_t>(llhttp.method));
    if (head_bytes + static_cast<std::size_t>(at - piece) == leading + method.size() + before) {
      return 0;
    }
    llhttp_set_error_reason(&llhttp, "More than one space in the request line");
    return static_cast<int>(HPE_USER);
  }

  void find_first(std::string_view text) {
    const std::size_t position = text.find_first_not_of("\r\n");
    leading += position == std::string_view::npos ? text.size() : position;
    first = position == std::string_view::npos ? '\0' : text[position];
  }

  static const llhttp_settings_t& settings();
};

const llhttp_settings_t& HttpReader::Parser::settings() {
  static const llhttp_settings_t made = [] {
    llhttp_settings_t settings;
    llhttp_settings_init(&settings);
    settings.on_url = [](llhttp_t* llhttp, const char* at, std::size_t size) {
      Parser& parser = of(llhttp);
      const bool first = parser.target.size == 0;
      parser.note(parser.target, at, size);
      return first ? parser.check_one_space(at, 1) : 0;
    };
    settings.on_protocol = [](llhttp_t* llhttp, const char* at, std::size_t size) {
      Parser& parser = of(llhttp);
      const bool first = llhttp->type == HTTP_REQUEST && parser.protocol.size == 0;
      parser.note(parser.protocol, at, size);
      return first ? parser.check_one_space(at, parser.target.size + 2) : 0;
    };
    settings.on_status = [](llhttp_t* llhttp, const char* at, std::size_t size) {
      Parser& parser = of(llhttp);
      parser.note(parser.reason, at, size);
      return 0;
    };
    settings.on_header_field = [](llhttp_t* llhttp, const char* at, std::size_t size) {
      Parser& parser = of(llhttp);
      parser.note(parser.fields().name(), at, size);
      return 0;
    };
    settings.on_header_value = [](llhttp_t* llhttp, const char* at, std::size_t size) {
      Parser& parser = of(llhttp);
      parser.note(parser.fields().value(), at, size);
      return 0;
    };
    settings.on_headers_complete = [](llhttp_t* llhttp) {
      of(llhttp).head_complete = true;
      return static_cast<int>(HPE_PAUSED);
    };
    settings.on_body = [](llhttp_t* llhttp, const char* at, std::size_t size) {
      of(llhttp).body = as_bytes(std::string_view(at, size));
      return size == 0 ? 0 : static_cast<int>(HPE_PAUSED);
    };
    settings.on_message_complete = [](llhttp_t* llhttp) {
      of(llhttp).message_complete = true;
      return static_cast<int>(HPE_PAUSED);
    };
    const llhttp_data_cb extension = [](llhttp_t* llhttp, const char*, std::size_t size) {
      of(llhttp).extra_bytes += size + 1;
      return 0;
    };
    settings.on_chunk_extension_name = extension;
    settings.on_chunk_extension_value = extension;
    return settings;
  }();
  return made;
}

HttpReader::HttpReader() : parser_(std::make_unique<Parser>()) {}
HttpReader::~HttpReader() = default;

std::size_t HttpReader::memory() const {
  return parser_->head.memory() + parser_->trailers.memory() +
         (head_.fields_.fields_.capacity() + trailers_.fields_.capacity()) * sizeof(HttpField);
}

void HttpReader::release_memory() {
  stage_ = Stage::idle;
  parser_->head = parser_->trailers = Gathered();
  head_ = HttpHead();
  trailers_ = HttpFields();
}

void HttpReader::start_request(const Limits& limits) {
  limits_ = limits;
  is_request_ = true;
  stage_ = Stage::head;
  HeadBuilder::clear(head_);
  HeadBuilder::clear(trailers_);
  parser_->start(HTTP_REQUEST);
}

void HttpReader::start_response(const Limits& limits, std::string_view request_method, bool upgrade_requested) {
  limits_ = limits;
  is_request_ = false;
  request_method_ = request_method;
  upgrade_requested_ = upgrade_requested;
  stage_ = Stage::head;
  HeadBuilder::clear(head_);
  HeadBuilder::clear(trailers_);
  parser_->start(HTTP_RESPONSE);
}

HttpReader::Step HttpReader::fail_at(std::size_t consumed, Error error) {
  stage_ = Stage::failed;
  error_ = std::move(error);
  return {.consumed = consumed, .event = Event::failed};
}

HttpReader::Step HttpReader::parser_failed(std::size_t consumed) {
  const llhttp_errno_t code = llhttp_get_errno(&parser_->llhttp);
  const std::string detail = fmt::format("{} ({})", llhttp_get_error_reason(&parser_->llhttp), llhttp_errno_name(code));
  if (!is_request_) {
    return fail_at(consumed, Error{.kind = ErrorKind::bad_response, .origin = Origin::backend, .detail = detail});
  }
  ErrorKind kind = ErrorKind::bad_request;
  if (code == HPE_INVALID_METHOD && parser_->first >= 'A' && parser_->first <= 'Z') {
    kind = ErrorKind::method_refused;
  } else if ((code == HPE_INVALID_VERSION && !detail.starts_with("Expected CRLF")) || code == HPE_PAUSED_H2_UPGRADE) {
    kind = ErrorKind::version_refused;
  }
  return fail_at(consumed, Error{.kind = kind, .origin = Origin::caller, .detail = detail});
}

HttpReader::Step HttpReader::head_done(std::size_t consumed) {
  Parser& parser = *parser_;
  parser.head_complete = parser.in_head = false;
  for (const FieldSpans& field : parser.head.fields) {
    HeadBuilder::add(head_.fields_, parser.head.view(field.name), parser.head.view(field.value));
  }
  const HeadFacts facts{
      .method = is_request_ ? llhttp_method_name(static_cast<llhttp_method_t>(parser.llhttp.method)) : std::string_view(),
      .target = parser.head.view(parser.target),
      .reason = parser.head.view(parser.reason),
      .protocol = parser.head.view(parser.protocol),
      .status = parser.llhttp.status_code,
      .version_major = parser.llhttp.http_major,
      .version_minor = parser.llhttp.http_minor,
      .content_length = parser.llhttp.content_length,
  };
  const Result<void> checked = is_request_ ? HeadBuilder::finish_request(head_, facts)
                                           : HeadBuilder::finish_response(head_, facts, request_method_, upgrade_requested_);
  if (!checked) {
    return fail_at(consumed, checked.error());
  }
  parser.llhttp.upgrade = 0;  // upgrades are judged above
  switch (head_.framing()) {
    case BodyFraming::none: parser.body_left = 0; break;
    case BodyFraming::length: parser.body_left = head_.content_length(); break;
    case BodyFraming::until_close: parser.body_left = std::numeric_limits<std::uint64_t>::max(); break;
    case BodyFraming::chunked: break;
  }
  stage_ = Stage::body;
  return {.consumed = consumed, .event = Event::head_complete};
}

HttpReader::Step HttpReader::message_done(std::size_t consumed) {
  for (const FieldSpans& field : parser_->trailers.fields) {
    HeadBuilder::add(trailers_, parser_->trailers.view(field.name), parser_->trailers.view(field.value));
  }
  stage_ = Stage::complete;
  return {.consumed = consumed, .event = Event::message_complete};
}

HttpReader::Step HttpReader::read(ByteView input) {
  SIGNET_CHECK(stage_ == Stage::head || stage_ == Stage::body);
  Parser& parser = *parser_;
  const bool in_head = parser.in_head;
  if (!in_head && head_.framing() != BodyFraming::chunked) {  // bytes to be counted, nothing to be parsed
    const ByteView body = input.first(std::min<std::uint64_t>(input.size(), parser.body_left));
    parser.body_left -= body.size();
    if (!body.empty()) {
      return {.consumed = body.size(), .event = Event::body, .body = body};
    }
    return parser.body_left == 0 ? message_done(0) : Step{};
  }
  // A head is never read further than one byte over its limit.
  const ByteView piece = in_head ? input.first(std::min(input.size(), limits_.head_bytes_max + 1 - parser.head_bytes)) : input;
  static constexpr char nothing = '\0';
  const char* const begin = piece.empty() ? &nothing : reinterpret_cast<const char*>(piece.data());
  parser.piece = begin;
  if (in_head && parser.first == 0) {
    parser.find_first(as_text(piece));
  }
  if (parser.llhttp.error == HPE_PAUSED) {
    llhttp_resume(&parser.llhttp);
  }
  parser.body = {};
  const llhttp_errno_t code = llhttp_execute(&parser.llhttp, begin, piece.size());
  const std::size_t consumed = code == HPE_OK ? piece.size() : static_cast<std::size_t>(llhttp_get_error_pos(&parser.llhttp) - begin);
  if (in_head) {
    parser.head.text.append(begin, consumed);
    parser.head_bytes += consumed;
    if (parser.head_bytes > limits_.head_bytes_max || parser.head.fields.size() > limits_.fields_max) {
      const ErrorKind kind = is_request_ ? ErrorKind::head_too_large : ErrorKind::response_head_too_large;
      return fail_at(consumed, Error{.kind = kind,
                                     .origin = is_request_ ? Origin::caller : Origin::backend,
                                     .detail = fmt::format("more than {} bytes or {} fields", limits_.head_bytes_max, limits_.fields_max)});
    }
  } else if (parser.extra_bytes > limits_.head_bytes_max || parser.trailers.fields.size() > limits_.fields_max) {
    return fail_at(consumed, Error{.kind = is_request_ ? ErrorKind::head_too_large : ErrorKind::response_head_too_large,
                                   .origin = is_request_ ? Origin::caller : Origin::backend,
                                   .detail = "trailers and chunk extensions are larger than a head may be"});
  }
  if (code != HPE_OK && code != HPE_PAUSED) {
    return parser_failed(consumed);
  }
  if (parser.head_complete) {
    return head_done(consumed);
  }
  if (!parser.body.empty()) {
    return {.consumed = consumed, .event = Event::body, .body = parser.body};
  }
  return parser.message_complete ? message_done(consumed) : Step{.consumed = consumed, .event = Event::need_more};
}

HttpReader::Step HttpReader::finish() {
  if (stage_ == Stage::body && head_.framing() == BodyFraming::until_close) {
    stage_ = Stage::complete;
    return {.event = Event::message_complete};
  }
  return fail_at(0, Error{.kind = is_request_ ? ErrorKind::bad_request : ErrorKind::bad_response,
                          .origin = is_request_ ? Origin::caller : Origin::backend,
                          .detail = "the connection ended inside a message (RFC 9112 §8)"});
}

}  // namespace signet::wire
