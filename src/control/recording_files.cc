// SPDX-License-Identifier: GPL-3.0-or-later
#include "recording_files.h"

#include <algorithm>
#include <functional>

namespace signet::control {

/// The digest only tells that a file has changed; it protects nothing.
RecordingFiles::Seen RecordingFiles::note(const Result<std::string>& content, std::size_t bytes_max) {
  return Seen{.bytes_max = bytes_max, .digest = content ? std::optional(std::hash<std::string>()(*content)) : std::nullopt};
}

Result<std::string> RecordingFiles::read(const std::string& path, std::size_t bytes_max) {
  Result<std::string> content = files_.read(path, bytes_max);
  seen_[path] = note(content, bytes_max);
  return content;
}

RecordingFiles::Listed RecordingFiles::note(const Result<std::vector<std::string>>& names, std::size_t count_max) {
  return Listed{.count_max = count_max, .names = names ? std::optional(*names) : std::nullopt};
}

Result<std::vector<std::string>> RecordingFiles::list(const std::string& directory, std::size_t count_max) {
  Result<std::vector<std::string>> names = files_.list(directory, count_max);
  listed_[directory] = note(names, count_max);
  return names;
}

void RecordingFiles::start_over() {
  seen_.clear();
  listed_.clear();
}

std::optional<std::string> RecordingFiles::environment(const std::string& name) {
  return files_.environment(name);
}

std::vector<std::string> RecordingFiles::paths() const {
  std::vector<std::string> paths;
  for (const auto& [path, seen] : seen_) {
    paths.push_back(path);
  }
  for (const auto& [path, listed] : listed_) {
    paths.push_back(path);
  }
  return paths;
}

bool RecordingFiles::changed() {
  const bool other_names = std::ranges::any_of(listed_, [this](const auto& entry) {
    const auto& [path, listed] = entry;
    return note(files_.list(path, listed.count_max), listed.count_max) != listed;
  });
  return other_names || std::ranges::any_of(seen_, [this](const auto& entry) {
           const auto& [path, seen] = entry;
           return note(files_.read(path, seen.bytes_max), seen.bytes_max) != seen;
         });
}

}  // namespace signet::control
