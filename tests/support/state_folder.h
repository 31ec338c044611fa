// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include <stdlib.h>
#include <unistd.h>

#include <catch2/catch_test_macros.hpp>
#include <cstdint>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <string>

#include "signet/control/sqlite_store.h"
#include "signet/control/store.h"

namespace signet::test {

/// A folder for one test, removed at its end.
class StateFolder {
 public:
  /// In memory nothing waits for a disk: for what is about processes that die, not about machines that do.
  enum class Place : std::uint8_t { disk, memory };

  explicit StateFolder(Place place = Place::disk) {
    const std::filesystem::path memory = "/dev/shm";
    const bool in_memory = place == Place::memory && ::access(memory.c_str(), W_OK) == 0;
    std::string name = ((in_memory ? memory : std::filesystem::temp_directory_path()) / "signet-state-XXXXXX").string();
    REQUIRE(::mkdtemp(name.data()) != nullptr);
    path_ = name;
  }
  StateFolder(const StateFolder&) = delete;
  StateFolder& operator=(const StateFolder&) = delete;
  ~StateFolder() {
    std::error_code ignored;
    std::filesystem::remove_all(path_, ignored);
  }

  /// One level down, so that a test can let it be made.
  [[nodiscard]] std::string directory() const { return (path_ / "state").string(); }
  [[nodiscard]] std::string file(const std::string& name) const { return (path_ / "state" / name).string(); }

 private:
  std::filesystem::path path_;
};

inline std::string content_of(const std::string& path) {
  std::ifstream file(path, std::ios::binary);
  return {std::istreambuf_iterator<char>(file), std::istreambuf_iterator<char>()};
}

inline void write_file(const std::string& path, const std::string& content) {
  std::ofstream(path, std::ios::binary | std::ios::trunc) << content;
}

inline unsigned mode_of(const std::string& path) {
  return static_cast<unsigned>(std::filesystem::status(path).permissions()) & 0777U;
}

template <typename T>
std::string refusal(const control::StoreResult<T>& result) {
  return result ? std::string("(no error)") : result.error().detail;
}

/// "a@3=value/secret" for each, with a space between.
inline std::string text_of(const control::StoreResult<std::vector<control::StoredObject>>& objects) {
  if (!objects) {
    return "error: " + objects.error().detail;
  }
  std::string text;
  for (const control::StoredObject& object : *objects) {
    text += (text.empty() ? "" : " ") + object.key + "@" + std::to_string(object.revision) + "=" + object.value + "/" + object.secret;
  }
  return text;
}

}  // namespace signet::test
