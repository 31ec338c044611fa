// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "signet/config/snapshot.h"
#include "recording_files.h"

namespace signet::app {

/// Makes snapshots of one configuration file and all that it names: at start, and again at each reload. Keeps what the last good one was
/// made of, so that a reload opens only what has changed and a certificate whose files are broken stays as it was (config::Material).
/// Blocks, perhaps for seconds: never on a shard. Not thread-safe.
class SnapshotLoader {
 public:
  struct Loaded {
    std::shared_ptr<const config::Snapshot> snapshot;  ///< nullptr: there was an error
    std::string refusal;                               ///< with an error: one sentence that sums up
    std::size_t certificates_changed = 0;              ///< see config::Built
  };

  explicit SnapshotLoader(std::string file) : file_(std::move(file)) {}

  /// Every problem goes to the log, the refusal does not. The first good snapshot has generation 1, each further one the next.
  [[nodiscard]] Loaded load();

  /// Has any file that the last `load` read, or looked for, another content now? Cheap beside `load`.
  [[nodiscard]] bool files_changed() { return files_.changed(); }
  [[nodiscard]] std::vector<std::string> files() const { return files_.paths(); }

 private:
  std::string file_;
  RecordingFiles files_;
  config::Material material_;
  std::uint64_t generation_ = 0;
};

/// `load` for once. Every problem goes to the log; nullptr when there was an error among them.
[[nodiscard]] std::shared_ptr<const config::Snapshot> load_snapshot(const std::string& file);

}  // namespace signet::app
