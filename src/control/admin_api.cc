// SPDX-License-Identifier: GPL-3.0-or-later
#include "signet/control/admin_api.h"

#include <fmt/core.h>

#include <algorithm>
#include <array>
#include <cstddef>
#include <exception>
#include <span>

#include "signet/base/check.h"
#include "signet/base/log.h"
#include "signet/wire/http_head.h"
#include "api_error.h"
#include "api_request.h"
#include "api_resource.h"
#include "handlers.h"

namespace signet::control {

namespace {

using Handler = Answer (*)(const Call&);

/// A path and what may be done there; null: nothing. `{}` stands for an id.
struct Route {
  std::array<std::string_view, 7> parts;
  Handler get = nullptr;
  Handler put = nullptr;
  Handler patch = nullptr;
  Handler remove = nullptr;
  Handler post = nullptr;
  bool head = false;  ///< answered as GET is

  [[nodiscard]] std::size_t size() const { return static_cast<std::size_t>(std::ranges::find(parts, std::string_view()) - parts.begin()); }
};

constexpr std::string_view an_id = "{}";

constexpr std::array routes{
    Route{.parts = {"certificates"}, .get = list_certificates},
    Route{.parts = {"certificates", an_id}, .get = get_certificate, .put = put_certificate, .remove = delete_certificate, .head = true},
    Route{.parts = {"certificates", an_id, "refreshSecret"}, .post = refresh_certificate},
    Route{.parts = {"backends"}, .get = list_backends},
    Route{.parts = {"backends", an_id},
          .get = get_backend,
          .put = put_backend,
          .patch = patch_backend,
          .remove = delete_backend,
          .head = true},
    Route{.parts = {"backends", an_id, "reconnect"}, .post = reconnect_backend},
    Route{.parts = {"apis"}, .get = list_apis},
    Route{.parts = {"apis", an_id}, .get = get_api, .put = put_api, .patch = patch_api, .remove = delete_api, .head = true},
    Route{.parts = {"apis", an_id, "effectivePolicy"}, .get = get_effective_policy},
    Route{.parts = {"apis", an_id, "operations"}, .get = list_operations},
    Route{.parts = {"apis", an_id, "operations", an_id},
          .get = get_operation,
          .put = put_operation,
          .patch = patch_operation,
          .remove = delete_operation,
          .head = true},
    Route{.parts = {"policies"}, .get = list_policies},
    Route{.parts = {"policies", "policy"}, .get = get_policy, .put = put_policy, .remove = delete_policy, .head = true},
    Route{.parts = {"apis", an_id, "policies"}, .get = list_policies},
    Route{.parts = {"apis", an_id, "policies", "policy"}, .get = get_policy, .put = put_policy, .remove = delete_policy, .head = true},
    Route{.parts = {"apis", an_id, "operations", an_id, "policies"}, .get = list_policies},
    Route{.parts = {"apis", an_id, "operations", an_id, "policies", "policy"},
          .get = get_policy,
          .put = put_policy,
          .remove = delete_policy,
          .head = true},
    Route{.parts = {"status"}, .get = get_status},
    Route{.parts = {"refusals"}, .get = get_refusals},
};

const Route* find_route(const std::vector<std::string>& parts) {
  const auto fits = [&](const Route& route) {
    if (route.size() != parts.size()) {
      return false;
    }
    for (std::size_t at = 0; at < parts.size(); ++at) {
      if (route.parts[at] != an_id && !wire::equals_ignoring_case(route.parts[at], parts[at])) {
        return false;
      }
    }
    return true;
  };
  const auto* const found = std::ranges::find_if(routes, fits);
  return found == routes.end() ? nullptr : found;
}

struct Method {
  std::string_view name;
  Handler handler;
};

std::array<Method, 6> methods_of(const Route& route) {
  return {Method{"GET", route.get},       Method{"HEAD", route.head ? route.get : nullptr},
          Method{"PUT", route.put},       Method{"PATCH", route.patch},
          Method{"DELETE", route.remove}, Method{"POST", route.post}};
}

std::string allowed(const Route& route) {
  std::string names;
  for (const Method& method : methods_of(route)) {
    if (method.handler != nullptr) {
      names += fmt::format("{}{}", names.empty() ? "" : ", ", method.name);
    }
  }
  return names;
}

/// Empty for a good id.
std::string id_fault(std::string_view kind, std::string_view id) {
  const std::size_t size_max = kind == "apis" ? 256 : 80;
  std::size_t characters = 0;
  for (const char c : id) {
    characters += (static_cast<unsigned char>(c) & 0xc0) != 0x80 ? 1 : 0;
  }
  if (characters > size_max || id.find_first_of("*#&+:<>?") != std::string_view::npos || id == "." || id == "..") {
    return fmt::format("expected an id of 1 to {} characters and none of * # & + : < > ?", size_max);
  }
  return {};
}

/// The resource's own name of an id: "certificateId".
std::string id_name(std::string_view kind) {
  return fmt::format("{}Id", kind.substr(0, kind.size() - 1));
}

/// Ids as they are meant, fixed words as we spell them.
ApiResult<std::vector<std::string>> resource_parts(const Route& route, const Target& target) {
  std::vector<std::string> parts = target.parts;
  for (std::size_t at = 0; at < parts.size(); ++at) {
    if (route.parts[at] != an_id) {
      parts[at] = route.parts[at];
      continue;
    }
    constexpr std::string_view only_revision = ";rev=1";
    if (parts[at - 1] == "apis" && parts[at].ends_with(only_revision) && parts[at].size() > only_revision.size()) {
      parts[at].resize(parts[at].size() - only_revision.size());
    }
    if (std::string fault = id_fault(parts[at - 1], parts[at]); !fault.empty()) {
      return invalid(id_name(parts[at - 1]), std::move(fault));
    }
  }
  return parts;
}

std::unexpected<ApiError> no_such_path() {
  return not_found("No such resource.");
}

Answer answer(Reconciler& reconciler, const AdminApi::Options& options, const AdminRequest& request) {
  const ApiResult<Target> target = parse_target(request.target, options.resource_prefix);
  if (!target) {
    return std::unexpected(target.error());
  }
  const Route* const route = find_route(target->parts);
  if (route == nullptr) {
    return no_such_path();
  }
  const std::array<Method, 6> methods = methods_of(*route);
  const auto* const method =
      std::ranges::find_if(methods, [&](const Method& known) { return known.handler != nullptr && known.name == request.method; });
  if (method == methods.end()) {
    return std::unexpected(ApiError{.status = 405,
                                    .code = "MethodNotAllowed",
                                    .message = "This resource does not have this method.",
                                    .target = {},
                                    .details = {},
                                    .allow = allowed(*route)});
  }
  if (request.role != Role::write && method->handler != route->get) {
    return std::unexpected(ApiError{.status = 403,
                                    .code = "AuthorizationFailed",
                                    .message = "The token may read, but not change anything.",
                                    .target = {},
                                    .details = {},
                                    .allow = {}});
  }
  ApiResult<std::vector<std::string>> parts = resource_parts(*route, *target);
  if (!parts) {
    return std::unexpected(std::move(parts.error()));
  }
  return method->handler(
      Call{.request = request, .target = *target, .reconciler = reconciler, .options = options, .parts = std::move(*parts)});
}

}  // namespace

AdminResponse AdminApi::handle(const AdminRequest& request) {
  SIGNET_CHECK(request.role != Role::none);
  try {
    Answer made = answer(reconciler_, options_, request);
    return made ? std::move(*made) : error_answer(made.error());
  } catch (const std::exception& failure) {
    log::error(fmt::format("management API: {} {}: {}", log::printable(request.method, 16), log::printable(request.target, 512),
                           log::printable(failure.what(), 512)));
    return error_answer(ApiError{.status = 500,
                                 .code = "InternalServerError",
                                 .message = "Something went wrong in the gateway; its log says what.",
                                 .target = {},
                                 .details = {},
                                 .allow = {}});
  }
}

}  // namespace signet::control
