// SPDX-License-Identifier: GPL-3.0-or-later
// backends/{id}. Stored value: the properties with masks where something is secret; the secret is what the masks stand for.
#include <fmt/core.h>

#include <algorithm>
#include <array>
#include <charconv>
#include <chrono>

#include "api_list.h"
#include "api_object.h"
#include "compose.h"
#include "file_view.h"
#include "handlers.h"
#include "internal_address.h"
#include "masks.h"
#include "referrers.h"

namespace signet::control {

namespace {

/// Longest time that a reconnect may wait.
constexpr std::chrono::seconds reconnect_after_max = std::chrono::hours(24);

const config::Backend* in_config(const config::Config& config, const std::string& id) {
  const auto found = std::ranges::find(config.backends, id, &config::Backend::id);
  return found == config.backends.end() ? nullptr : &*found;
}

Resource shown(const Call& call, const View& view, const std::string& id) {
  Resource resource{.parts = {"backends", id}, .properties = {}, .etag = {}};
  if (const std::shared_ptr<const Object> object = stored(view, make_key(resource.parts))) {
    resource.properties = json::parse(object->value, nullptr, false);
    resource.etag = etag_of(*object);
  } else if (const config::Backend* const backend = in_config(*view.file, id)) {
    resource.properties = backend_properties(call.target.prefix, *backend);
    resource.etag = etag_of(resource.properties);
  }
  return resource;
}

constexpr Kind backend_kind{
    .name = "Backend",
    .in_file = [](const Call& call, const View& view) { return in_config(*view.file, call.id()) != nullptr; },
    .shown = [](const Call& call, const View& view) { return shown(call, view, call.id()); },
};

/// An id, or a full resource id, of which the last part counts.
std::string last_part(const std::string& id) {
  const std::size_t slash = id.rfind('/');
  return slash == std::string::npos ? id : key_parts(id.substr(slash + 1)).front();
}

/// References that lead nowhere, in the words of the service.
std::vector<ApiError::Detail> missing_certificates(const View& view, const json& properties) {
  std::vector<ApiError::Detail> details;
  const json::json_pointer pointer("/credentials/certificateIds");
  if (!properties.contains(pointer) || !properties.at(pointer).is_array()) {
    return details;
  }
  for (const json& id : properties.at(pointer)) {
    if (id.is_string() && !view.snapshot->certificates().contains(last_part(id.get<std::string>()))) {
      details.push_back(
          {.target = "credentials", .message = fmt::format("Certificate with id '{}' not found.", last_part(id.get<std::string>()))});
    }
  }
  return details;
}

/// Checks that need more than the properties themselves; the rest is told when all is put together.
ApiResult<Change::Put> put_of(const Call& call, const View& view, json properties, const Object* before) {
  json secret = json::object();
  if (before != nullptr && !before->secret.empty()) {
    secret = json::parse(before->secret, nullptr, false);
  }
  if (ApiResult<void> filled = fill_masks(properties, secret); !filled) {
    return std::unexpected(std::move(filled.error()));
  }
  if (std::vector<ApiError::Detail> details = missing_certificates(view, properties); !details.empty()) {
    return invalid(std::move(details));
  }
  if (const auto url = properties.find("url"); url != properties.end() && url->is_string()) {
    std::string fault = internal_address_fault(url->get_ref<const std::string&>(), *view.file, call.options.own_addresses);
    if (!fault.empty()) {
      return invalid("url", std::move(fault));
    }
  }
  const MaskedProperties masked = mask_secrets(std::move(properties));
  return Change::Put{
      .key = {}, .value = dump(masked.value), .secret = masked.secret.empty() ? std::string() : dump(masked.secret), .certificate = {}};
}

/// ISO 8601 of days, hours, minutes and whole seconds: "PT2M", "P1DT12H". Nothing for anything else.
std::optional<std::chrono::seconds> iso_duration(std::string_view text) {
  if (!text.starts_with('P') || text.size() < 3) {
    return std::nullopt;
  }
  std::chrono::seconds total{};
  bool time = false;
  std::string_view units = "DTHMS";
  for (std::size_t at = 1; at < text.size();) {
    if (text[at] == 'T' && !time && at + 1 < text.size()) {
      time = true;
      units = "HMS";
      ++at;
      continue;
    }
    std::uint32_t value = 0;
    const auto [stop, error] = std::from_chars(text.data() + at, text.data() + text.size(), value);
    const std::size_t unit = error == std::errc{} && stop != text.data() + text.size() ? units.find(*stop) : std::string_view::npos;
    if (unit == std::string_view::npos || (!time && *stop != 'D')) {
      return std::nullopt;
    }
    constexpr std::string_view all = "DHMS";
    constexpr std::array<std::uint32_t, 4> seconds{86'400, 3'600, 60, 1};
    total += std::chrono::seconds(std::uint64_t{value} * seconds[all.find(*stop)]);
    units.remove_prefix(unit + 1);
    at = static_cast<std::size_t>(stop - text.data()) + 1;
  }
  return total;
}

ApiResult<std::chrono::seconds> reconnect_after(const Call& call) {
  const ApiResult<json> body = read_body(call);
  if (!body) {
    return std::unexpected(body.error());
  }
  const json::json_pointer pointer("/properties/after");
  if (!body->contains(pointer) || body->at(pointer).is_null()) {
    return std::chrono::seconds::zero();
  }
  const json& after = body->at(pointer);
  const std::optional<std::chrono::seconds> duration = after.is_string() ? iso_duration(after.get_ref<const std::string&>()) : std::nullopt;
  if (!duration || *duration > reconnect_after_max) {
    return invalid("after", "expected a duration of at most one day, such as \"PT2M\"");
  }
  return *duration;
}

}  // namespace

Answer list_backends(const Call& call) {
  static constexpr std::array fields{std::string_view("name"), std::string_view("title"), std::string_view("url")};
  const std::shared_ptr<const View> view = call.reconciler.view();
  std::vector<std::string> ids;
  for (const config::Backend& backend : view->snapshot->config().backends) {
    ids.push_back(backend.id);
  }
  return list_answer(call, std::move(ids), [&](const std::string& id) { return shown(call, *view, id); }, fields);
}

Answer get_backend(const Call& call) {
  return get_object(backend_kind, call);
}

Answer put_backend(const Call& call) {
  const ApiResult<json> properties = read_properties(call);
  if (!properties) {
    return std::unexpected(properties.error());
  }
  return put_object(backend_kind, call, [&](const View& view, const Object* before) { return put_of(call, view, *properties, before); });
}

Answer patch_backend(const Call& call) {
  const ApiResult<json> patch = read_properties(call, Nulls::kept);
  if (!patch) {
    return std::unexpected(patch.error());
  }
  return patch_object(backend_kind, call,
                      [&](const View& view, const Object* before) { return put_of(call, view, patched(*before, *patch), before); });
}

Answer delete_backend(const Call& call) {
  return delete_object(backend_kind, call, [&](const View& view, const Object& /*before*/) -> ApiResult<std::vector<std::string>> {
    if (const std::vector<Referrer>& users = view.referrers().of_backend(call.id()); !users.empty()) {
      return in_use(call.target, backend_kind.name, call.id(), users);
    }
    return std::vector{make_key(call.parts)};
  });
}

Answer reconnect_backend(const Call& call) {
  if (in_config(call.reconciler.view()->snapshot->config(), call.id()) == nullptr) {
    return not_found("Backend not found.");
  }
  const ApiResult<std::chrono::seconds> after = reconnect_after(call);
  if (!after) {
    return std::unexpected(after.error());
  }
  if (call.options.reconnect) {
    call.options.reconnect(call.id(), *after);
  }
  return AdminResponse{.status = 202, .content_type = {}, .fields = {}, .body = {}};
}

}  // namespace signet::control
