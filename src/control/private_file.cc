// SPDX-License-Identifier: GPL-3.0-or-later
#include "private_file.h"

#include <fcntl.h>
#include <fmt/core.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>
#include <filesystem>
#include <string_view>
#include <utility>

namespace signet::control {

namespace {

constexpr mode_t private_file_mode = 0600;
constexpr mode_t private_folder_mode = 0700;
constexpr mode_t others_mask = 0077;

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
  [[nodiscard]] int release() { return std::exchange(value_, -1); }

 private:
  int value_;
};

std::unexpected<StoreError> failed(const std::string& what) {
  return std::unexpected(system_error(what, errno));
}

std::unexpected<StoreError> refused(std::string detail) {
  return std::unexpected(StoreError{.kind = StoreError::Kind::unavailable, .detail = std::move(detail)});
}

/// What was done to the names in the file's folder is durable.
StoreResult<void> sync_folder_of(const std::string& path) {
  const std::filesystem::path parent = std::filesystem::path(path).parent_path();
  const std::string folder = parent.empty() ? "." : parent.string();
  const Descriptor descriptor(::open(folder.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC));
  if (descriptor.get() < 0 || ::fsync(descriptor.get()) != 0) {
    return failed(fmt::format("the folder {} cannot be written out", folder));
  }
  return {};
}

/// Where a file is written before it gets its name.
std::string unfinished(const std::string& path) {
  return path + ".tmp";
}

bool write_all(int descriptor, ByteView content) {
  while (!content.empty()) {
    const ssize_t written = ::write(descriptor, content.data(), content.size());
    if (written < 0 && errno != EINTR) {
      return false;
    }
    if (written > 0) {
      content = content.subspan(static_cast<std::size_t>(written));
    }
  }
  return true;
}

StoreResult<void> write_new(const std::string& path, ByteView content, mode_t mode) {
  const Descriptor file(::open(path.c_str(), O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, mode));
  if (file.get() < 0 || ::fchmod(file.get(), mode) != 0 || !write_all(file.get(), content) || ::fsync(file.get()) != 0) {
    return failed(fmt::format("{} cannot be written", path));
  }
  return {};
}

/// REQUIRES: an open descriptor.
StoreResult<struct stat> plain_file(int descriptor, const std::string& path) {
  struct stat found{};
  if (::fstat(descriptor, &found) != 0) {
    return failed(fmt::format("{} cannot be read", path));
  }
  if (!S_ISREG(found.st_mode)) {
    return refused(fmt::format("{} is no plain file", path));
  }
  return found;
}

StoreResult<wire::SecretBytes> read_all(int descriptor, const std::string& path, std::size_t bytes_max) {
  wire::SecretBytes content(bytes_max + 1);
  std::size_t size = 0;
  while (size < content.size()) {
    const ssize_t got = ::read(descriptor, content.data() + size, content.size() - size);
    if (got < 0 && errno != EINTR) {
      return failed(fmt::format("{} cannot be read", path));
    }
    if (got == 0) {
      break;
    }
    size += got > 0 ? static_cast<std::size_t>(got) : 0;
  }
  if (size > bytes_max) {
    return refused(fmt::format("{} is too large, expected at most {} bytes", path, bytes_max));
  }
  content.resize(size);
  return content;
}

}  // namespace

StoreError system_error(const std::string& what, int code) {
  const bool full = code == ENOSPC || code == EDQUOT || code == EFBIG;
  return {.kind = full ? StoreError::Kind::full : StoreError::Kind::unavailable,
          .detail = fmt::format("{}: {}", what, std::strerror(code))};
}

StoreResult<void> make_private_folder(const std::string& path) {
  if (::mkdir(path.c_str(), private_folder_mode) == 0) {
    return sync_folder_of(std::filesystem::path(path + "/.").parent_path().string());
  }
  if (errno != EEXIST) {
    return failed(fmt::format("the folder {} cannot be made", path));
  }
  struct stat found{};
  if (::stat(path.c_str(), &found) != 0) {
    return failed(fmt::format("the folder {} cannot be used", path));
  }
  if (!S_ISDIR(found.st_mode)) {
    return refused(fmt::format("{} is no folder", path));
  }
  if ((found.st_mode & S_IWOTH) != 0) {
    return refused(fmt::format("the folder {} may be written by everybody (mode {:04o}), expected {:04o}", path, found.st_mode & 07777U,
                               private_folder_mode));
  }
  return {};
}

bool exists(const std::string& path) {
  struct stat found{};
  return ::lstat(path.c_str(), &found) == 0;
}

