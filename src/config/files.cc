// SPDX-License-Identifier: GPL-3.0-or-later
#include "signet/config/files.h"

#include <fcntl.h>
#include <fmt/core.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstdlib>
#include <filesystem>
#include <system_error>

namespace signet::config {

namespace {

constexpr std::size_t piece_bytes_max = 64 * 1024;

class Descriptor {
 public:
  explicit Descriptor(int value) : value_(value) {}
  Descriptor(const Descriptor&) = delete;
  Descriptor& operator=(const Descriptor&) = delete;
  ~Descriptor() {
    if (value_ >= 0) ::close(value_);
  }
  [[nodiscard]] int value() const { return value_; }

 private:
  int value_;
};

std::unexpected<Error> system_failure(const std::string& path, int number) {
  return fail(ErrorKind::config, Origin::internal, fmt::format("{}: cannot be read: {}", path, std::generic_category().message(number)));
}

}  // namespace

Result<std::string> SystemFiles::read(const std::string& path, std::size_t bytes_max) {
  // A pipe that nobody writes to must not hold us: it reads as empty.
  const Descriptor file(::open(path.c_str(), O_RDONLY | O_CLOEXEC | O_NONBLOCK));
  if (file.value() < 0) {
    return system_failure(path, errno);
  }
  ::fcntl(file.value(), F_SETFL, 0);
  struct stat status{};
  if (::fstat(file.value(), &status) != 0) {
    return system_failure(path, errno);
  }
  if (S_ISDIR(status.st_mode)) {
    return system_failure(path, EISDIR);
  }
  // The size in `status` is only a hint: pipes and /proc have none, and a file may grow meanwhile.
  const std::size_t piece_bytes =
      status.st_size > 0 ? std::min(static_cast<std::size_t>(status.st_size) + 1, piece_bytes_max) : piece_bytes_max;
  std::string content;
  while (content.size() <= bytes_max) {
    const std::size_t size = content.size();
    content.resize(size + std::min(piece_bytes, bytes_max + 1 - size));
    const ssize_t count = ::read(file.value(), content.data() + size, content.size() - size);
    const int number = errno;
    content.resize(size + static_cast<std::size_t>(std::max<ssize_t>(count, 0)));
    if (count < 0 && number != EINTR) {
      return system_failure(path, number);
    }
    if (count == 0) {
      return content;
    }
  }
  return fail(ErrorKind::config, Origin::internal, fmt::format("{}: larger than the {} bytes that are read", path, bytes_max));
}

Result<std::vector<std::string>> SystemFiles::list(const std::string& directory, std::size_t count_max) {
  std::error_code failure;
  std::vector<std::string> names;
  for (std::filesystem::directory_iterator entry(directory, failure), end; !failure && entry != end; entry.increment(failure)) {
    std::string name = entry->path().filename().string();
    std::error_code unknown;
    const std::filesystem::file_type type = entry->status(unknown).type();
    if (name.starts_with('.') || (type != std::filesystem::file_type::regular && type != std::filesystem::file_type::not_found)) {
      continue;
    }
    if (names.size() == count_max) {
      return fail(ErrorKind::config, Origin::internal, fmt::format("{}: more than the {} files that are read", directory, count_max));
    }
    names.push_back(std::move(name));
  }
  if (failure) {
    return system_failure(directory, failure.value());
  }
  std::ranges::sort(names);
  return names;
}

std::optional<std::string> SystemFiles::environment(const std::string& name) {
  const char* value = std::getenv(name.c_str());  // NOLINT(concurrency-mt-unsafe): nothing here sets variables
  return value == nullptr ? std::nullopt : std::optional<std::string>(value);
}

std::string beside(const std::string& config_file, const std::string& path) {
  const std::size_t slash = config_file.rfind('/');
  if (path.empty() || path.front() == '/' || slash == std::string::npos) {
    return path;
  }
  return config_file.substr(0, slash + 1) + path;
}

}  // namespace signet::config
