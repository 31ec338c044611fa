// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include <cstddef>
#include <optional>
#include <string>
#include <vector>

#include "signet/base/result.h"

namespace signet::config {

/// What a configuration may read from its surroundings: files, and variables of the environment. The seam that keeps the rest of this layer
/// free of the operating system; tests bring their own.
class Files {
 public:
  /// The whole content. Errors: config, with the path, the system's reason and, for a file of more than `bytes_max`, the limit.
  [[nodiscard]] virtual Result<std::string> read(const std::string& path, std::size_t bytes_max) = 0;
  /// Names of the files in a folder, sorted: no folders, no name with a dot in front, links followed (one that leads nowhere counts as a
  /// file). Errors: config, with the path and the system's reason, or the limit if there are more than `count_max`.
  [[nodiscard]] virtual Result<std::vector<std::string>> list(const std::string& directory, std::size_t count_max) = 0;
  /// Nothing when the variable is not set.
  [[nodiscard]] virtual std::optional<std::string> environment(const std::string& name) = 0;

  Files() = default;
  Files(const Files&) = delete;
  Files& operator=(const Files&) = delete;
  virtual ~Files() = default;
};

/// The real ones. Blocks: never to be used on a shard.
class SystemFiles final : public Files {
 public:
  [[nodiscard]] Result<std::string> read(const std::string& path, std::size_t bytes_max) override;
  [[nodiscard]] Result<std::vector<std::string>> list(const std::string& directory, std::size_t count_max) override;
  [[nodiscard]] std::optional<std::string> environment(const std::string& name) override;
};

/// `path` as it is meant in `config_file`: relative paths start at that file's folder. Links are not looked at.
[[nodiscard]] std::string beside(const std::string& config_file, const std::string& path);

}  // namespace signet::config