StoreResult<std::optional<wire::SecretBytes>> read_private_file(const std::string& path, std::size_t bytes_max) {
  const Descriptor file(::open(path.c_str(), O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC));
  if (file.get() < 0) {
    if (errno == ENOENT) {
      return std::nullopt;
    }
    return failed(fmt::format("{} cannot be read", path));
  }
  const StoreResult<struct stat> found = plain_file(file.get(), path);
  if (!found) {
    return std::unexpected(found.error());
  }
  if (found->st_uid != ::geteuid()) {
    return refused(fmt::format("{} belongs to user {}, expected {}, who runs this process", path, found->st_uid, ::geteuid()));
  }
  if ((found->st_mode & others_mask) != 0) {
    return refused(fmt::format("{} may be read or written by others (mode {:04o}), expected {:04o}", path, found->st_mode & 07777U,
                               private_file_mode));
  }
  return read_all(file.get(), path, bytes_max);
}

StoreResult<std::optional<OwnFile>> read_own_file(const std::string& path, std::size_t bytes_max) {
  const Descriptor file(::open(path.c_str(), O_RDONLY | O_NONBLOCK | O_CLOEXEC));
  if (file.get() < 0) {
    if (errno == ENOENT) {
      return std::nullopt;
    }
    return failed(fmt::format("{} cannot be read", path));
  }
  const StoreResult<struct stat> found = plain_file(file.get(), path);
  if (!found) {
    return std::unexpected(found.error());
  }
  StoreResult<wire::SecretBytes> content = read_all(file.get(), path, bytes_max);
  if (!content) {
    return std::unexpected(std::move(content.error()));
  }
  return OwnFile{.content = std::move(*content), .open_to_others = (found->st_mode & others_mask) != 0};
}

StoreResult<bool> write_whole_file(const std::string& path, ByteView content, mode_t mode, Existing existing) {
  const std::string temporary = unfinished(path);
  if (const StoreResult<void> removed = remove_unfinished(path); !removed) {
    return std::unexpected(removed.error());
  }
  if (const StoreResult<void> written = write_new(temporary, content, mode); !written) {
    ::unlink(temporary.c_str());
    return std::unexpected(written.error());
  }
  // link refuses to replace, unlike rename.
  const bool replace = existing == Existing::replace;
  const int code = (replace ? ::rename(temporary.c_str(), path.c_str()) : ::link(temporary.c_str(), path.c_str())) == 0 ? 0 : errno;
  ::unlink(temporary.c_str());
  if (code == EEXIST && !replace) {
    return false;
  }
  if (code != 0) {
    return std::unexpected(system_error(fmt::format("{} cannot be made", path), code));
  }
  if (const StoreResult<void> synced = sync_folder_of(path); !synced) {
    return std::unexpected(synced.error());
  }
  return true;
}

StoreResult<void> make_private_file(const std::string& path, ByteView content) {
  const StoreResult<bool> made = write_whole_file(path, content, private_file_mode, Existing::keep);
  if (!made) {
    return std::unexpected(made.error());
  }
  return *made ? StoreResult<void>() : std::unexpected(system_error(fmt::format("{} cannot be made", path), EEXIST));
}

StoreResult<void> remove_unfinished(const std::string& path) {
  const std::string temporary = unfinished(path);
  return exists(temporary) ? remove_file(temporary) : StoreResult<void>();
}

StoreResult<void> rename_file(const std::string& from, const std::string& to) {
  if (::rename(from.c_str(), to.c_str()) != 0) {
    return failed(fmt::format("{} cannot be renamed to {}", from, to));
  }
  return sync_folder_of(to);
}

StoreResult<void> remove_file(const std::string& path) {
  if (::unlink(path.c_str()) != 0 && errno != ENOENT) {
    return failed(fmt::format("{} cannot be removed", path));
  }
  return sync_folder_of(path);
}

StoreResult<FileLock> FileLock::take(const std::string& path, const std::string& what) {
  Descriptor file(::open(path.c_str(), O_RDWR | O_CREAT | O_NOFOLLOW | O_CLOEXEC, private_file_mode));
  if (file.get() < 0) {
    return failed(fmt::format("{} cannot be opened", path));
  }
  if (::flock(file.get(), LOCK_EX | LOCK_NB) != 0) {
    if (errno != EWOULDBLOCK) {
      return failed(fmt::format("{} cannot be locked", path));
    }
    std::string holder(16, '\0');
    const ssize_t size = ::pread(file.get(), holder.data(), holder.size(), 0);
    holder.resize(size > 0 ? static_cast<std::size_t>(size) : 0);
    const std::size_t end = holder.find_first_not_of("0123456789");
    holder.resize(end == std::string::npos ? holder.size() : end);
    return refused(fmt::format("{} is in use by {}: only one gateway or command may work on it at a time", what,
                               holder.empty() ? "another process" : "process " + holder));
  }
  // For the refusal above only; it does not matter if there is no room for it.
  const std::string self = fmt::format("{}\n", ::getpid());
  if (::ftruncate(file.get(), 0) == 0) {
    [[maybe_unused]] const ssize_t written = ::pwrite(file.get(), self.data(), self.size(), 0);
  }
  return FileLock(file.release());
}

FileLock::~FileLock() {
  if (descriptor_ >= 0) {
    ::close(descriptor_);
  }
}

}  // namespace signet::control
