// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "signet/control/admin_api.h"
#include "signet/wire/digest.h"

namespace signet::control {

/// A token by what is kept of it.
struct Token {
  std::string name;
  Role role = Role::none;
  wire::Sha256Digest sha256{};
};

/// Whose tokens the management API takes. Thread-safe.
class Tokens {
 public:
  struct Principal {
    std::string name;
    Role role = Role::none;
  };

  /// From now on these and no others.
  void replace(std::vector<Token> tokens);

  /// Whose token this is. Takes the same time whether it is one of many or none: digests are compared, all of them, whole.
  [[nodiscard]] std::optional<Principal> find(std::string_view token) const;

 private:
  mutable std::mutex mutex_;
  std::shared_ptr<const std::vector<Token>> tokens_ = std::make_shared<const std::vector<Token>>();
};

}  // namespace signet::control
