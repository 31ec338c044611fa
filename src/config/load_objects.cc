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

/// Over which connections callers may come; both if it is left out.
void read_protocols(ObjectReader& reader, Api& api) {
  enum class Protocol : std::uint8_t { none, http, https };
  constexpr std::array<Choice<Protocol>, 2> names{{{"http", Protocol::http}, {"https", Protocol::https}}};
  std::vector<Protocol> protocols;
  reader.choices<Protocol>("protocols", protocols, names);
  if (!reader.has("protocols")) {
    return;
  }
  if (protocols.empty()) {
    reader.error("protocols", R"(expected "http", "https" or both; leave "protocols" out for both)");
    return;
  }
  api.takes_http = std::ranges::find(protocols, Protocol::http) != protocols.end();
  api.takes_https = std::ranges::find(protocols, Protocol::https) != protocols.end();
}

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
  reader.text("serviceUrl", api.service_url.value, 1, url_size_max);
  api.service_url.source = reader.source("serviceUrl");
  reader.reference("certificateId", api.certificate_id);
  if (!api.service_url.value.empty()) {
    if (Result<Url> url = parse_url(api.service_url.value); !url) {
      reader.error("serviceUrl", std::move(url.error().detail));
    }
  }
  read_protocols(reader, api);
  read_operations(reader, api);
  read_policy_file(reader, api.policy);
  reader.not_available({"subscriptionRequired"});
  if (item.node->type == json::Type::object && reader.has("backendId") == reader.has("serviceUrl")) {
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
  reader.text("method", operation.method, 1, 20);
  if (!operation.method.empty() && !is_token(operation.method)) {
    reader.error("method", R"(expected a method such as "GET")");
  }
  reader.text("urlTemplate", operation.url_template, 1, 1000);
  if (std::string fault = check_url_template(operation.url_template); !fault.empty()) {
    reader.error("urlTemplate", std::move(fault));
  }
  reader.ignore("templateParameters");
  read_policy_file(reader, operation.policy);
  return operation;
}

}  // namespace signet::config
