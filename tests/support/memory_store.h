// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include <algorithm>
#include <cstdint>
#include <functional>
#include <map>
#include <mutex>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "signet/control/store.h"

namespace signet::test {

/// A store that rests nowhere, with the contract of control::Store. Thread-safe.
class MemoryStore final : public control::Store {
 public:
  /// While it is set, `commit` fails with it and writes nothing.
  void fail_commits(std::optional<control::StoreError> error) {
    const std::scoped_lock lock(mutex_);
    failure_ = std::move(error);
  }

  [[nodiscard]] control::StoreResult<std::optional<control::StoredObject>> get(std::string_view key) override {
    const std::scoped_lock lock(mutex_);
    const auto found = objects_.find(key);
    return found == objects_.end() ? std::nullopt : std::optional(found->second);
  }

  [[nodiscard]] control::StoreResult<std::vector<control::StoredObject>> list(std::string_view prefix) override {
    const std::scoped_lock lock(mutex_);
    std::vector<control::StoredObject> found;
    for (auto at = objects_.lower_bound(prefix); at != objects_.end() && at->first.starts_with(prefix); ++at) {
      found.push_back(at->second);
    }
    return found;
  }

  [[nodiscard]] control::StoreResult<std::uint64_t> commit(const control::Batch& batch) override {
    const std::scoped_lock lock(mutex_);
    if (failure_) {
      return std::unexpected(*failure_);
    }
    for (const control::Batch::Expectation& expectation : batch.expectations) {
      const auto found = objects_.find(expectation.key);
      if ((found == objects_.end() ? 0 : found->second.revision) != expectation.revision) {
        return std::unexpected(
            control::StoreError{.kind = control::StoreError::Kind::conflict, .detail = expectation.key + " has been changed meanwhile"});
      }
    }
    ++revision_;
    for (const std::string& key : batch.erased) {
      objects_.erase(key);
    }
    for (const control::Batch::Put& put : batch.puts) {
      objects_[put.key] = {.key = put.key, .revision = revision_, .value = put.value, .secret = put.secret};
    }
    return revision_;
  }

  [[nodiscard]] control::StoreResult<std::uint64_t> revision() override {
    const std::scoped_lock lock(mutex_);
    return revision_;
  }

  void watch(std::function<void(std::uint64_t revision)> /*changed*/) override {}

 private:
  std::mutex mutex_;
  std::map<std::string, control::StoredObject, std::less<>> objects_;
  std::uint64_t revision_ = 0;
  std::optional<control::StoreError> failure_;
};

}  // namespace signet::test
