// SPDX-License-Identifier: GPL-3.0-or-later
#include "api_object.h"

#include <fmt/core.h>

#include "compose.h"

namespace signet::control {

namespace {

/// May this resource be written, as far as the file and its parent are concerned?
ApiResult<void> check_writable(const Kind& kind, const Call& call, const View& view, const Object* before) {
  if (kind.parent != nullptr) {
    if (ApiResult<void> there = kind.parent(call, view); !there) {
      return there;
    }
  }
  if (before == nullptr && kind.in_file(call, view)) {
    return read_only(kind.name, call.parts.back());
  }
  return {};
}

ApiResult<Change> put_under(const std::string& key, ApiResult<Change::Put> put) {
  if (!put) {
    return std::unexpected(std::move(put.error()));
  }
  put->key = key;
  return Change{.puts = {std::move(*put)}, .erased = {}};
}

std::unexpected<ApiError> missing(const Kind& kind) {
  return not_found(fmt::format("{} not found.", kind.name));
}

}  // namespace

std::optional<std::string> current_etag(const Kind& kind, const Call& call, const View& view) {
  if (const std::shared_ptr<const Object> object = stored(view, make_key(call.parts))) {
    return etag_of(*object);
  }
  return kind.in_file(call, view) ? std::optional(kind.shown(call, view).etag) : std::nullopt;
}

Answer get_object(const Kind& kind, const Call& call) {
  const std::shared_ptr<const View> view = call.reconciler.view();
  if (kind.parent != nullptr) {
    if (ApiResult<void> there = kind.parent(call, *view); !there) {
      return std::unexpected(std::move(there.error()));
    }
  }
  if (!stored(*view, make_key(call.parts)) && !kind.in_file(call, *view)) {
    return missing(kind);
  }
  return resource_answer(call, kind.shown(call, *view));
}

Answer put_object(const Kind& kind, const Call& call, const Make& make, Faults faults) {
  const std::string key = make_key(call.parts);
  bool created = false;
  const Prepare prepare = [&](const View& view) -> ApiResult<Change> {
    const std::shared_ptr<const Object> before = stored(view, key);
    created = !before;
    if (ApiResult<void> good = check_writable(kind, call, view, before.get()); !good) {
      return std::unexpected(std::move(good.error()));
    }
    if (ApiResult<void> good = check_if_match(call, IfMatch::optional, before ? std::optional(etag_of(*before)) : std::nullopt); !good) {
      return std::unexpected(std::move(good.error()));
    }
    return put_under(key, make(view, before.get()));
  };
  const auto written = faults == Faults::invalid ? write(call, call.parts, prepare) : write_referred(call, call.parts, prepare);
  if (!written) {
    return std::unexpected(written.error());
  }
  return resource_answer(call, kind.shown(call, **written), created ? 201 : 200);
}

Answer patch_object(const Kind& kind, const Call& call, const Make& make) {
  if (ApiResult<void> given = require_if_match(call); !given) {
    return std::unexpected(std::move(given.error()));
  }
  const std::string key = make_key(call.parts);
  const auto written = write(call, call.parts, [&](const View& view) -> ApiResult<Change> {
    const std::shared_ptr<const Object> before = stored(view, key);
    if (ApiResult<void> good = check_writable(kind, call, view, before.get()); !good) {
      return std::unexpected(std::move(good.error()));
    }
    if (!before) {
      return missing(kind);
    }
    if (ApiResult<void> good = check_if_match(call, IfMatch::required, etag_of(*before)); !good) {
      return std::unexpected(std::move(good.error()));
    }
    return put_under(key, make(view, before.get()));
  });
  if (!written) {
    return std::unexpected(written.error());
  }
  return resource_answer(call, kind.shown(call, **written));
}

Answer delete_object(const Kind& kind, const Call& call, const Erase& erase) {
  if (ApiResult<void> given = require_if_match(call); !given) {
    return std::unexpected(std::move(given.error()));
  }
  const std::string key = make_key(call.parts);
  bool deleted = false;
  const auto written = write_referred(call, call.parts, [&](const View& view) -> ApiResult<Change> {
    const std::shared_ptr<const Object> before = stored(view, key);
    if (!before) {
      if (kind.in_file(call, view)) {
        return read_only(kind.name, call.parts.back());
      }
      return Change{};
    }
    if (ApiResult<void> good = check_if_match(call, IfMatch::required, etag_of(*before)); !good) {
      return std::unexpected(std::move(good.error()));
    }
    ApiResult<std::vector<std::string>> keys = erase(view, *before);
    if (!keys) {
      return std::unexpected(std::move(keys.error()));
    }
    deleted = true;
    return Change{.puts = {}, .erased = std::move(*keys)};
  });
  if (!written) {
    return std::unexpected(written.error());
  }
  return AdminResponse{.status = static_cast<std::uint16_t>(deleted ? 200 : 204), .content_type = {}, .fields = {}, .body = {}};
}

json patched(const Object& before, const json& patch) {
  json properties = json::parse(before.value, nullptr, false);
  if (!properties.is_object()) {
    properties = json::object();
  }
  if (const json secret = json::parse(before.secret, nullptr, false); secret.is_object()) {
    properties.merge_patch(secret);
  }
  properties.merge_patch(patch);
  return properties;
}

}  // namespace signet::control
