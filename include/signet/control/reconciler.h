// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include <cstddef>
#include <cstdint>
#include <expected>
#include <functional>
#include <map>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "signet/config/report.h"
#include "signet/config/snapshot.h"
#include "signet/control/store.h"

namespace signet::control {

class Referrers;
struct Reading;

/// A managed resource of the store, with what was made of it.
struct Object {
  std::uint64_t revision = 0;
  std::string value;   ///< JSON object: the resource's properties without secrets
  std::string secret;  ///< JSON object that belongs to `value` (RFC 7396: merged into it), or a private key
  std::shared_ptr<const wire::Certificate> certificate;  ///< of certificates/…, opened
  std::shared_ptr<const Reading> reading;                ///< of all others; read once, however many snapshots it enters
};

/// By key; see StoredObject. std::less<> so that everything below "apis/orders/" is one range.
using Objects = std::map<std::string, std::shared_ptr<const Object>, std::less<>>;

/// All that is in force at one moment. Immutable; share it by pointer.
struct View {
  std::shared_ptr<const config::Snapshot> snapshot;  ///< its config() has the objects of the file and of the store
  std::shared_ptr<const config::Config> file;        ///< what the file alone says: its objects are read-only
  std::shared_ptr<const Objects> objects;            ///< of the store

  /// Who names what in the snapshot's configuration: made when somebody first asks. Thread-safe.
  [[nodiscard]] const Referrers& referrers() const;

 private:
  mutable std::once_flag referrers_made_;
  mutable std::shared_ptr<const Referrers> referrers_;
};

/// A change to the objects of the store, of which nothing is in force yet.
struct Change {
  struct Put {
    std::string key;
    std::string value;
    std::string secret;
    std::shared_ptr<const wire::Certificate> certificate;
  };
  std::vector<Put> puts;
  std::vector<std::string> erased;
};

/// Why a change was not made; nothing of it was.
struct Refused {
  enum class Kind : std::uint8_t {
    invalid,      ///< the configuration would not be good with it: `report` says where (`Source::pointer` is "/" and the object's key,
                  ///< then the property; the file is empty)
    conflict,     ///< somebody else has written to the store meanwhile
    too_large,    ///< see StoreError
    full,         ///< see StoreError
    unavailable,  ///< see StoreError
    no_store,     ///< there is none to write to
  };
  Kind kind = Kind::invalid;
  config::Report report;
  std::string detail;
};

/// Keeps what is in force in step with the configuration file and the store: the one place where snapshots are made and put in force, one
/// after the other. Reads are lock-free for all practical purposes (`view`). Thread-safe; all methods but `view` may block for long.
class Reconciler {
 public:
  /// What identities that went out of use left behind; see net::ConnectionPool::Retired.
  struct Retired {
    std::size_t idle = 0;
    std::size_t leased = 0;
  };
  /// Puts a snapshot in force on every shard and returns once it is. Must not call back.
  using Apply = std::function<Retired(const std::shared_ptr<const config::Snapshot>&)>;

  struct Loaded {
    std::shared_ptr<const config::Snapshot> snapshot;  ///< null: there was an error, and what was in force still is
    std::string refusal;                               ///< with an error: one sentence that sums up; the problems went to the log
    std::size_t certificates_changed = 0;              ///< see config::Built
    Retired retired;
  };

  /// `file`: the configuration.
  explicit Reconciler(std::string file);
  Reconciler(const Reconciler&) = delete;
  Reconciler& operator=(const Reconciler&) = delete;
  ~Reconciler();

  /// Reads the file alone, checks it and opens nothing that it names: for whoever needs its settings before there is a store. Null
  /// after an error; problems are left to `load`, which meets the same.
  [[nodiscard]] std::shared_ptr<const config::Config> read_file();

  /// From now on the store's objects count too. It must outlive this object. Error: one sentence (an object that cannot be read).
  [[nodiscard]] std::expected<void, std::string> use_store(Store& store);

  /// Snapshots go there from now on. Until then they are only made.
  void on_apply(Apply apply);

  /// Reads the file and what it names, composes it with the store's objects, builds, applies. The first good snapshot has generation 1,
  /// each further one the next. Every problem goes to the log, the refusal does not.
  [[nodiscard]] Loaded load();

  /// Makes one change: `prepare` sees what is in force and says what is to be written, or (an empty one) that nothing is. No other change
  /// comes between. Order: build, store (durable), apply. Returns what is in force then.
  template <typename Failure>
  [[nodiscard]] std::expected<std::shared_ptr<const View>, Failure> write(
      const std::function<std::expected<Change, Failure>(const View&)>& prepare, const std::function<Failure(Refused)>& refused) {
    const std::scoped_lock lock(mutex_);
    std::expected<Change, Failure> change = prepare(*view_);
    if (!change) {
      return std::unexpected(std::move(change.error()));
    }
    if (change->puts.empty() && change->erased.empty()) {
      return view_;
    }
    if (std::optional<Refused> refusal = make(*change)) {
      return std::unexpected(refused(std::move(*refusal)));
    }
    return view_;
  }

  /// What is in force. Never null after the first good `load`.
  [[nodiscard]] std::shared_ptr<const View> view() const;

  /// Has any file that the last `load` read, or looked for, another content now? Cheap beside `load`.
  [[nodiscard]] bool files_changed();
  [[nodiscard]] std::vector<std::string> files();

 private:
  struct State;

  /// Under the lock.
  [[nodiscard]] std::optional<Refused> make(const Change& change);
  Retired put_in_force(std::shared_ptr<const View> view);

  std::mutex mutex_;                  ///< of writers: held from build to apply
  std::shared_ptr<const View> view_;  ///< written under both locks
  mutable std::mutex view_mutex_;
  std::unique_ptr<State> state_;
};

}  // namespace signet::control
