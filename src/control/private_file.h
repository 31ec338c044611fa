// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include <sys/types.h>

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <utility>

#include "signet/base/bytes.h"
#include "signet/control/state_directory.h"
#include "signet/control/store.h"
#include "signet/wire/secret_bytes.h"

/// Files that are ours, most of them for us alone, and changes to folders that outlive a loss of power; `make_private_file` is in
/// state_directory.h. All block.
namespace signet::control {

/// From errno. `what`: "/var/lib/signet/signet.key cannot be read".
[[nodiscard]] StoreError system_error(const std::string& what, int code);

/// Makes the folder (0700) unless it is there; its parent has to be. Error: it is something else, or everybody may write to it.
[[nodiscard]] StoreResult<void> make_private_folder(const std::string& path);

[[nodiscard]] bool exists(const std::string& path);

/// Nothing: there is none. Error: it is no plain file, belongs to another user, others may read or write it, or is of more than
/// `bytes_max`.
[[nodiscard]] StoreResult<std::optional<wire::SecretBytes>> read_private_file(const std::string& path, std::size_t bytes_max);

/// A file that the operator may have put there: a link is followed, and whose it is and who may read it is the caller's to judge.
struct OwnFile {
  wire::SecretBytes content;
  bool open_to_others = false;  ///< than its owner
};
/// Nothing: there is none. Error: it is no plain file, or of more than `bytes_max`.
[[nodiscard]] StoreResult<std::optional<OwnFile>> read_own_file(const std::string& path, std::size_t bytes_max);

/// What happens to a file that is there already.
enum class Existing : std::uint8_t { keep, replace };
/// Writes the whole file or nothing, durably, with this mode whatever the umask. False: it was there and was kept.
[[nodiscard]] StoreResult<bool> write_whole_file(const std::string& path, ByteView content, mode_t mode, Existing existing);

/// What a `write_whole_file` or `make_private_file` of this path left behind when its process was killed: it may be a second name of the
/// file.
[[nodiscard]] StoreResult<void> remove_unfinished(const std::string& path);

/// Durable on return.
[[nodiscard]] StoreResult<void> rename_file(const std::string& from, const std::string& to);
[[nodiscard]] StoreResult<void> remove_file(const std::string& path);

/// Held by one process, and one holder in it, until it goes or the process ends.
class FileLock {
 public:
  /// Makes the file (0600) unless it is there, and never removes it. Error: somebody else has it ("… is in use by process 123").
  [[nodiscard]] static StoreResult<FileLock> take(const std::string& path, const std::string& what);
  FileLock(FileLock&& other) noexcept : descriptor_(std::exchange(other.descriptor_, -1)) {}
  FileLock& operator=(FileLock&& other) noexcept {
    std::swap(descriptor_, other.descriptor_);
    return *this;
  }
  ~FileLock();

 private:
  explicit FileLock(int descriptor) : descriptor_(descriptor) {}

  int descriptor_;
};

}  // namespace signet::control
