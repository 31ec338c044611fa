// SPDX-License-Identifier: GPL-3.0-or-later
#include "referrers.h"

#include <fmt/core.h>

#include <cstddef>

#include "signet/control/reconciler.h"

namespace signet::control {

const Referrers& View::referrers() const {
  std::call_once(referrers_made_, [this] { referrers_ = std::make_shared<const Referrers>(snapshot->config()); });
  return *referrers_;
}

Referrers::Referrers(const config::Config& config) {
  for (const config::Backend& backend : config.backends) {
    add_backend(backend);
  }
  for (const config::Api& api : config.apis) {
    add_api(api);
  }
  if (config.policy) {
    add_policy(*config.policy, {.parts = {"policies", "policy"}, .place = {}, .message = "The global policy uses it"});
  }
  add_listeners(config);
}

const std::vector<Referrer>& Referrers::at(const Names& names, std::string_view name) {
  static const std::vector<Referrer> none;
  const auto known = names.find(name);
  return known == names.end() ? none : known->second;
}

std::vector<Referrer> Referrers::of_certificate(std::string_view id, const wire::Certificate& certificate) const {
  std::vector<Referrer> all = of_certificate_id(id);
  for (const std::string& thumbprint : {certificate.thumbprint_sha1(), certificate.thumbprint_sha256()}) {
    const std::vector<Referrer>& more = of_thumbprint(thumbprint);
    all.insert(all.end(), more.begin(), more.end());
  }
  return all;
}

void Referrers::add_backend(const config::Backend& backend) {
  const Referrer credentials{
      .parts = {"backends", backend.id}, .place = {}, .message = fmt::format("Backend '{}' uses it in its credentials", backend.id)};
  for (const config::Reference& id : backend.credentials.certificate_ids) {
    certificate_ids_[id.value].push_back(credentials);
  }
  if (backend.credentials.certificate_ids.empty()) {
    for (const config::Reference& thumbprint : backend.credentials.certificate) {
      thumbprints_[thumbprint.value].push_back(credentials);
    }
  }
  for (const config::PoolMember& member : backend.pool) {
    backends_[member.backend_id.value].push_back(
        {.parts = {"backends", backend.id}, .place = {}, .message = fmt::format("Backend '{}' has it in its pool", backend.id)});
  }
}

void Referrers::add_api(const config::Api& api) {
  const Referrer referrer{.parts = {"apis", api.id}, .place = {}, .message = fmt::format("API '{}' uses it", api.id)};
  if (!api.backend_id.value.empty()) {
    backends_[api.backend_id.value].push_back(referrer);
  }
  if (!api.certificate_id.value.empty()) {
    certificate_ids_[api.certificate_id.value].push_back(referrer);
  }
  if (api.policy) {
    add_policy(
        *api.policy,
        {.parts = {"apis", api.id, "policies", "policy"}, .place = {}, .message = fmt::format("API '{}' uses it in its policy", api.id)});
  }
  for (const config::Operation& operation : api.operations) {
    if (operation.policy) {
      add_policy(*operation.policy, {.parts = {"apis", api.id, "operations", operation.id, "policies", "policy"},
                                     .place = {},
                                     .message = fmt::format("Operation '{}' of API '{}' uses it in its policy", operation.id, api.id)});
    }
  }
}

void Referrers::add_policy(const config::PolicyDocument& policy, const Referrer& referrer) {
  if (!policy.references) {
    return;
  }
  const config::PolicyReferences& named = *policy.references;
  for (const std::string& id : named.certificate_ids) {
    certificate_ids_[id].push_back(referrer);
  }
  for (const std::string& thumbprint : named.thumbprints) {
    thumbprints_[thumbprint].push_back(referrer);
  }
  for (const std::string& id : named.backend_ids) {
    backends_[id].push_back(referrer);
  }
}

void Referrers::add_listeners(const config::Config& config) {
  for (std::size_t at = 0; at < config.listeners.size(); ++at) {
    const config::Listener& listener = config.listeners[at];
    if (!listener.tls) {
      continue;
    }
    for (const config::Reference& id : listener.tls->certificate_ids) {
      certificate_ids_[id.value].push_back({.parts = {},
                                            .place = fmt::format("listeners/{}", at),
                                            .message = fmt::format("The listener on {} uses it", listener.address.text())});
    }
  }
  if (config.admin && !config.admin->certificate_id.value.empty()) {
    certificate_ids_[config.admin->certificate_id.value].push_back(
        {.parts = {}, .place = "admin", .message = "The management listener uses it"});
  }
}

std::unexpected<ApiError> in_use(const Target& target, std::string_view kind, std::string_view id, const std::vector<Referrer>& referrers) {
  std::vector<ApiError::Detail> details;
  for (const Referrer& referrer : referrers) {
    details.push_back(
        {.target = referrer.parts.empty() ? referrer.place : resource_id(target, referrer.parts), .message = referrer.message});
  }
  return conflict(fmt::format("{} '{}' is in use.", kind, id), std::move(details));
}

}  // namespace signet::control
