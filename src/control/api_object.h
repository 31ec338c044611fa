// SPDX-License-Identifier: GPL-3.0-or-later
// The five methods as every kind of resource has them.
#pragma once

#include <functional>
#include <memory>
#include <string_view>

#include "api_resource.h"

namespace signet::control {

/// What one kind of resource has of its own. `Call::parts` says which resource.
struct Kind {
  std::string_view name;  ///< "Backend"
  bool (*in_file)(const Call& call, const View& view) = nullptr;
  /// REQUIRES: it is in the file or in the store.
  Resource (*shown)(const Call& call, const View& view) = nullptr;
  /// The object that it belongs to: 404 if there is none. Null: it belongs to none.
  ApiResult<void> (*parent)(const Call& call, const View& view) = nullptr;
};

/// What is to be written in place of `before` (null: there is nothing).
using Make = std::function<ApiResult<Change::Put>(const View& view, const Object* before)>;
/// All keys that go; an error keeps everything.
using Erase = std::function<ApiResult<std::vector<std::string>>(const View& view, const Object& before)>;
/// See write and write_referred.
enum class Faults : std::uint8_t { invalid, conflict };

/// Its ETag; nothing if it is not there.
[[nodiscard]] std::optional<std::string> current_etag(const Kind& kind, const Call& call, const View& view);

[[nodiscard]] Answer get_object(const Kind& kind, const Call& call);
[[nodiscard]] Answer put_object(const Kind& kind, const Call& call, const Make& make, Faults faults = Faults::invalid);
[[nodiscard]] Answer patch_object(const Kind& kind, const Call& call, const Make& make);
[[nodiscard]] Answer delete_object(const Kind& kind, const Call& call, const Erase& erase);

/// The stored properties, what is secret in them included, with a patch merged in (RFC 7396).
[[nodiscard]] json patched(const Object& before, const json& patch);

}  // namespace signet::control
