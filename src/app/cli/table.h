// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include <nlohmann/json_fwd.hpp>
#include <string>
#include <string_view>
#include <vector>

#include "signet/base/clock.h"

/// What people read. Nothing that a gateway says reaches the terminal with control characters in it.
namespace signet::app::cli {

/// Control characters (C0, DEL, C1) and broken UTF-8 written as \xNN; everything else as it is.
[[nodiscard]] std::string clean(std::string_view text);

/// Columns as wide as their widest cell, two blanks between them, none at the end of a line. Widths are counted in characters.
class Table {
 public:
  explicit Table(std::vector<std::string> head);

  /// Cells are cleaned. REQUIRES: as many as the head has.
  void add(std::vector<std::string> cells);
  [[nodiscard]] bool empty() const { return rows_.empty(); }
  /// With the head, unless that is all blank.
  [[nodiscard]] std::string text() const;

 private:
  std::vector<std::string> head_;
  std::vector<std::vector<std::string>> rows_;
};

/// "29 days", "5 hours", "EXPIRED"; of the `expirationDate` of a certificate, empty if that is no date.
[[nodiscard]] std::string time_left(std::string_view expiration_date, WallTime now);

/// One value of JSON in a line: texts without quotes, lists with commas, objects as JSON.
[[nodiscard]] std::string one_line(const nlohmann::json& value);

/// An object for people: one line per value, "tls.validateCertificateChain  true"; lists of objects as tables below. A list of objects: the
/// table alone.
[[nodiscard]] std::string describe(const nlohmann::json& value);

}  // namespace signet::app::cli
