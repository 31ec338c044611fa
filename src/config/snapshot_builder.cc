// SPDX-License-Identifier: GPL-3.0-or-later
#include <fmt/core.h>

#include <algorithm>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "signet/config/snapshot.h"
#include "listener_certificates.h"
#include "material.h"
#include "policy_compiler.h"
#include "policy_scopes.h"
#include "upstreams.h"

namespace signet::config {

namespace {

/// The template with nothing as the name of each parameter: equal for operations that take the same calls.
std::string shape_of(std::string_view url_template) {
  std::string shape;
  while (!url_template.empty()) {
    const std::size_t open = std::min(url_template.find('{'), url_template.size());
    shape += url_template.substr(0, open);
    url_template.remove_prefix(open);
    if (!url_template.empty()) {
      shape += url_template.starts_with("{*") ? "*" : "{}";
      url_template.remove_prefix(std::min(url_template.find('}'), url_template.size() - 1) + 1);
    }
  }
  return shape;
}

class Builder {
 public:
  Builder(Config config, Files& files, const BuildOptions& options)
      : config_(std::move(config)),
        options_(options),
        material_(files, options.material, options.now, built_.report),
        upstreams_(config_, material_, built_.report),
        compiler_(upstreams_, material_, built_.report) {}

  Built run();

 private:
  std::shared_ptr<const ScopeDocument> document(std::optional<PolicyDocument>& policy, PolicyScope scope, const std::string& key);
  void add_api(Api& api);
  const OperationTable* add_operations(Api& api, const EffectiveSteps& steps, const Plan* plan);
  bool check_operation(const Api& api, const Operation& operation, std::map<std::string, const Operation*>& shapes);
  const Plan* add_api_plan(const EffectiveSteps& steps, const Api& api);
  const Plan* add_plan(const EffectiveSteps& steps, const Api& api, const std::string* url_template);
  void check_listeners();

