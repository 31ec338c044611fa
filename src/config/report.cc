// SPDX-License-Identifier: GPL-3.0-or-later
#include "signet/config/report.h"

#include <fmt/core.h>

#include <string_view>
#include <utility>

namespace signet::config {

namespace {

/// File names, ids and keys may hold anything; a problem is one line.
std::string one_line(std::string_view text) {
  std::string line;
  for (const char c : text) {
    const auto byte = static_cast<unsigned char>(c);
    if (byte < 0x20 || byte == 0x7f) {
      line += fmt::format("\\x{:02x}", byte);
    } else {
      line += c;
    }
  }
  return line;
}

}  // namespace

std::string Problem::text() const {
  std::string text = source.file;
  if (source.line != 0) {
    text += fmt::format("{}{}:{}", text.empty() ? "" : ":", source.line, source.column);
  }
  if (!text.empty()) {
    text += ": ";
  }
  if (!source.pointer.empty()) {
    text += source.pointer + ": ";
  }
  return one_line(text + message);
}

void Report::error(Source source, std::string message) {
  if (errors.size() >= report_errors_max) {
    ++errors_left_out;
    return;
  }
  errors.push_back(Problem{.source = std::move(source), .message = std::move(message)});
}

void Report::warning(Source source, std::string message) {
  if (warnings.size() < report_warnings_max) {
    warnings.push_back(Problem{.source = std::move(source), .message = std::move(message)});
  }
}

void Report::append(Report&& other) {
  for (Problem& problem : other.errors) {
    error(std::move(problem.source), std::move(problem.message));
  }
  for (Problem& problem : other.warnings) {
    warning(std::move(problem.source), std::move(problem.message));
  }
  errors_left_out += other.errors_left_out;
}

}  // namespace signet::config
