// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include <memory>
#include <span>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

#include "signet/config/config.h"
#include "signet/config/report.h"
#include "signet/control/reconciler.h"

namespace signet::control {

/// What an object of the store says. Immutable: objects with the same text share it.
struct Reading {
  std::vector<std::string> parts;  ///< of its key
  /// A string is the XML of a policy; nothing where the properties were not even an object, and for a certificate.
  std::variant<std::monostate, config::Backend, config::Api, config::Operation, std::string> value;
  config::Report faults;
};

/// `secret` is merged into `value` (RFC 7396).
[[nodiscard]] std::shared_ptr<const Reading> read_object(const std::string& key, const std::string& value, const std::string& secret);

/// The file's configuration with the objects of the store in it. Errors: an object whose properties are not good, one whose id the file has
/// too, one without the API that it belongs to.
[[nodiscard]] config::Config compose(const config::Config& file, const Objects& objects, config::Report& report);

/// The parts of a key: "apis", "orders", "operations", "get". Ids in keys have "%" and "/" percent-encoded; here they are plain.
[[nodiscard]] std::vector<std::string> key_parts(std::string_view key);

/// The other way round.
[[nodiscard]] std::string make_key(std::span<const std::string> parts);

/// "%" and "/" percent-encoded: one part of a key.
[[nodiscard]] std::string key_part(std::string_view plain);

}  // namespace signet::control