  Config config_;  ///< what policies say is filled in
  const BuildOptions& options_;
  Built built_;
  MaterialReader material_;
  Upstreams upstreams_;
  PolicyCompiler compiler_;
  EffectiveSteps global_;
  std::vector<std::unique_ptr<const Plan>> plans_;
  std::map<std::pair<std::string, std::string>, const Plan*> shared_plans_;  ///< (id of a backend, id of a certificate)
  std::vector<std::unique_ptr<const OperationTable>> operations_;
  std::vector<Router::Entry> routes_;
  std::map<std::pair<std::string, std::string>, const Api*> taken_;  ///< (host, path)
};

Built Builder::run() {
  upstreams_.read();
  global_ = global_steps(document(config_.policy, PolicyScope::global, "policies"));
  for (Api& api : config_.apis) {
    add_api(api);
  }
  std::shared_ptr<const wire::Certificate> for_admin = admin_certificate(config_, upstreams_, built_.report);
  std::vector<std::vector<std::shared_ptr<const wire::Certificate>>> for_listeners =
      listener_certificates(config_, upstreams_, built_.report);
  check_listeners();
  if (built_.report.ok()) {
    built_.certificates_changed = material_.remember();
    built_.snapshot = std::make_shared<const Snapshot>(Snapshot::Parts{
        .config = std::move(config_),
        .generation = options_.generation,
        .upstreams = upstreams_.take(),
        .plans = std::move(plans_),
        .operations = std::move(operations_),
        .router = Router(std::move(routes_)),
        .certificates = upstreams_.take_certificates(),
        .admin_certificate = std::move(for_admin),
        .listener_certificates = std::move(for_listeners),
    });
  }
  return std::move(built_);
}

/// Null for none, and after an error.
std::shared_ptr<const ScopeDocument> Builder::document(std::optional<PolicyDocument>& policy, PolicyScope scope, const std::string& key) {
  if (!policy) {
    return nullptr;
  }
  std::shared_ptr<const ScopeDocument> document = material_.document(*policy, scope, key);
  if (document) {
    compiler_.check_references(*document);
  }
  return document;
}

void Builder::add_api(Api& api) {
  const std::string path = api.path.empty() ? std::string() : "/" + api.path;
  std::vector<std::string> hosts = api.hosts;
  std::ranges::sort(hosts);
  const auto repeated = std::ranges::unique(hosts);
  hosts.erase(repeated.begin(), repeated.end());
  for (const std::string& host : hosts.empty() ? std::vector<std::string>{""} : hosts) {
    const auto [other, free] = taken_.try_emplace({host, path}, &api);
    if (!free) {
      built_.report.error(api.source, fmt::format("API \"{}\" has the same path \"{}\"{} as API \"{}\"", api.id, api.path,
                                                  host.empty() ? "" : fmt::format(" on host {}", host), other->second->id));
    }
  }
  compiler_.check_references(api);
  const EffectiveSteps steps = api_steps(global_, api, document(api.policy, PolicyScope::api, "apis/" + api.id));
  const Plan* const plan = add_api_plan(steps, api);
  const OperationTable* const operations = api.operations.empty() ? nullptr : add_operations(api, steps, plan);
  routes_.push_back(Router::Entry{.hosts = std::move(hosts),
                                  .route = Route{.api_id = api.id,
                                                 .path = path,
                                                 .plan = plan,
                                                 .operations = operations,
                                                 .takes_http = api.takes_http,
                                                 .takes_https = api.takes_https}});
}

/// APIs that have nothing of their own share the plan of the first that names the same objects: what a thousand APIs have in common stays
/// in the processor's cache. Not that of a pool, whose turns are each API's own.
const Plan* Builder::add_api_plan(const EffectiveSteps& steps, const Api& api) {
  if (api.policy || !api.operations.empty() || !api.service_url.value.empty()) {
    return add_plan(steps, api, nullptr);
  }
  const std::pair key(api.backend_id.value, api.certificate_id.value);
  if (const auto same = shared_plans_.find(key); same != shared_plans_.end()) {
    return same->second;
  }
  const std::size_t errors = built_.report.errors.size();
  const Plan* const plan = add_plan(steps, api, nullptr);
  if (plan->pool_id.empty() && built_.report.errors.size() == errors) {
    shared_plans_.emplace(key, plan);
  }
  return plan;
}

const Plan* Builder::add_plan(const EffectiveSteps& steps, const Api& api, const std::string* url_template) {
  plans_.push_back(compiler_.compile(steps, api, url_template));
  return plans_.back().get();
}

/// `plan`: of the API, which operations share that have nothing of their own.
const OperationTable* Builder::add_operations(Api& api, const EffectiveSteps& steps, const Plan* plan) {
  const bool rewrites =
      std::ranges::any_of(section_of(steps, Section::inbound), [](const PlacedStep& step) { return step.as<RewriteStep>() != nullptr; });
  std::vector<OperationTable::Entry> entries;
  std::map<std::string, const Operation*> shapes;
  for (Operation& operation : api.operations) {
    if (!check_operation(api, operation, shapes)) {
      continue;
    }
    const std::string key = fmt::format("apis/{}/operations/{}", api.id, operation.id);
    const std::shared_ptr<const ScopeDocument> own = document(operation.policy, PolicyScope::operation, key);
    const bool shared = !own && !rewrites;
    entries.push_back(OperationTable::Entry{
        .id = operation.id,
        .method = operation.method,
        .url_template = operation.url_template,
        .plan = shared ? plan : add_plan(operation_steps(steps, own), api, &operation.url_template),
    });
  }
  operations_.push_back(std::make_unique<const OperationTable>(std::move(entries)));
  return operations_.back().get();
}

/// False after an error.
bool Builder::check_operation(const Api& api, const Operation& operation, std::map<std::string, const Operation*>& shapes) {
  if (const std::string fault = check_url_template(operation.url_template); !fault.empty()) {
    built_.report.error(operation.source, fmt::format("operation \"{}\": urlTemplate: {}", operation.id, fault));
    return false;
  }
  const auto [other, free] = shapes.try_emplace(operation.method + " " + shape_of(operation.url_template), &operation);
  if (!free) {
    built_.report.error(operation.source, fmt::format("operation \"{}\" of API \"{}\" takes the same calls as operation \"{}\": {} {}",
                                                      operation.id, api.id, other->second->id, operation.method, operation.url_template));
  }
  return free;
}

void Builder::check_listeners() {
  const bool lends_identity = std::ranges::any_of(upstreams_.all(), [](const auto& upstream) { return upstream->certificate != nullptr; });
  for (const Listener& listener : config_.listeners) {
    if (lends_identity && !listener.address.is_loopback()) {
      built_.report.warning(listener.source, fmt::format("{} is not loopback: whoever reaches it calls back ends under the certificates of "
                                                         "the APIs, because callers are not authenticated",
                                                         listener.address.text()));
    }
  }
}

}  // namespace

Built build_snapshot(Config config, Files& files, const BuildOptions& options) {
  return Builder(std::move(config), files, options).run();
}

}  // namespace signet::config
