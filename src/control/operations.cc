// SPDX-License-Identifier: GPL-3.0-or-later
// apis/{id}/operations/{id}. Stored value: the properties as they were sent.
#include <array>

#include "api_list.h"
#include "api_object.h"
#include "apis.h"
#include "compose.h"
#include "file_view.h"
#include "handlers.h"

namespace signet::control {

namespace {

const config::Operation* in_file(const View& view, const std::string& api_id, const std::string& id) {
  const config::Api* const api = find_api(*view.file, api_id);
  return api == nullptr ? nullptr : find_operation(*api, id);
}

Resource shown(const View& view, const std::string& api_id, const std::string& id) {
  Resource resource{.parts = {"apis", api_id, "operations", id}, .properties = {}, .etag = {}};
  if (const std::shared_ptr<const Object> object = stored(view, make_key(resource.parts))) {
    resource.properties = json::parse(object->value, nullptr, false);
    resource.etag = etag_of(*object);
  } else if (const config::Operation* const operation = in_file(view, api_id, id)) {
    resource.properties = operation_properties(*operation);
    resource.etag = etag_of(resource.properties);
  }
  return resource;
}

constexpr Kind operation_kind{
    .name = "Operation",
    .in_file = [](const Call& call, const View& view) { return in_file(view, call.id(), call.id(3)) != nullptr; },
    .shown = [](const Call& call, const View& view) { return shown(view, call.id(), call.id(3)); },
    .parent = require_api,
};

Change::Put put_of(const json& properties) {
  return Change::Put{.key = {}, .value = dump(properties), .secret = {}, .certificate = {}};
}

}  // namespace

Answer list_operations(const Call& call) {
  static constexpr std::array fields{std::string_view("name"), std::string_view("displayName"), std::string_view("method"),
                                     std::string_view("urlTemplate")};
  const std::shared_ptr<const View> view = call.reconciler.view();
  const config::Api* const api = find_api(view->snapshot->config(), call.id());
  if (api == nullptr) {
    return not_found("API not found.");
  }
  std::vector<std::string> ids;
  for (const config::Operation& operation : api->operations) {
    ids.push_back(operation.id);
  }
  return list_answer(call, std::move(ids), [&](const std::string& id) { return shown(*view, call.id(), id); }, fields);
}

Answer get_operation(const Call& call) {
  return get_object(operation_kind, call);
}

Answer put_operation(const Call& call) {
  const ApiResult<json> properties = read_properties(call);
  if (!properties) {
    return std::unexpected(properties.error());
  }
  return put_object(operation_kind, call, [&](const View& view, const Object* /*before*/) -> ApiResult<Change::Put> {
    if (ApiResult<void> own = require_own_api(call, view); !own) {
      return std::unexpected(std::move(own.error()));
    }
    return put_of(*properties);
  });
}

Answer patch_operation(const Call& call) {
  const ApiResult<json> patch = read_properties(call, Nulls::kept);
  if (!patch) {
    return std::unexpected(patch.error());
  }
  return patch_object(operation_kind, call, [&](const View& /*view*/, const Object* before) -> ApiResult<Change::Put> {
    return put_of(patched(*before, *patch));
  });
}

/// With its policy.
Answer delete_operation(const Call& call) {
  return delete_object(operation_kind, call, [&](const View& view, const Object& /*before*/) -> ApiResult<std::vector<std::string>> {
    std::vector<std::string> keys = keys_below(view, make_key(call.parts));
    keys.push_back(make_key(call.parts));
    return keys;
  });
}

}  // namespace signet::control
