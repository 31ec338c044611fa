// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include <exception>
#include <string>
#include <utility>
#include <vector>

/// The command line over the management API. A command is a straight line of requests in which the first refusal ends everything: it is
/// thrown as a Failure and becomes message and exit status in one place (cli_options.cc). Nothing here runs beside shards or in callbacks.
namespace signet::app::cli {

/// Exit statuses; docs/command-line.md explains them to people. Scripts rely on the numbers.
enum class ExitStatus : int {
  ok = 0,
  failed = 1,        ///< wrong usage, a file that cannot be used, an answer that nobody expects
  invalid = 2,       ///< the gateway refused what was to be written (400)
  not_found = 3,     ///< there is no such object (404)
  conflict = 4,      ///< in use, defined in the gateway's own file, or changed by somebody else meanwhile (409, 412)
  unauthorised = 5,  ///< no token, a wrong one, or one that may not write (401, 403)
  unreachable = 6,   ///< no connection, or one to somebody whose certificate is not trusted
  in_part = 7,       ///< import: something was not carried over
};

class Failure : public std::exception {
 public:
  /// `lines` follow the message, one per line. No secrets in either.
  Failure(ExitStatus status, std::string message, std::vector<std::string> lines = {})
      : status_(status), message_(std::move(message)), lines_(std::move(lines)) {}
  explicit Failure(std::string message) : Failure(ExitStatus::failed, std::move(message)) {}

  [[nodiscard]] ExitStatus status() const { return status_; }
  [[nodiscard]] const std::vector<std::string>& lines() const { return lines_; }
  [[nodiscard]] const std::string& message() const { return message_; }
  [[nodiscard]] const char* what() const noexcept override { return message_.c_str(); }

 private:
  ExitStatus status_;
  std::string message_;
  std::vector<std::string> lines_;
};

}  // namespace signet::app::cli
