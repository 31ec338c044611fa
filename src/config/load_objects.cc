// SPDX-License-Identifier: GPL-3.0-or-later
#include "load_objects.h"

#include <fmt/core.h>

#include <algorithm>
#include <array>
#include <utility>

#include "signet/config/plan.h"
#include "names.h"
#include "policy_document.h"

namespace signet::config {

namespace {

constexpr std::size_t certificate_id_size_max = 80;
constexpr std::size_t api_id_size_max = 256;
constexpr std::size_t api_path_size_max = 400;
constexpr std::size_t url_size_max = 2000;
constexpr std::size_t method_size_max = 20;
constexpr std::size_t url_template_size_max = 1000;

enum class Protocol : std::uint8_t { http, https };
constexpr std::array<Choice<Protocol>, 2> protocols{{{"http", Protocol::http}, {"https", Protocol::https}}};
constexpr std::size_t listener_certificates_max = 256;

void read_password(ObjectReader& reader, Certificate& certificate) {
  reader.file("passwordFile", certificate.password_file);
  reader.reference("passwordEnv", certificate.password_env);
  if (reader.has("passwordFile") && reader.has("passwordEnv")) {
    reader.error("passwordEnv", "expected passwordFile or passwordEnv, not both");
  }
  if (reader.has("password")) {
    reader.ignore("password");
    reader.error("password", "expected no secret in this file: name it by passwordFile or passwordEnv");
  }
}

/// Strips one slash at either end.
void read_path(ObjectReader& reader, std::string& target) {
  std::string text;
  reader.text("path", text, 0, api_path_size_max);
  std::string_view path = text;
  if (path.starts_with('/')) {
    path.remove_prefix(1);
  }
  if (path.ends_with('/')) {
    path.remove_suffix(1);
  }
  if (!path.empty() && (!is_path(fmt::format("/{}", path)) || path.ends_with('/'))) {
    reader.error("path",
                 "expected a path such as \"orders\" or \"shop/orders\": characters of RFC 3986, no \".\", \"..\" or empty segments");
    return;
  }
  target = normal_encoding(path);
}

void read_hosts(ObjectReader& reader, Api& api) {
  const bool none = reader.each("host", json::Type::string, [&](const Item& item) {
    std::string host = lower_case(item.node->text);
    const bool bracketed = host.size() > 2 && host.front() == '[' && host.back() == ']';
    const bool ipv6 =
        bracketed && host.find(':') != std::string::npos && parse_address(std::string_view(host).substr(1, host.size() - 2), 0);
    if (!ipv6 && !is_host(host)) {
      reader.document().report().error(
          reader.document().source(item.node->offset, item.pointer),
          R"(expected a DNS name in ASCII form ("xn--…"), an IPv4 address or an IPv6 address in brackets, without port and wildcard)");
      return;
    }
    if (host.ends_with('.')) {
      host.pop_back();
    }
    api.hosts.push_back(std::move(host));
  });
  if (none) {
    reader.error("host", "expected at least one host; leave \"host\" out to take calls for any");
  }
}

/// None: both. Over REST an empty list clears what was set.
void read_protocols(ObjectReader& reader, Api& api) {
  std::vector<Protocol> taken;
  reader.choices<Protocol>("protocols", taken, protocols);
  if (taken.empty() && reader.has("protocols") && reader.document().is_file()) {
    reader.error("protocols", R"(expected "http", "https" or both; leave "protocols" out for both)");
  }
  const auto takes = [&](Protocol protocol) { return taken.empty() || std::ranges::find(taken, protocol) != taken.end(); };
  api.takes_http = takes(Protocol::http);
  api.takes_https = takes(Protocol::https);
}

void read_subscription_required(ObjectReader& reader) {
  bool required = false;
  reader.boolean("subscriptionRequired", required);
  if (required) {
    reader.error("subscriptionRequired", "subscriptions are not available in this version: expected false");
  }
}

/// Is there nothing in it, at any depth?
bool is_empty(const json::Node& node) {
  const bool holds = node.type == json::Type::array || node.type == json::Type::object;
  return node.type == json::Type::null || (holds && std::ranges::all_of(node.children, is_empty));
}

/// Properties of the service's own answers, which come back when somebody changes what he has read, and others that change nothing here.
/// Those that would change something are refused, so that nobody relies on what is not done.
void pass_over_of_service(ObjectReader& reader, const json::Node& api) {
  reader.pass_over({"apiRevision", "apiRevisionDescription", "apiVersion", "apiVersionDescription", "contact", "description", "isCurrent",
                    "isOnline", "license", "provisioningState", "subscriptionKeyParameterNames", "termsOfServiceUrl",
                    "translateRequiredQueryParameters"});
  for (const std::string_view name : {"type", "apiType"}) {
    std::string type = "http";
    reader.text(name, type, 1, 80);
    if (type != "http") {
      reader.error(name, "expected \"http\": APIs of other types are not available in this version");
    }
  }
  for (const json::Node& member : api.children) {
    if (member.key == "authenticationSettings") {
      reader.pass_over({"authenticationSettings"});
      if (!is_empty(member)) {
        reader.error(member.key, "authentication of callers is not available in this version: expected null");
      }
    }
  }
  reader.not_available({"apiVersionSet", "apiVersionSetId", "format", "sourceApiId", "value", "wsdlSelector"});
}

constexpr std::array<Choice<wire::TlsVersion>, 2> tls_versions{{{"1.2", wire::TlsVersion::tls12}, {"1.3", wire::TlsVersion::tls13}}};

void read_operations(ObjectReader& reader, Api& api) {
  reader.each("operations", json::Type::object, [&](const Item& item) {
    Operation operation = read_operation(reader.document(), item);
    const auto same = std::ranges::find(api.operations, operation.id, &Operation::id);
    if (same != api.operations.end() && !operation.id.empty()) {
      reader.document().report().error(operation.source,
                                       fmt::format("the id \"{}\" is taken by another operation of this API", operation.id));
    }
    api.operations.push_back(std::move(operation));
  });
}

}  // namespace

void read_tls_versions(ObjectReader& reader, wire::TlsVersion& min, wire::TlsVersion& max) {
  reader.choice<wire::TlsVersion>("minVersion", min, tls_versions);
  reader.choice<wire::TlsVersion>("maxVersion", max, tls_versions);
  if (min > max) {
    reader.error(reader.has("minVersion") ? "minVersion" : "maxVersion", "minVersion is above maxVersion");
  }
}

ListenerTls read_listener_tls(ObjectReader& reader) {
  ListenerTls tls;
  reader.require({"certificateIds"});
  reader.references("certificateIds", tls.certificate_ids, listener_certificates_max);
  if (reader.has("certificateIds") && tls.certificate_ids.empty()) {
    reader.error("certificateIds", "expected the id of at least one certificate");
  }
  read_tls_versions(reader, tls.min_version, tls.max_version);
  return tls;
}

void read_policy_file(ObjectReader& reader, std::optional<PolicyDocument>& policy) {
  PolicyDocument document{.xml = {}, .file = {}, .source = reader.source("policyFile")};
  reader.file("policyFile", document.file);
  if (!document.file.value.empty()) {
    policy = std::move(document);
  }
}

Certificate read_certificate(Document& document, const Item& item) {
  ObjectReader reader(document, item);
  Certificate certificate{.source = reader.source()};
  reader.require({"id"});
  reader.id(certificate.id, certificate_id_size_max);
  reader.file("pfxFile", certificate.pfx_file);
  reader.file("pemFile", certificate.pem_file);
  reader.file("keyFile", certificate.key_file);
  reader.text("friendlyName", certificate.friendly_name, 1, 256);
  read_password(reader, certificate);
  if (item.node->type != json::Type::object) {
    return certificate;
  }
  if (reader.has("pfxFile") == reader.has("pemFile")) {
    document.report().error(reader.source("pemFile"), "expected either pfxFile, or pemFile with keyFile");
  }
  if (reader.has("keyFile") && !reader.has("pemFile")) {
    reader.error("keyFile", "expected keyFile only beside pemFile: a PFX holds its key");
  }
  if (reader.has("friendlyName") && !reader.has("pfxFile")) {
    reader.error("friendlyName", "expected friendlyName only beside pfxFile: it chooses among several keys of a PFX");
  }
  return certificate;
}

CertificateAuthority read_certificate_authority(Document& document, const Item& item) {
  ObjectReader reader(document, item);
  CertificateAuthority authority{.source = reader.source()};
  reader.require({"id"});
  reader.id(authority.id, certificate_id_size_max);
  reader.file("pemFile", authority.pem_file);
  reader.file("directory", authority.directory);
  reader.boolean("system", authority.system);
  const int sources = (reader.has("pemFile") ? 1 : 0) + (reader.has("directory") ? 1 : 0) + (reader.has("system") ? 1 : 0);
  if (item.node->type == json::Type::object && sources != 1) {
    document.report().error(reader.source(), R"(expected exactly one of pemFile, directory and "system": true)");
  } else if (bool off = true; reader.boolean("system", off), !off) {
    reader.error("system", "expected true, or pemFile or directory in its place");
  }
  return authority;
}

CertificateRevocationList read_certificate_revocation_list(Document& document, const Item& item) {
  ObjectReader reader(document, item);
  CertificateRevocationList list{.source = reader.source()};
  reader.require({"id", "file"});
  reader.id(list.id, certificate_id_size_max);
  reader.file("file", list.file);
  return list;
}

Api read_api(Document& document, const Item& item) {
  ObjectReader reader(document, item);
  Api api{.source = reader.source()};
  reader.require({"id", "path"});
  reader.id(api.id, api_id_size_max);
  reader.text("displayName", api.display_name, 1, 300);
  read_path(reader, api.path);
  read_hosts(reader, api);
  reader.reference("backendId", api.backend_id);
  shorten(document, api.backend_id, "backends");
  reader.text("serviceUrl", api.service_url.value, document.is_file() ? 1 : 0, url_size_max);
  api.service_url.source = reader.source("serviceUrl");
  reader.reference("certificateId", api.certificate_id);
  shorten(document, api.certificate_id, "certificates");
  read_protocols(reader, api);
  read_subscription_required(reader);
  if (!api.service_url.value.empty()) {
    if (Result<Url> url = parse_url(api.service_url.value); !url) {
      reader.error("serviceUrl", std::move(url.error().detail));
    }
  }
  if (document.is_file()) {
    read_operations(reader, api);
    read_policy_file(reader, api.policy);
  } else {
    pass_over_of_service(reader, *item.node);
  }
  const bool both = reader.has("backendId") && !api.service_url.value.empty();
  const bool none = api.backend_id.value.empty() && api.service_url.value.empty() && reader.has("backendId") == reader.has("serviceUrl");
  if (item.node->type == json::Type::object && (both || (document.is_file() && none && !api.policy))) {
    document.report().error(reader.source("serviceUrl"), "expected either backendId or serviceUrl");
  }
  return api;
}

Operation read_operation(Document& document, const Item& item) {
  ObjectReader reader(document, item);
  Operation operation{.source = reader.source()};
  reader.require({"id", "method", "urlTemplate"});
  reader.id(operation.id, certificate_id_size_max);
  reader.text("displayName", operation.display_name, 1, 300);
  reader.text("method", operation.method, 1, method_size_max);
  if (!operation.method.empty() && !is_token(operation.method)) {
    reader.error("method", "expected a method such as \"GET\"");
  }
  reader.text("urlTemplate", operation.url_template, 1, url_template_size_max);
  if (std::string fault = check_url_template(operation.url_template); !operation.url_template.empty() && !fault.empty()) {
    reader.error("urlTemplate", std::move(fault));
  }
  reader.ignore("templateParameters");
  if (document.is_file()) {
    read_policy_file(reader, operation.policy);
  } else {
    // For whoever reads about the API; calls are not checked against it.
    std::string description;
    reader.text("description", description, 0, 1000);
    reader.pass_over({"request", "responses"});
    reader.not_available({"policies"});
  }
  return operation;
}

}  // namespace signet::config
