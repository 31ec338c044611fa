// SPDX-License-Identifier: GPL-3.0-or-later
// What all kinds of resources share: the call at hand, envelopes, ETags, reading a body, writing.
#pragma once

#include <cstddef>
#include <functional>
#include <memory>
#include <nlohmann/json.hpp>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "signet/control/admin_api.h"
#include "signet/control/reconciler.h"
#include "api_error.h"
#include "api_request.h"

namespace signet::control {

using nlohmann::json;

/// Largest body that is read: a certificate file in Base64, and room for the rest.
inline constexpr std::size_t api_body_bytes_max = std::size_t{6} * 1024 * 1024;
/// Deepest nesting of arrays and objects in it.
inline constexpr std::size_t api_body_depth_max = 32;

/// One request on its way through a handler. Lives as long as the request.
struct Call {
  const AdminRequest& request;
  const Target& target;
  Reconciler& reconciler;
  const AdminApi::Options& options;
  std::vector<std::string> parts;  ///< of the resource: fixed words in their own spelling, ids checked

  [[nodiscard]] const std::string& id(std::size_t part = 1) const { return parts[part]; }
};

/// A resource as an answer shows it.
struct Resource {
  std::vector<std::string> parts;  ///< {"apis", "orders", "operations", "get"}
  json properties;                 ///< nothing secret in it
  std::string etag;                ///< quoted
};

/// Full path.
[[nodiscard]] std::string resource_id(const Target& target, const std::vector<std::string>& parts);
/// {"id", "type", "name", "properties"}
[[nodiscard]] json envelope(const Target& target, const Resource& resource);

[[nodiscard]] AdminResponse json_answer(std::uint16_t status, const json& body, const std::string& etag = {});
/// Answer to GET, HEAD, PUT, PATCH.
[[nodiscard]] AdminResponse resource_answer(const Call& call, const Resource& resource, std::uint16_t status = 200);

/// Of an object of the store: grows with each write.
[[nodiscard]] std::string etag_of(const Object& object);
/// Of an object of the file: another one for other content.
[[nodiscard]] std::string etag_of(const json& properties);

/// Null for none. Keys as in store.h.
[[nodiscard]] std::shared_ptr<const Object> stored(const View& view, std::string_view key);

/// The object `properties` of the body, members that are null left out (`nulls_kept`: they stay, for a merge). 400 for anything else.
enum class Nulls : std::uint8_t { dropped, kept };
[[nodiscard]] ApiResult<json> read_properties(const Call& call, Nulls nulls = Nulls::dropped);
/// The body as a JSON object; an empty body is an empty one.
[[nodiscard]] ApiResult<json> read_body(const Call& call);

/// RFC 7396 with members that are null taken out.
[[nodiscard]] json without_nulls(const json& value);

/// May a request with this If-Match change what is there now? `current`: its ETag, nothing if it is not there.
enum class IfMatch : std::uint8_t { optional, required };
[[nodiscard]] ApiResult<void> check_if_match(const Call& call, IfMatch rule, const std::optional<std::string>& current);
/// 400 if there is none.
[[nodiscard]] ApiResult<void> require_if_match(const Call& call);

/// 409 for an object of the configuration file.
[[nodiscard]] std::unexpected<ApiError> read_only(std::string_view kind, std::string_view id);

using Prepare = std::function<ApiResult<Change>(const View&)>;
/// Through the reconciler; what it refuses becomes an error about the resource `parts`: 400 where its own properties are at fault.
[[nodiscard]] ApiResult<std::shared_ptr<const View>> write(const Call& call, const std::vector<std::string>& parts, const Prepare& prepare);
/// The same, but faults of other objects (a reference that would lead nowhere) are a 409 that names them.
[[nodiscard]] ApiResult<std::shared_ptr<const View>> write_referred(const Call& call, const std::vector<std::string>& parts,
                                                                    const Prepare& prepare);

/// JSON text of properties as they are stored. Never throws for text that is not UTF-8.
[[nodiscard]] std::string dump(const json& value);

}  // namespace signet::control
