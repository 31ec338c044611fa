// SPDX-License-Identifier: GPL-3.0-or-later
#include <fmt/core.h>

#include "command_parts.h"
#include "commands.h"
#include "table.h"

namespace signet::app::cli {

namespace {

/// Ids, whatever form they have.
std::string ids_of(const json& ids) {
  std::string out;
  for (const json& id : ids) {
    if (id.is_string()) {
      out += fmt::format("{}{}", out.empty() ? "" : ", ", last_part(id.get<std::string>()));
    }
  }
  return out;
}

json at_or_empty(const json& properties, const char* pointer) {
  const json::json_pointer place(pointer);
  return properties.contains(place) ? properties.at(place) : json::array();
}

std::string certificates_of(const json& properties) {
  const std::string ids = ids_of(at_or_empty(properties, "/credentials/certificateIds"));
  return ids.empty() ? ids_of(at_or_empty(properties, "/credentials/certificate")) : ids;
}

/// "chain, name", or what is not checked of the server's certificate.
std::string checks_of(const json& properties) {
  if (!text_of(properties, "url").starts_with("https:")) {
    return "-";
  }
  const json tls = properties.value("tls", json::object());
  const auto on = [&](const char* name) { return !tls.is_object() || !tls.contains(name) || tls[name] != false; };
  const bool pinned =
      !at_or_empty(properties, "/tls/serverCertificateThumbprints").empty() || !at_or_empty(properties, "/tls/serverX509Names").empty();
  const bool chain = pinned || on("validateCertificateChain");
  const bool name = pinned || on("validateCertificateName");
  return chain && name ? "chain, name" : chain ? "chain, NOT name" : name ? "NOT chain, name" : "NONE";
}

std::string goes_to(const json& properties) {
  if (text_of(properties, "type") == "Pool") {
    std::string members;
    for (const json& member : at_or_empty(properties, "/pool/services")) {
      members += fmt::format("{}{}", members.empty() ? "" : ", ", last_part(text_of(member, "id")));
    }
    return fmt::format("pool: {}", members);
  }
  return text_of(properties, "url");
}

void change(json& properties, const BackendSetOptions& options) {
  if (!options.url.empty()) {
    properties["url"] = options.url;
  }
  if (!properties.contains("protocol")) {
    properties["protocol"] = "http";
  }
  if (options.title) {
    properties["title"] = *options.title;
  }
  if (options.description) {
    properties["description"] = *options.description;
  }
  if (!options.certificates.empty()) {
    properties["credentials"]["certificateIds"] = options.certificates;
    properties["credentials"].erase("certificate");
  } else if (options.no_certificate && properties.contains("credentials")) {
    properties["credentials"].erase("certificateIds");
    properties["credentials"].erase("certificate");
  }
  if (!options.authorities.empty()) {
    properties["tls"]["certificateAuthorities"] = options.authorities;
  }
  if (!options.server_name.empty()) {
    properties["tls"]["serverName"] = options.server_name;
  }
  if (options.validate_certificate_chain) {
    properties["tls"]["validateCertificateChain"] = *options.validate_certificate_chain;
  }
  if (options.validate_certificate_name) {
    properties["tls"]["validateCertificateName"] = *options.validate_certificate_name;
  }
}

}  // namespace

void backend_set(Client& client, const BackendSetOptions& options) {
  const Parts parts{"backends", options.id};
  const std::optional<Answer> before = client.find(parts);
  if (!before && options.url.empty()) {
    throw Failure(fmt::format("there is no backend {} yet: expected --url to make it", options.id));
  }
  json properties = before ? properties_of(before->body) : json::object();
  change(properties, options);
  json body = json::object();
  body["properties"] = std::move(properties);
  const Answer after = client.put(parts, std::move(body), before ? before->etag : std::string());
  if (client.output() == Output::as_json) {
    print_json(after.body);
    return;
  }
  const json now = properties_of(after.body);
  const std::string certificates = certificates_of(now);
  print(fmt::format("backend {} {}: {}, client certificate: {}, checked of the server's certificate: {}\n", clean(options.id),
                    before ? "changed" : "added", clean(goes_to(now)), certificates.empty() ? "none" : clean(certificates),
                    checks_of(now)));
}

void backend_list(Client& client) {
  const std::vector<json> backends = client.list({"backends"});
  if (client.output() == Output::as_json) {
    print_json(backends);
    return;
  }
  Table table({"ID", "GOES TO", "CERTIFICATE", "CHECKS", "TITLE"});
  for (const json& backend : backends) {
    const json properties = properties_of(backend);
    table.add(
        {text_of(backend, "name"), goes_to(properties), certificates_of(properties), checks_of(properties), text_of(properties, "title")});
  }
  print(table.text());
}

void backend_show(Client& client, const std::string& id) {
  show(client, get_existing(client, {"backends", id}).body);
}

void backend_remove(Client& client, const std::string& id) {
  remove_existing(client, {"backends", id}, "backend");
}

void backend_reconnect(Client& client, const std::string& id, const std::string& after) {
  json body;
  if (!after.empty()) {
    body["properties"]["after"] = after;
  }
  client.post({"backends", id, "reconnect"}, body);
  if (client.output() == Output::as_json) {
    print_json({{"reconnects", id}});
  } else {
    print(fmt::format("backend {}: connections are opened anew {}\n", clean(id),
                      after.empty() ? "now" : fmt::format("after {}", clean(after))));
  }
}

}  // namespace signet::app::cli
