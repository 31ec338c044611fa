// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <vector>

namespace signet::config {

/// Where a setting stands in a configuration file, for messages about it. A value.
struct Source {
  std::string file;          ///< as it was named on the command line
  std::uint32_t line = 0;    ///< from 1; 0: not known
  std::uint32_t column = 0;  ///< from 1, in characters
  std::string pointer;       ///< RFC 6901: "/backends/0/url"; empty for the whole document

  friend bool operator==(const Source&, const Source&) = default;
};

/// One sentence about one setting: what is wrong and what was expected. Never secrets.
struct Problem {
  Source source;
  std::string message;

  /// "conf/x.json:12:7: /backends/0/url: expected …"; parts that are not known are left out. One
  /// line: control characters are escaped.
  [[nodiscard]] std::string text() const;
};

/// Errors shown at once; further ones are only counted.
inline constexpr std::size_t report_errors_max = 50;
/// Warnings kept; further ones are dropped.
inline constexpr std::size_t report_warnings_max = 200;

/// All that a run through a configuration has to say. Errors stop it, warnings do not.
struct Report {
  std::vector<Problem> errors;
  std::vector<Problem> warnings;
  std::size_t errors_left_out = 0;

  [[nodiscard]] bool ok() const { return errors.empty(); }
  void error(Source source, std::string message);
  void warning(Source source, std::string message);
  /// Takes over what `other` says, behind what is here.
  void append(Report&& other);
};

}  // namespace signet::config
