// SPDX-License-Identifier: GPL-3.0-or-later
#include <fmt/core.h>

#include <map>

#include "command_parts.h"
#include "commands.h"
#include "gateway_certificate.h"
#include "table.h"

namespace signet::app::cli {

namespace {

/// The API's own properties, without what the gateway only says about it.
json own_properties(const json& envelope) {
  json properties = properties_of(envelope);
  for (const char* const said : {"apiRevision", "isCurrent", "isOnline", "provisioningState"}) {
    properties.erase(said);
  }
  return properties;
}

void change(json& properties, const ApiSetOptions& options) {
  if (options.path) {
    properties["path"] = *options.path;
  }
  if (options.display_name) {
    properties["displayName"] = *options.display_name;
  } else if (!properties.contains("displayName")) {
    properties["displayName"] = options.id;
  }
  if (!options.backend.empty()) {
    properties["backendId"] = options.backend;
    properties.erase("serviceUrl");
  }
  if (!options.service_url.empty()) {
    properties["serviceUrl"] = options.service_url;
    properties.erase("backendId");
  }
  if (!options.hosts.empty()) {
    properties["host"] = options.hosts;
  }
  if (options.no_certificate) {
    properties.erase("certificateId");
  }
}

std::string goes_to(const json& properties) {
  const std::string backend = last_part(text_of(properties, "backendId"));
  const std::string url = text_of(properties, "serviceUrl");
  return !backend.empty() ? fmt::format("backend {}", backend) : !url.empty() ? url : "(its policy says)";
}

/// Puts the certificate into the API's policy, or takes it out; everything else in it stays.
void set_certificate(Client& client, const std::string& api, const std::string& certificate) {
  const Parts parts = PolicyScope{.api = api, .operation = {}}.parts();
  const std::optional<Answer> before = client.find(parts, "format=rawxml");
  if (!before && certificate.empty()) {
    return;
  }
  const std::string xml = before ? text_of(properties_of(before->body), "value") : std::string();
  const std::string changed = with_certificate(xml, certificate);
  if (changed == xml) {
    return;
  }
  json body = json::object();
  body["properties"] = {{"format", "rawxml"}, {"value", changed}};
  client.put(parts, std::move(body), before ? before->etag : std::string());
}

/// API → certificates that it, its operations or their policies name.
std::map<std::string, std::string> certificates_of_apis(Client& client) {
  std::map<std::string, std::string> names;
  for (const json& certificate : client.list({"certificates"})) {
    const json properties = properties_of(certificate);
    const json used_by = properties.value("usedBy", json::array());
    for (const json& user : used_by) {
      const std::string reference = user.is_string() ? short_reference(user.get<std::string>()) : std::string();
      constexpr std::string_view apis = "apis/";
      if (!reference.starts_with(apis)) {
        continue;
      }
      const std::string api = reference.substr(apis.size(), reference.find('/', apis.size()) - apis.size());
      const std::string id = text_of(certificate, "name");
      std::string& all = names[api];
      if (fmt::format(", {},", all).find(fmt::format(", {},", id)) == std::string::npos) {
        all += fmt::format("{}{}", all.empty() ? "" : ", ", id);
      }
    }
  }
  return names;
}

}  // namespace

Parts PolicyScope::parts() const {
  Parts parts;
  if (!api.empty()) {
    parts.insert(parts.end(), {"apis", api});
  }
  if (!operation.empty()) {
    parts.insert(parts.end(), {"operations", operation});
  }
  parts.insert(parts.end(), {"policies", "policy"});
  return parts;
}

void api_set(Client& client, const ApiSetOptions& options) {
  const Parts parts{"apis", options.id};
  const std::optional<Answer> before = client.find(parts);
  if (!before && (!options.path || (options.backend.empty() && options.service_url.empty()))) {
    throw Failure(fmt::format("there is no API {} yet: expected --path, and --backend or --service-url, to make it", options.id));
  }
  if (!options.certificate.empty()) {
    static_cast<void>(get_existing(client, {"certificates", options.certificate}));  // before anything is written
  }
  const json old = before ? own_properties(before->body) : json();
  json properties = before ? old : json::object();
  change(properties, options);
  json now = before ? before->body : json();
  if (properties != old) {
    json body = json::object();
    body["properties"] = std::move(properties);
    now = client.put(parts, std::move(body), before ? before->etag : std::string()).body;
  }
  if (!options.certificate.empty() || options.no_certificate) {
    set_certificate(client, options.id, options.certificate);
  }
  if (client.output() == Output::as_json) {
    print_json(now);
    return;
  }
  const json said = properties_of(now);
  std::string certificate;
  if (!options.certificate.empty()) {
    certificate = fmt::format(", under certificate {}", clean(options.certificate));
  } else if (options.no_certificate) {
    certificate = ", without a certificate of its own";
  }
  print(fmt::format("API {} {}: /{} -> {}{}\n", clean(options.id), before ? "changed" : "added", clean(text_of(said, "path")),
                    clean(goes_to(said)), certificate));
}

void api_list(Client& client) {
  const std::vector<json> apis = client.list({"apis"});
  if (client.output() == Output::as_json) {
    print_json(apis);
    return;
  }
  const std::map<std::string, std::string> certificates = certificates_of_apis(client);
  Table table({"ID", "PATH", "GOES TO", "CERTIFICATE", "NAME"});
  for (const json& api : apis) {
    const json properties = properties_of(api);
    const std::string id = text_of(api, "name");
    const auto certificate = certificates.find(id);
    table.add({id, fmt::format("/{}", text_of(properties, "path")), goes_to(properties),
               certificate == certificates.end() ? std::string() : certificate->second, text_of(properties, "displayName")});
  }
  print(table.text());
}

void api_show(Client& client, const std::string& id) {
  const Answer answer = get_existing(client, {"apis", id});
  if (client.output() == Output::as_json) {
    print_json(answer.body);
    return;
  }
  show(client, answer.body);
  Table operations({"OPERATION", "METHOD", "TEMPLATE", "NAME"});
  for (const json& operation : client.list({"apis", id, "operations"})) {
    const json properties = properties_of(operation);
    operations.add({text_of(operation, "name"), text_of(properties, "method"), text_of(properties, "urlTemplate"),
                    text_of(properties, "displayName")});
  }
  if (!operations.empty()) {
    print("\n" + operations.text());
  }
  if (const std::optional<Answer> policy = client.find(PolicyScope{.api = id, .operation = {}}.parts(), "format=rawxml")) {
    print(fmt::format("\npolicy: signet api policy get {}\n", clean(id)));
  }
}

void api_remove(Client& client, const std::string& id) {
  remove_existing(client, {"apis", id}, "API");
}

void policy_get(Client& client, const PolicyScope& scope) {
  const std::optional<Answer> answer = client.find(scope.parts(), "format=rawxml");
  if (!answer) {
    throw Failure(ExitStatus::not_found, "there is no policy, or nothing that could have one");
  }
  if (client.output() == Output::as_json) {
    print_json(answer->body);
    return;
  }
  const std::string xml = text_of(properties_of(answer->body), "value");
  print(xml.ends_with('\n') ? xml : xml + '\n');  // as it is: it may be sent back
}

void policy_set(Client& client, const PolicyScope& scope, const std::string& file) {
  const std::string xml = read_text(file, policy_file_bytes_max);
  const Parts parts = scope.parts();
  const std::optional<Answer> before = client.find(parts, "format=rawxml");
  json body = json::object();
  body["properties"] = {{"format", "rawxml"}, {"value", xml}};
  const Answer answer = client.put(parts, std::move(body), before ? before->etag : std::string());
  if (client.output() == Output::as_json) {
    print_json(answer.body);
  } else {
    print(fmt::format("policy {}\n", before ? "replaced" : "set"));
  }
}

void policy_remove(Client& client, const PolicyScope& scope) {
  const std::optional<Answer> before = client.find(scope.parts(), "format=rawxml");
  if (!before) {
    throw Failure(ExitStatus::not_found, "there is no policy, or nothing that could have one");
  }
  client.remove(scope.parts(), before->etag);
  if (client.output() == Output::as_json) {
    print_json({{"removed", short_reference(before->body.value("id", std::string()))}});
  } else {
    print("policy removed\n");
  }
}

}  // namespace signet::app::cli
