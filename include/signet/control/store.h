// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include <cstdint>
#include <expected>
#include <functional>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace signet::control {

/// One managed resource as it rests. `key` is its path without a slash in front, ids as they are (not percent-encoded):
/// "certificates/orders-client", "backends/orders", "apis/orders", "apis/orders/operations/get", "policies/policy",
/// "apis/orders/policies/policy", "apis/orders/operations/get/policies/policy".
struct StoredObject {
  std::string key;
  std::uint64_t revision = 0;  ///< of the write that put it there; revisions grow over the whole store
  std::string value;           ///< JSON, as anyone may read it
  std::string secret;          ///< what nobody may read; encrypted where it rests, empty for none
};

struct StoreError {
  enum class Kind : std::uint8_t {
    conflict,     ///< an expectation of the batch does not hold: nothing was written
    too_large,    ///< an object is larger than any may be, or its key cannot be stored: nothing was written
    full,         ///< no room (disk, quota): nothing was written
    unavailable,  ///< read-only, locked by another process, or any other failure: nothing was written
  };
  Kind kind = Kind::unavailable;
  std::string detail;  ///< one sentence for the operator
};

template <typename T>
using StoreResult = std::expected<T, StoreError>;

/// Writes that happen together or not at all.
struct Batch {
  /// The object must have this revision now; 0: it must not exist. For objects that are written and for others that the write relies on.
  struct Expectation {
    std::string key;
    std::uint64_t revision = 0;
  };
  struct Put {
    std::string key;
    std::string value;
    std::string secret;
  };
  std::vector<Expectation> expectations;
  std::vector<Put> puts;
  std::vector<std::string> erased;  ///< keys; one that is not there is passed over
};

/// Where managed resources rest. Every method is thread-safe and may block: never call it on a shard.
class Store {
 public:
  Store() = default;
  Store(const Store&) = delete;
  Store& operator=(const Store&) = delete;
  virtual ~Store() = default;

  [[nodiscard]] virtual StoreResult<std::optional<StoredObject>> get(std::string_view key) = 0;
  /// Whose key begins with `prefix`, sorted by key.
  [[nodiscard]] virtual StoreResult<std::vector<StoredObject>> list(std::string_view prefix) = 0;
  /// Durable when it returns: the revision that all puts of the batch have got, higher than any before. Also for a batch without puts.
  [[nodiscard]] virtual StoreResult<std::uint64_t> commit(const Batch& batch) = 0;
  /// Of the last commit, by whomever.
  [[nodiscard]] virtual StoreResult<std::uint64_t> revision() = 0;
  /// `changed` is called with the new revision after a commit by somebody else than this object (another gateway on the same store), from a
  /// thread of the store's. An empty function ends that; after it has returned no call is made. A store with a single user never calls.
  virtual void watch(std::function<void(std::uint64_t revision)> changed) = 0;
};

}  // namespace signet::control
