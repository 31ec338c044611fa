// SPDX-License-Identifier: GPL-3.0-or-later
#include "admin_answers.h"

#include <fmt/chrono.h>
#include <fmt/core.h>
#include <sys/random.h>

#include <algorithm>
#include <array>
#include <chrono>
#include <iterator>

#include "signet/base/check.h"
#include "signet/base/log.h"
#include "signet/wire/http_writer.h"

namespace signet::control {

namespace {

/// A random UUID (RFC 9562 §5.4), as clients of the model expect it.
std::string request_id() {
  std::array<std::uint8_t, 16> octets{};
  SIGNET_CHECK(getentropy(octets.data(), octets.size()) == 0);
  octets[6] = static_cast<std::uint8_t>((octets[6] & 0x0fU) | 0x40U);
  octets[8] = static_cast<std::uint8_t>((octets[8] & 0x3fU) | 0x80U);
  std::string id;
  for (std::size_t i = 0; i < octets.size(); ++i) {
    fmt::format_to(std::back_inserter(id), "{}{:02x}", i == 4 || i == 6 || i == 8 || i == 10 ? "-" : "", octets[i]);
  }
  return id;
}

bool is_field_value(std::string_view value) {
  return std::ranges::none_of(value, [](char c) { return static_cast<unsigned char>(c) < 0x20 && c != '\t'; });
}

/// Neither has content (RFC 9110 §15.3.5, §15.4.5).
bool has_no_content(std::uint16_t status) {
  return status == 204 || status == 304;
}

}  // namespace

AdminResponse error_answer(std::uint16_t status, std::string_view code, std::string_view message) {
  AdminResponse response;
  response.status = status;
  response.body = fmt::format(R"({{"error":{{"code":"{}","message":"{}"}}}})", code, message);
  return response;
}

void write_answer(const AdminResponse& response, const AnswerForm& form, ByteBuffer& out) {
  wire::write_status_line(response.status, {}, out);
  wire::write_field("Date", fmt::format("{:%a, %d %b %Y %H:%M:%S} GMT", fmt::gmtime(std::chrono::system_clock::to_time_t(form.now))), out);
  if (!has_no_content(response.status)) {
    if (!response.body.empty()) {
      wire::write_field("Content-Type", response.content_type, out);
    }
    wire::write_content_length(response.body.size(), out);
  }
  wire::write_field("Cache-Control", "no-store", out);
  wire::write_field("X-Content-Type-Options", "nosniff", out);
  wire::write_field("x-ms-request-id", request_id(), out);
  for (const auto& [name, value] : response.fields) {
    if (is_field_value(value)) {
      wire::write_field(name, value, out);
    } else {
      log::error(fmt::format("management: an answer's field {} was left out: its value has control characters", name));
    }
  }
  if (form.close) {
    wire::write_field("Connection", "close", out);
  }
  wire::end_head(out);
  if (!form.head_only && !has_no_content(response.status)) {
    out.append(response.body);
  }
}

}  // namespace signet::control
