// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include <sys/types.h>

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "signet/base/result.h"

/// Files that Signet itself keeps in its state directory. All functions block; errors are config, with the path and the system's reason.
namespace signet::control {

/// What happens to a file that is there already.
enum class Existing : std::uint8_t { keep, replace };

/// Writes the whole file or nothing, durably: under another name first, synced, then renamed. False: it was there and was kept.
[[nodiscard]] Result<bool> write_whole_file(const std::string& path, std::string_view content, mode_t mode, Existing existing);

/// The content, and whether others than the owner may read the file; nothing if there is no such file.
struct OwnFile {
  std::string content;
  bool open_to_others = false;
};
[[nodiscard]] Result<std::optional<OwnFile>> read_own_file(const std::string& path, std::size_t bytes_max);

}  // namespace signet::control
