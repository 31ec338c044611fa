// SPDX-License-Identifier: GPL-3.0-or-later
#include "canned_response.h"

#include <fmt/chrono.h>
#include <fmt/core.h>

#include <algorithm>
#include <chrono>

#include "signet/wire/http_head.h"
#include "signet/wire/http_writer.h"
#include "field_edits.h"

namespace signet::gateway {

std::string_view date_text(WallTime time, DateBuffer& buffer) {
  const auto written = fmt::format_to_n(buffer.data(), buffer.size(), "{:%a, %d %b %Y %H:%M:%S} GMT",
                                        fmt::gmtime(std::chrono::system_clock::to_time_t(time)));
  return {buffer.data(), std::min(written.size, buffer.size())};
}

std::size_t write_canned_response(const config::CannedResponse& canned, const CannedResponseOptions& options, ByteBuffer& out) {
  const auto stays = [&options](std::string_view name) { return options.fields == nullptr || !drops_field(*options.fields, name); };
  const std::size_t begin = out.size();
  const bool bodiless = canned.status == 204 || canned.status == 304;
  wire::write_status_line(canned.status, canned.reason, out);
  const bool dated = std::ranges::any_of(canned.fields, [](const auto& field) { return wire::equals_ignoring_case(field.first, "Date"); });
  if (!dated && stays("Date")) {
    DateBuffer date;
    wire::write_field("Date", date_text(options.now, date), out);
  }
  for (const auto& [name, value] : canned.fields) {
    if (stays(name)) {
      wire::write_field(name, value, out);
    }
  }
  if (!bodiless) {
    wire::write_content_length(canned.body.size(), out);
  }
  if (options.after == AfterAnswer::close) {
    wire::write_field("Connection", "close", out);
  } else if (options.old_caller) {
    wire::write_field("Connection", "keep-alive", out);
  }
  if (options.fields != nullptr) {
    write_added_fields(*options.fields, begin, out);
  }
  wire::end_head(out);
  if (bodiless || options.head_only) {
    return 0;
  }
  out.append(canned.body);
  return canned.body.size();
}

}  // namespace signet::gateway
