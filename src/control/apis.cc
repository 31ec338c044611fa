// SPDX-License-Identifier: GPL-3.0-or-later
// apis/{id}. Stored value: the properties as they were sent.
#include "apis.h"

#include <algorithm>
#include <array>

#include "api_list.h"
#include "api_object.h"
#include "compose.h"
#include "file_view.h"
#include "handlers.h"
#include "internal_address.h"

namespace signet::control {

namespace {

/// What the service says of every API.
void add_answers(json& properties) {
  properties["apiRevision"] = "1";
  properties["isCurrent"] = true;
  properties.emplace("protocols", json::array({"http", "https"}));
  properties.emplace("subscriptionRequired", false);
}

Resource shown(const View& view, const std::string& id) {
  Resource resource{.parts = {"apis", id}, .properties = {}, .etag = {}};
  if (const std::shared_ptr<const Object> object = stored(view, make_key(resource.parts))) {
    resource.properties = json::parse(object->value, nullptr, false);
    resource.etag = etag_of(*object);
  } else if (const config::Api* const api = find_api(*view.file, id)) {
    resource.properties = api_properties(*api);
    resource.etag = etag_of(resource.properties);
  }
  add_answers(resource.properties);
  return resource;
}

constexpr Kind api_kind{
    .name = "API",
    .in_file = [](const Call& call, const View& view) { return api_in_file(view, call.id()); },
    .shown = [](const Call& call, const View& view) { return shown(view, call.id()); },
};

ApiResult<Change::Put> put_of(const Call& call, const View& view, const json& properties) {
  if (const auto url = properties.find("serviceUrl"); url != properties.end() && url->is_string()) {
    std::string fault = internal_address_fault(url->get_ref<const std::string&>(), *view.file, call.options.own_addresses);
    if (!fault.empty()) {
      return invalid("serviceUrl", std::move(fault));
    }
  }
  return Change::Put{.key = {}, .value = dump(properties), .secret = {}, .certificate = {}};
}

}  // namespace

const config::Api* find_api(const config::Config& config, const std::string& id) {
  const auto found = std::ranges::find(config.apis, id, &config::Api::id);
  return found == config.apis.end() ? nullptr : &*found;
}

const config::Operation* find_operation(const config::Api& api, const std::string& id) {
  const auto found = std::ranges::find(api.operations, id, &config::Operation::id);
  return found == api.operations.end() ? nullptr : &*found;
}

bool api_in_file(const View& view, const std::string& id) {
  return find_api(*view.file, id) != nullptr;
}

ApiResult<void> require_api(const Call& call, const View& view) {
  if (find_api(view.snapshot->config(), call.id()) == nullptr) {
    return not_found("API not found.");
  }
  return {};
}

ApiResult<void> require_own_api(const Call& call, const View& view) {
  if (api_in_file(view, call.id())) {
    return read_only("API", call.id());
  }
  return {};
}

std::vector<std::string> keys_below(const View& view, const std::string& key) {
  const std::string prefix = key + "/";
  std::vector<std::string> keys;
  for (auto at = view.objects->lower_bound(prefix); at != view.objects->end() && at->first.starts_with(prefix); ++at) {
    keys.push_back(at->first);
  }
  return keys;
}

Answer list_apis(const Call& call) {
  static constexpr std::array fields{std::string_view("name"), std::string_view("displayName"), std::string_view("path"),
                                     std::string_view("serviceUrl")};
  const std::shared_ptr<const View> view = call.reconciler.view();
  std::vector<std::string> ids;
  for (const config::Api& api : view->snapshot->config().apis) {
    ids.push_back(api.id);
  }
  return list_answer(call, std::move(ids), [&](const std::string& id) { return shown(*view, id); }, fields);
}

Answer get_api(const Call& call) {
  return get_object(api_kind, call);
}

Answer put_api(const Call& call) {
  const ApiResult<json> properties = read_properties(call);
  if (!properties) {
    return std::unexpected(properties.error());
  }
  return put_object(api_kind, call, [&](const View& view, const Object* /*before*/) { return put_of(call, view, *properties); });
}

Answer patch_api(const Call& call) {
  const ApiResult<json> patch = read_properties(call, Nulls::kept);
  if (!patch) {
    return std::unexpected(patch.error());
  }
  return patch_object(api_kind, call, [&](const View& view, const Object* before) { return put_of(call, view, patched(*before, *patch)); });
}

/// With all that belongs to it.
Answer delete_api(const Call& call) {
  return delete_object(api_kind, call, [&](const View& view, const Object& /*before*/) -> ApiResult<std::vector<std::string>> {
    std::vector<std::string> keys = keys_below(view, make_key(call.parts));
    keys.push_back(make_key(call.parts));
    return keys;
  });
}

}  // namespace signet::control
