// SPDX-License-Identifier: GPL-3.0-or-later
#include "signet/gateway/access_log.h"

#include <fmt/chrono.h>
#include <fmt/core.h>

#include <algorithm>
#include <array>
#include <chrono>

#include "signet/base/limits.h"
#include "signet/base/log.h"

namespace signet::gateway {

namespace {

void append_field(ByteBuffer& out, std::string_view name, std::string_view value) {
  if (!value.empty()) {
    out.append(name);
    out.append(value);
  }
}

/// A value that a peer had a hand in: quoted, escaped, cut. Nearly all need no escape.
void append_quoted(ByteBuffer& out, std::string_view name, std::string_view value, std::size_t size_max = limits::log_value_bytes_max) {
  if (value.empty()) {
    return;
  }
  out.append(name);
  out.append("\"");
  const bool plain =
      value.size() <= size_max && std::ranges::all_of(value, [](char c) { return c >= 0x20 && c < 0x7f && c != '"' && c != '\\'; });
  if (plain) {
    out.append(value);
  } else {
    out.append(log::printable(value, size_max));
  }
  out.append("\"");
}

}  // namespace

void AccessLog::write(const AccessRecord& record) {
  if (!sink_) {
    return;
  }
  std::array<char, 192> text;
  const auto append = [this, &text]<typename... Values>(fmt::format_string<Values...> format, Values&&... values) {
    const auto written = fmt::format_to_n(text.data(), text.size(), format, std::forward<Values>(values)...);
    lines_.append(std::string_view(text.data(), std::min(written.size, text.size())));
  };
  if (record.time != second_) {
    second_ = record.time;
    const auto written = fmt::format_to_n(second_text_.data(), second_text_.size(), "{:%Y-%m-%dT%H:%M:%S}Z",
                                          fmt::gmtime(std::chrono::system_clock::to_time_t(record.time)));
    second_size_ = std::min(written.size, second_text_.size());
  }
  Endpoint::TextBuffer endpoint;
  lines_.append(std::string_view(second_text_.data(), second_size_));
  append_field(lines_, " caller=", record.caller.text(endpoint));
  append(" status={}", record.status);
  append_quoted(lines_, " method=", record.method);
  append_quoted(lines_, " target=", record.target);
  append(" request_bytes={} response_bytes={} duration_us={}", record.request_bytes, record.response_bytes,
         std::chrono::duration_cast<std::chrono::microseconds>(record.duration).count());
  append_field(lines_, " api=", record.api);
  append_field(lines_, " operation=", record.operation);
  append_field(lines_, " backend=", record.backend);
  if (record.endpoint.port != 0) {
    append_field(lines_, " endpoint=", record.endpoint.text(endpoint));
  }
  append_field(lines_, " certificate=", record.certificate);
  append_quoted(lines_, " tls=", record.tls);
  if (record.attempts != 0) {
    append(" attempts={} connection={} reused={}", record.attempts, record.connection, record.reused);
  }
  append_field(lines_, " error=", record.error);
  append_quoted(lines_, " detail=", record.detail, limits::log_detail_bytes_max);
  append_field(lines_, " activity=", record.activity_id);
  lines_.append("\n");
  if (lines_.size() >= limits::access_log_block_bytes) {
    flush();
  }
}

void AccessLog::flush() {
  if (!lines_.empty()) {
    sink_(lines_.text());
    lines_.clear();
    lines_.release_if_empty();
  }
}

}  // namespace signet::gateway
