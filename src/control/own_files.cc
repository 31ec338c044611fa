// SPDX-License-Identifier: GPL-3.0-or-later
#include "own_files.h"

#include <fcntl.h>
#include <fmt/core.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>
#include <filesystem>
#include <system_error>
#include <utility>


namespace signet::control {

namespace {

std::unexpected<Error> refuse(const std::string& path, std::string_view what, int code) {
  return fail(ErrorKind::config, Origin::internal, fmt::format("{}: {}: {}", path, what, std::generic_category().message(code)));
}

/// Closed when it goes.
class Descriptor {
 public:
  explicit Descriptor(int value) : value_(value) {}
  Descriptor(const Descriptor&) = delete;
  Descriptor& operator=(const Descriptor&) = delete;
  ~Descriptor() {
    if (value_ >= 0) {
      ::close(value_);
    }
  }
  [[nodiscard]] int get() const { return value_; }

 private:
  int value_;
};

bool write_all(int descriptor, std::string_view content) {
  while (!content.empty()) {
    const ssize_t written = ::write(descriptor, content.data(), content.size());
    if (written < 0 && errno == EINTR) {
      continue;
    }
    if (written <= 0) {
      return false;
    }
    content.remove_prefix(static_cast<std::size_t>(written));
  }
  return true;
}

/// The name of a file is durable once its folder is.
bool sync_folder_of(const std::string& path) {
  const std::filesystem::path folder = std::filesystem::path(path).parent_path();
  const Descriptor descriptor(::open(folder.empty() ? "." : folder.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC));
  return descriptor.get() >= 0 && ::fsync(descriptor.get()) == 0;
}

}  // namespace

Result<bool> write_whole_file(const std::string& path, std::string_view content, mode_t mode, Existing existing) {
  const std::string unfinished = path + ".new";
  ::unlink(unfinished.c_str());  // of a start that was cut short
  {
    const Descriptor file(::open(unfinished.c_str(), O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, mode));
    if (file.get() < 0) {
      return refuse(unfinished, "cannot be made", errno);
    }
    // Whatever the umask says.
    if (::fchmod(file.get(), mode) != 0 || !write_all(file.get(), content) || ::fsync(file.get()) != 0) {
      const int code = errno;
      ::unlink(unfinished.c_str());
      return refuse(unfinished, "cannot be written", code);
    }
  }
  bool written = true;
  if (existing == Existing::replace) {
    if (::rename(unfinished.c_str(), path.c_str()) != 0) {
      const int code = errno;
      ::unlink(unfinished.c_str());
      return refuse(path, "cannot be written", code);
    }
  } else {
    const int code = ::link(unfinished.c_str(), path.c_str()) == 0 ? 0 : errno;
    ::unlink(unfinished.c_str());
    if (code != 0 && code != EEXIST) {
      return refuse(path, "cannot be made", code);
    }
    written = code == 0;
  }
  if (!sync_folder_of(path)) {
    return refuse(path, "its folder cannot be synced", errno);
  }
  return written;
}

Result<std::optional<OwnFile>> read_own_file(const std::string& path, std::size_t bytes_max) {
  const Descriptor file(::open(path.c_str(), O_RDONLY | O_CLOEXEC | O_NONBLOCK));
  if (file.get() < 0) {
    if (errno == ENOENT) {
      return std::nullopt;
    }
    return refuse(path, "cannot be read", errno);
  }
  struct stat status{};
  if (::fstat(file.get(), &status) != 0) {
    return refuse(path, "cannot be read", errno);
  }
  if (!S_ISREG(status.st_mode)) {
    return fail(ErrorKind::config, Origin::internal, fmt::format("{}: expected a file", path));
  }
  OwnFile own{.content = std::string(bytes_max + 1, '\0'), .open_to_others = (status.st_mode & (S_IRWXG | S_IRWXO)) != 0};
  std::size_t size = 0;
  while (size < own.content.size()) {
    const ssize_t read = ::read(file.get(), own.content.data() + size, own.content.size() - size);
    if (read < 0 && errno == EINTR) {
      continue;
    }
    if (read < 0) {
      return refuse(path, "cannot be read", errno);
    }
    if (read == 0) {
      break;
    }
    size += static_cast<std::size_t>(read);
  }
  if (size > bytes_max) {
    return fail(ErrorKind::config, Origin::internal, fmt::format("{}: expected at most {} bytes", path, bytes_max));
  }
  own.content.resize(size);
  return own;
}

}  // namespace signet::control
