// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include <cstddef>
#include <map>
#include <optional>
#include <string>
#include <vector>

#include "signet/config/files.h"

namespace signet::control {

/// The system's files, with a note of what was read: so whoever builds a snapshot knows which files it came from, those that were looked
/// for in vain included, without a list of settings that name files. Keeps no content.
class RecordingFiles final : public config::Files {
 public:
  [[nodiscard]] Result<std::string> read(const std::string& path, std::size_t bytes_max) override;
  [[nodiscard]] Result<std::vector<std::string>> list(const std::string& directory, std::size_t count_max) override;
  [[nodiscard]] std::optional<std::string> environment(const std::string& name) override;

  /// Forgets what was read.
  void start_over();
  /// Every path that was read or listed, once.
  [[nodiscard]] std::vector<std::string> paths() const;
  /// Reads all of them again: would any of them answer otherwise now?
  [[nodiscard]] bool changed();

 private:
  struct Seen {
    std::size_t bytes_max = 0;
    std::optional<std::size_t> digest;  ///< none: it could not be read

    friend bool operator==(const Seen&, const Seen&) = default;
  };

  static Seen note(const Result<std::string>& content, std::size_t bytes_max);

  config::SystemFiles files_;
  struct Listed {
    std::size_t count_max = 0;
    std::optional<std::vector<std::string>> names;  ///< none: it could not be listed

    friend bool operator==(const Listed&, const Listed&) = default;
  };

  static Listed note(const Result<std::vector<std::string>>& names, std::size_t count_max);

  std::map<std::string, Seen> seen_;
  std::map<std::string, Listed> listed_;
};

}  // namespace signet::control
