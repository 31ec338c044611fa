// SPDX-License-Identifier: GPL-3.0-or-later
// policies/policy at the three scopes. Stored value: {"format", "value"}, as it was sent.
#include <fmt/core.h>

#include <algorithm>
#include <array>

#include "signet/config/files.h"
#include "signet/config/policy.h"
#include "signet/wire/certificate.h"
#include "api_list.h"
#include "api_object.h"
#include "apis.h"
#include "compose.h"
#include "handlers.h"

namespace signet::control {

namespace {

using config::policy_bytes_max;

/// The object that has the policy: what stands in front of "policies". Empty: the gateway.
std::vector<std::string> scope_of(const Call& call) {
  const auto policies = std::ranges::find(call.parts, "policies");
  return {call.parts.begin(), policies};
}

/// Null for none.
const std::optional<config::PolicyDocument>* document(const config::Config& config, const std::vector<std::string>& scope) {
  if (scope.empty()) {
    return &config.policy;
  }
  const config::Api* const api = find_api(config, scope[1]);
  if (api == nullptr || scope.size() == 2) {
    return api == nullptr ? nullptr : &api->policy;
  }
  const config::Operation* const operation = find_operation(*api, scope[3]);
  return operation == nullptr ? nullptr : &operation->policy;
}

ApiResult<void> require_scope(const Call& call, const View& view) {
  const std::vector<std::string> scope = scope_of(call);
  if (scope.empty()) {
    return {};
  }
  if (ApiResult<void> api = require_api(call, view); !api) {
    return api;
  }
  if (document(view.snapshot->config(), scope) == nullptr) {
    return not_found("Operation not found.");
  }
  return {};
}

bool in_file(const Call& call, const View& view) {
  const std::optional<config::PolicyDocument>* const policy = document(*view.file, scope_of(call));
  return policy != nullptr && policy->has_value();
}

ApiResult<std::string> format_of(const Call& call) {
  const std::string format = call.target.parameter("format").value_or("xml");
  if (format != "xml" && format != "rawxml") {
    return invalid("format", "expected xml or rawxml");
  }
  return format;
}

Resource shown(const Call& call, const View& view) {
  Resource resource{.parts = scope_of(call), .properties = {}, .etag = {}};
  resource.parts.insert(resource.parts.end(), {"policies", "policy"});
  std::string xml;
  if (const std::shared_ptr<const Object> object = stored(view, make_key(resource.parts))) {
    xml = json::parse(object->value, nullptr, false).value("value", std::string());
    resource.etag = etag_of(*object);
  } else if (const std::optional<config::PolicyDocument>* const policy = document(*view.file, scope_of(call));
             policy != nullptr && *policy) {
    const config::PolicyDocument& written = **policy;
    xml = written.file.value.empty() ? written.xml : config::SystemFiles().read(written.file.value, policy_bytes_max).value_or("");
    resource.etag = etag_of(json(xml));
  }
  resource.properties = {{"format", format_of(call).value_or("xml")}, {"value", std::move(xml)}};
  return resource;
}

constexpr Kind policy_kind{.name = "Policy", .in_file = in_file, .shown = shown, .parent = require_scope};

/// {"format", "value"} of the body, or its members of those full names: what an official client writes for an API's policy.
ApiResult<json> read_policy(const Call& call) {
  ApiResult<json> body = read_body(call);
  if (!body) {
    return body;
  }
  json policy = json::object();
  for (const char* const name : {"format", "value"}) {
    if (const json::json_pointer nested = json::json_pointer("/properties") / name; body->contains(nested)) {
      policy[name] = body->at(nested);
    } else if (const auto flat = body->find(fmt::format("properties.{}", name)); flat != body->end()) {
      policy[name] = *flat;
    }
  }
  if (!policy.contains("value") || !policy["value"].is_string()) {
    return invalid("value", "expected a policy document in properties.value");
  }
  if (policy["value"].get_ref<const std::string&>().size() > policy_bytes_max) {
    return invalid("value", fmt::format("expected at most {} bytes", policy_bytes_max));
  }
  if (!policy.contains("format") || policy["format"].is_null()) {
    policy["format"] = "xml";
  }
  if (policy["format"] != "xml" && policy["format"] != "rawxml") {
    return invalid("format", "expected xml or rawxml: documents are not fetched from links");
  }
  return policy;
}

/// All that is wrong with the document by itself.
ApiResult<void> check_document(const Call& call, const std::string& xml) {
  const std::size_t depth = scope_of(call).size();
  const config::Report report = config::check_policy(xml, depth == 0   ? config::PolicyScope::global
                                                          : depth == 2 ? config::PolicyScope::api
                                                                       : config::PolicyScope::operation);
  std::vector<ApiError::Detail> details;
  for (const config::Problem& problem : report.errors) {
    details.push_back({.target = "representation", .message = problem.message});
  }
  return details.empty() ? ApiResult<void>() : ApiResult<void>(invalid(std::move(details)));
}

/// Faults of a document belong to the document.
Answer about_representation(Answer answer, const Call& call) {
  if (!answer && answer.error().code == "ValidationError") {
    for (ApiError::Detail& detail : answer.error().details) {
      detail.target = detail.target.starts_with('/') ? detail.target : "representation";
    }
  }
  static_cast<void>(call);
  return answer;
}

/// What a call shows to the back end: the certificate that an id or a thumbprint leads to; empty texts for none.
json shown_certificate(const View& view, const config::EffectivePolicy& policy) {
  const auto& certificates = view.snapshot->certificates();
  const auto found = std::ranges::find_if(certificates, [&](const auto& entry) {
    const auto& [id, certificate] = entry;
    return certificate && (policy.certificate_id.empty() ? policy.certificate_thumbprint == certificate->thumbprint_sha1() ||
                                                               policy.certificate_thumbprint == certificate->thumbprint_sha256()
                                                         : policy.certificate_id == id);
  });
  if (found == certificates.end()) {
    return {{"certificateId", policy.certificate_id}, {"certificateThumbprint", policy.certificate_thumbprint}};
  }
  return {{"certificateId", found->first},
          {"certificateSubject", found->second->subject()},
          {"certificateThumbprint", found->second->thumbprint_sha1()},
          {"certificateExpirationDate", wire::wall_time_text(found->second->not_after())}};
}

}  // namespace

Answer list_policies(const Call& call) {
  static constexpr std::array fields{std::string_view("name")};
  const std::shared_ptr<const View> view = call.reconciler.view();
  if (ApiResult<void> scope = require_scope(call, *view); !scope) {
    return std::unexpected(std::move(scope.error()));
  }
  std::vector<std::string> names;
  if (const auto* const policy = document(view->snapshot->config(), scope_of(call)); policy != nullptr && *policy) {
    names.emplace_back("policy");
  }
  return list_answer(call, std::move(names), [&](const std::string& /*name*/) { return shown(call, *view); }, fields);
}

Answer get_policy(const Call& call) {
  const ApiResult<std::string> format = format_of(call);
  if (!format) {
    return std::unexpected(format.error());
  }
  Answer answer = get_object(policy_kind, call);
  if (answer && scope_of(call).size() == 2) {
    // The JavaScript client looks for these names, dots and all.
    json body = json::parse(answer->body, nullptr, false);
    body["properties.value"] = body["properties"]["value"];
    body["properties.format"] = body["properties"]["format"];
    answer->body = dump(body);
  }
  return answer;
}

Answer put_policy(const Call& call) {
  const ApiResult<json> policy = read_policy(call);
  if (!policy) {
    return std::unexpected(policy.error());
  }
  if (ApiResult<void> good = check_document(call, policy->at("value").get_ref<const std::string&>()); !good) {
    return std::unexpected(std::move(good.error()));
  }
  Answer answer = put_object(policy_kind, call, [&](const View& view, const Object* /*before*/) -> ApiResult<Change::Put> {
    if (!scope_of(call).empty()) {
      if (ApiResult<void> own = require_own_api(call, view); !own) {
        return std::unexpected(std::move(own.error()));
      }
    }
    return Change::Put{.key = {}, .value = dump(*policy), .secret = {}, .certificate = {}};
  });
  return about_representation(std::move(answer), call);
}

Answer delete_policy(const Call& call) {
  return delete_object(policy_kind, call, [&](const View& /*view*/, const Object& /*before*/) -> ApiResult<std::vector<std::string>> {
    return std::vector{make_key(call.parts)};
  });
}

/// Of the API, or with ?operationId= of one of its operations.
Answer get_effective_policy(const Call& call) {
  const std::shared_ptr<const View> view = call.reconciler.view();
  const std::optional<std::string> operation_id = call.target.parameter("operationId");
  const Result<std::optional<config::EffectivePolicy>> policy = config::effective_policy(
      view->snapshot->config(), call.id(), operation_id ? std::optional<std::string_view>(*operation_id) : std::nullopt);
  if (!policy) {
    return invalid("representation", policy.error().detail);
  }
  if (!*policy) {
    return not_found(operation_id ? "API or operation not found." : "API not found.");
  }
  json steps = json::array();
  for (const config::EffectiveStep& step : (*policy)->steps) {
    steps.push_back({{"section", step.section},
                     {"element", step.element},
                     {"origin", config::policy_origin_name(step.origin)},
                     {"line", step.line},
                     {"column", step.column}});
  }
  json shown{{"steps", std::move(steps)}, {"backendId", (*policy)->backend_id}, {"backendUrl", (*policy)->backend_url}};
  shown.update(shown_certificate(*view, **policy));
  return json_answer(200, shown);
}

}  // namespace signet::control
