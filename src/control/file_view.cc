// SPDX-License-Identifier: GPL-3.0-or-later
#include "file_view.h"

#include <fmt/core.h>

#include <array>
#include <chrono>
#include <string_view>
#include <vector>

#include "compose.h"
#include "masks.h"

namespace signet::control {

namespace {

using nlohmann::json;

json values_of(const std::vector<config::Reference>& references) {
  json values = json::array();
  for (const config::Reference& reference : references) {
    values.push_back(reference.value);
  }
  return values;
}

void set_unless_empty(json& object, const char* name, json value) {
  if (!value.empty()) {
    object[name] = std::move(value);
  }
}

json named_values(const std::vector<config::NamedValues>& all) {
  json object = json::object();
  for (const config::NamedValues& named : all) {
    object[named.name] = named.values;
  }
  return object;
}

json credentials_of(const std::string& prefix, const config::BackendCredentials& credentials) {
  json object = json::object();
  json ids = json::array();
  for (const config::Reference& id : credentials.certificate_ids) {
    ids.push_back(fmt::format("{}/certificates/{}", prefix, key_part(id.value)));
  }
  set_unless_empty(object, "certificateIds", std::move(ids));
  set_unless_empty(object, "certificate", values_of(credentials.certificate));
  set_unless_empty(object, "query", named_values(credentials.query));
  set_unless_empty(object, "header", named_values(credentials.header));
  if (credentials.authorization) {
    object["authorization"] = {{"scheme", credentials.authorization->scheme}, {"parameter", credentials.authorization->parameter}};
  }
  return object;
}

json tls_of(const config::BackendTls& tls) {
  json object{{"validateCertificateChain", tls.validate_certificate_chain}, {"validateCertificateName", tls.validate_certificate_name}};
  set_unless_empty(object, "serverCertificateThumbprints", tls.server_certificate_thumbprints);
  json names = json::array();
  for (const config::ServerX509Name& name : tls.server_x509_names) {
    names.push_back({{"name", name.name}, {"issuerCertificateThumbprint", name.issuer_certificate_thumbprint}});
  }
  set_unless_empty(object, "serverX509Names", std::move(names));
  set_unless_empty(object, "certificateAuthorities", values_of(tls.certificate_authorities));
  set_unless_empty(object, "certificateRevocationLists", values_of(tls.certificate_revocation_lists));
  if (!tls.server_name.empty()) {
    object["serverName"] = tls.server_name;
  }
  return object;
}

json pool_of(const std::string& prefix, const std::vector<config::PoolMember>& members) {
  json services = json::array();
  for (const config::PoolMember& member : members) {
    services.push_back({{"id", fmt::format("{}/backends/{}", prefix, key_part(member.backend_id.value))},
                        {"weight", member.weight},
                        {"priority", member.priority}});
  }
  return {{"services", std::move(services)}};
}

/// ISO 8601.
std::string duration_of(std::chrono::seconds duration) {
  return fmt::format("PT{}S", duration.count());
}

json rule_of(const config::CircuitBreakerRule& rule) {
  json condition{{"interval", duration_of(rule.interval)}};
  if (rule.failures_max != 0) {
    condition["count"] = rule.failures_max;
  } else {
    condition["percentage"] = rule.percentage;
  }
  json ranges = json::array();
  for (const config::StatusRange& range : rule.statuses) {
    ranges.push_back({{"min", range.min}, {"max", range.max}});
  }
  set_unless_empty(condition, "statusCodeRanges", std::move(ranges));
  set_unless_empty(condition, "errorReasons", rule.error_reasons);
  return {{"name", rule.name},
          {"failureCondition", std::move(condition)},
          {"tripDuration", duration_of(rule.trip_duration)},
          {"acceptRetryAfter", rule.accept_retry_after}};
}

std::string text_of(const config::Url& url) {
  return fmt::format("{}://{}{}", url.scheme == config::Scheme::https ? "https" : "http", url.authority, url.path);
}

}  // namespace

json backend_properties(const std::string& prefix, const config::Backend& backend) {
  json properties = json::object();
  set_unless_empty(properties, "title", backend.title.empty() ? json() : json(backend.title));
  set_unless_empty(properties, "description", backend.description.empty() ? json() : json(backend.description));
  if (backend.type == config::BackendType::pool) {
    properties["type"] = "Pool";
    properties["pool"] = pool_of(prefix, backend.pool);
    return properties;
  }
  properties["type"] = "Single";
  properties["url"] = text_of(backend.url);
  properties["protocol"] = "http";
  set_unless_empty(properties, "credentials", credentials_of(prefix, backend.credentials));
  if (backend.url.scheme == config::Scheme::https) {
    properties["tls"] = tls_of(backend.tls);
  }
  json rules = json::array();
  for (const config::CircuitBreakerRule& rule : backend.circuit_breaker) {
    rules.push_back(rule_of(rule));
  }
  if (!rules.empty()) {
    properties["circuitBreaker"]["rules"] = std::move(rules);
  }
  return mask_secrets(std::move(properties)).value;
}

json api_properties(const config::Api& api) {
  json protocols = json::array();
  if (api.takes_http) {
    protocols.push_back("http");
  }
  if (api.takes_https) {
    protocols.push_back("https");
  }
  json properties{{"displayName", api.display_name.empty() ? api.id : api.display_name}, {"path", api.path}, {"protocols", protocols}};
  for (const auto& [name, value] : std::array<std::pair<const char*, const std::string*>, 3>{
           {{"serviceUrl", &api.service_url.value}, {"backendId", &api.backend_id.value}, {"certificateId", &api.certificate_id.value}}}) {
    if (!value->empty()) {
      properties[name] = *value;
    }
  }
  set_unless_empty(properties, "host", api.hosts);
  return properties;
}

json operation_properties(const config::Operation& operation) {
  return {{"displayName", operation.display_name.empty() ? operation.id : operation.display_name},
          {"method", operation.method},
          {"urlTemplate", operation.url_template},
          {"templateParameters", json::array()}};
}

}  // namespace signet::control
