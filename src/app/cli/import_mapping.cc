// SPDX-License-Identifier: GPL-3.0-or-later
#include "import_mapping.h"

#include <fmt/core.h>

#include <algorithm>
#include <array>
#include <map>
#include <optional>
#include <set>
#include <string_view>

#include "signet/config/policy.h"
#include "signet/wire/digest.h"
#include "arm_expression.h"
#include "client.h"
#include "command_parts.h"
#include "letter_case.h"
#include "table.h"

namespace signet::app::cli {

namespace {

constexpr std::string_view service_type = "microsoft.apimanagement/service";
/// Deepest nesting of resources in resources.
constexpr std::size_t resource_depth_max = 8;

std::vector<std::string> split(std::string_view text) {
  std::vector<std::string> segments;
  for (std::size_t begin = 0; begin <= text.size();) {
    const std::size_t end = std::min(text.find('/', begin), text.size());
    segments.emplace_back(text.substr(begin, end - begin));
    begin = end + 1;
  }
  return segments;
}

/// As the API spells it.
std::string spelled(const std::string& kind) {
  constexpr std::array<std::string_view, 6> kinds{"certificates", "backends", "apis", "operations", "policies", "namedValues"};
  const auto* const known =
      std::ranges::find_if(kinds, [&](std::string_view one) { return lower_case(std::string(one)) == lower_case(kind); });
  return known == kinds.end() ? kind : std::string(*known);
}

struct Resource {
  Parts parts;  ///< {"apis", "orders", "policies", "policy"}
  json properties;
  std::set<std::string> unknown;  ///< of its properties
};

class Importer {
 public:
  explicit Importer(const json& parameters) : parameters_(parameters) {}

  Imported read(const json& document) {
    if (document.is_object() && document.contains("resources")) {
      scope_ = arm_scope(document, parameters_);
      resources_of(document["resources"], "", "", 0);
    } else {
      exports_of(document);
    }
    if (!recognised_) {
      throw Failure(
          "expected an ARM template with resources, or what `az apim` or `az rest` print about apis, backends, certificates, policies");
    }
    std::erase_if(resources_, [&](const Resource& resource) { return take_named_value(resource); });
    for (const Resource& resource : resources_) {
      map(resource);
    }
    return std::move(imported_);
  }

 private:
  void note(const std::string& object, std::string text) { imported_.notes.push_back({.object = object, .text = std::move(text)}); }

  // ---- ARM templates -------------------------------------------------------------------------------------------------------------------

  void resources_of(const json& resources, const std::string& parent_type, const std::string& parent_name, std::size_t depth) {
    if (!resources.is_structured() || depth > resource_depth_max) {
      return;
    }
    for (const json& resource : resources) {  // a list, or since languageVersion 2.0 an object of them
      if (resource.is_object()) {
        arm_resource(resource, parent_type, parent_name, depth);
      }
    }
  }

  void arm_resource(const json& resource, const std::string& parent_type, const std::string& parent_name, std::size_t depth) {
    std::string type = text_of(resource, "type");
    const Evaluated name_value = evaluate(resource.value("name", json()), scope_);
    std::string name = name_value.value.is_string() ? name_value.value.get<std::string>() : std::string();
    if (!parent_type.empty() && type.find('.') == std::string::npos) {
      type = fmt::format("{}/{}", parent_type, type);
      name = fmt::format("{}/{}", parent_name, name);
    }
    const std::string shown_name = clean(fmt::format("{} {}", type, name));
    if (!lower_case(type).starts_with(service_type)) {
      note(shown_name, "is not part of API Management");
      return;
    }
    recognised_ = true;
    if (const json condition = evaluate(resource.value("condition", json(true)), scope_).value; condition == false) {
      return;
    } else if (condition != true) {
      note(shown_name, "its condition cannot be told: it is carried over as if that held");
    }
    if (resource.contains("copy")) {
      note(shown_name, "copy loops are not carried over");
      return;
    }
    if (type.size() > service_type.size()) {
      add_arm(type.substr(service_type.size() + 1), name, resource, shown_name);
    } else {
      note(shown_name, "settings of the service itself are not carried over");
    }
    if (resource.contains("resources")) {
      resources_of(resource["resources"], type, name, depth + 1);
    }
  }

  void add_arm(const std::string& type, const std::string& name, const json& resource, const std::string& shown_name) {
    const std::vector<std::string> kinds = split(type);
    std::vector<std::string> names = split(name);
    // The first is the service's; whatever it is, it is this gateway now.
    if (names.size() != kinds.size() + 1) {
      note(shown_name, "its name does not fit its type");
      return;
    }
    Parts parts;
    for (std::size_t at = 0; at < kinds.size(); ++at) {
      if (names[at + 1].find('<') != std::string::npos || names[at + 1].empty()) {
        note(shown_name, "its name cannot be told: a parameter without a value, or an expression that is not understood");
        return;
      }
      parts.insert(parts.end(), {spelled(kinds[at]), names[at + 1]});
    }
    Evaluated properties = evaluate(resource.value("properties", json::object()), scope_);
    resources_.push_back({.parts = std::move(parts), .properties = std::move(properties.value), .unknown = std::move(properties.unknown)});
  }

  // ---- exports -------------------------------------------------------------------------------------------------------------------------

  void exports_of(const json& document, const std::string& kind = {}) {
    if (document.is_array()) {
      for (const json& item : document) {
        export_of(item, kind);
      }
      return;
    }
    if (!document.is_object()) {
      return;
    }
    if (document.contains("value") && document["value"].is_array()) {
      exports_of(document["value"], kind);
      return;
    }
    if (document.contains("id") || document.contains("type")) {
      export_of(document, kind);
      return;
    }
    for (const char* const list :
         {"certificates", "backends", "apis", "operations", "policies", "namedValues", "products", "subscriptions"}) {
      if (document.contains(list)) {
        exports_of(document[list], list);
      }
    }
  }

  void export_of(const json& item, const std::string& kind) {
    if (!item.is_object()) {
      return;
    }
    Parts parts = split(short_reference(text_of(item, "id")));
    if (parts.size() < 2 || parts.size() % 2 != 0) {
      const std::string name = text_of(item, "name");
      parts = kind.empty() || name.empty() ? Parts() : Parts{kind, name};
    }
    if (parts.empty()) {
      return;
    }
    recognised_ = true;
    for (std::size_t at = 0; at < parts.size(); at += 2) {
      parts[at] = spelled(parts[at]);
    }
    json properties = item.contains("properties") && item["properties"].is_object() ? item["properties"] : item;
    if (!item.contains("properties")) {
      for (const char* const outer : {"id", "name", "resourceGroup", "etag", "tags", "location"}) {
        properties.erase(outer);
      }
      if (text_of(properties, "type").find('/') != std::string::npos) {
        properties.erase("type");
      }
    }
    resources_.push_back({.parts = std::move(parts), .properties = std::move(properties), .unknown = {}});
  }

  // ---- what a gateway can have of it ---------------------------------------------------------------------------------------------------

  /// Literal named values are put into policies; they are no objects here.
  bool take_named_value(const Resource& resource) {
    if (resource.parts.size() != 2 || (resource.parts[0] != "namedValues" && resource.parts[0] != "properties")) {
      return false;
    }
    const bool secret = resource.properties.is_object() && resource.properties.value("secret", json(false)) == true;
    const std::string value = text_of(resource.properties, "value");
    if (!secret && !value.empty() && resource.unknown.empty()) {
      const std::string name = text_of(resource.properties, "displayName");
      named_values_[name.empty() ? resource.parts[1] : name] = value;
    } else {
      note(fmt::format("named value {}", resource.parts[1]),
           "is secret, or its value is not told: policies that use it are not carried over");
    }
    return true;
  }

  void map(const Resource& resource) {
    const Parts& parts = resource.parts;
    const std::string& kind = parts[parts.size() - 2];
    const bool below_api = parts.front() == "apis";
    const bool known = (parts.size() == 2 && (kind == "certificates" || kind == "backends" || kind == "apis")) ||
                       (kind == "operations" && below_api && parts.size() == 4) ||
                       (kind == "policies" && (parts.size() == 2 || below_api) && parts.size() <= 6);
    if (!known) {
      std::string name;
      for (const std::string& part : parts) {
        name += fmt::format("{}{}", name.empty() ? "" : "/", part);
      }
      note(clean(name), fmt::format("is not carried over: there are no {} here", clean(kind)));
      return;
    }
    json properties = resource.properties.is_object() ? resource.properties : json::object();
    drop_nulls(properties);
    const std::string names = kind == "certificates" ? std::string() : unknown_names(resource, properties);
    if (!names.empty()) {
      note(name_of(parts), fmt::format("is not carried over: without a value for {} (--parameters)", names));
      skipped_.insert(parts);
      return;
    }
    if (left_out_with_api(parts)) {
      return;
    }
    if (kind == "certificates") {
      certificate(resource, properties);
    } else if (kind == "backends") {
      backend(parts, std::move(properties));
    } else if (kind == "apis") {
      api(parts, std::move(properties));
    } else if (kind == "operations") {
      add(parts, std::move(properties));
    } else {
      policy(parts, properties);
    }
  }

  /// What is not known and matters: the service's name in the id of another object does not.
  static std::string unknown_names(const Resource& resource, const json& properties) {
    const json normal = normalised(resource.parts, properties);
    std::string names;
    for (const std::string& one : resource.unknown) {
      if (contains(normal, fmt::format("<{}>", one))) {
        names += fmt::format("{}{}", names.empty() ? "" : ", ", clean(one));
      }
    }
    return names;
  }

  /// Has one of its texts this in it?
  static bool contains(const json& value, const std::string& text) {
    return value.is_string() ? value.get_ref<const std::string&>().find(text) != std::string::npos
                             : value.is_structured() && std::ranges::any_of(value, [&](const json& item) { return contains(item, text); });
  }

  static void drop_nulls(json& value) {
    if (value.is_object()) {
      for (auto member = value.begin(); member != value.end();) {
        drop_nulls(*member);
        member = member->is_null() ? value.erase(member) : std::next(member);
      }
    } else if (value.is_array()) {
      std::ranges::for_each(value, drop_nulls);
    }
  }

  bool left_out_with_api(const Parts& parts) {
    if (parts.size() > 2 && skipped_.contains(Parts(parts.begin(), parts.begin() + 2))) {
      note(name_of(parts), "is not carried over: its API is not");
      return true;
    }
    return false;
  }

  void add(const Parts& parts, json properties) { imported_.desired.objects[parts] = normalised(parts, std::move(properties)); }

  void certificate(const Resource& resource, const json& properties) {
    const Parts& parts = resource.parts;
    const std::string data = text_of(properties, "data");
    const std::string place = text_of(properties.value("keyVault", json::object()), "secretIdentifier");
    if (data.empty() || !resource.unknown.empty()) {
      if (place.starts_with("file://")) {
        imported_.desired.objects[parts] = {{"keyVault", {{"secretIdentifier", place}}}};
      } else {
        imported_.needed.push_back({.id = parts[1], .thumbprint = upper_case(text_of(properties, "thumbprint")), .where = clean(place)});
      }
      return;
    }
    const std::optional<wire::SecretBytes> content = wire::base64_decode(data);
    PfxUpload upload;
    upload.password = text_of(properties, "password");
    if (content) {
      upload.content.assign(as_characters(*content));
      auto opened = wire::Certificate::from_pfx(*content, {.password = upload.password, .friendly_name = {}});
      if (opened) {
        imported_.desired.objects[parts] = {{"thumbprint", (*opened)->thumbprint_sha1()}};
        upload.certificate = std::move(*opened);
        imported_.desired.uploads.emplace(parts, std::move(upload));
        return;
      }
      note(name_of(parts), fmt::format("is not carried over: {}", opened.error().detail));
      return;
    }
    note(name_of(parts), "is not carried over: its data is not Base64");
  }

  static std::string_view as_characters(const wire::SecretBytes& bytes) {
    return {reinterpret_cast<const char*>(bytes.data()), bytes.size()};
  }

  void backend(const Parts& parts, json properties) {
    keep_only(parts, properties,
              {"url", "protocol", "type", "title", "description", "resourceId", "credentials", "tls", "circuitBreaker", "pool",
               "hostHeader", "connections", "timeouts", "replayBufferBytes"});
    add(parts, std::move(properties));
  }

  void keep_only(const Parts& parts, json& properties, std::initializer_list<std::string_view> kept) {
    for (auto member = properties.begin(); member != properties.end();) {
      if (std::ranges::find(kept, member.key()) != kept.end()) {
        ++member;
        continue;
      }
      if (!member->empty()) {
        note(name_of(parts), fmt::format("its {} is not carried over", clean(member.key())));
      }
      member = properties.erase(member);
    }
  }

  /// Why an API cannot be here at all; empty: it can.
  static std::string fault_of(const Parts& parts, const json& properties) {
    const std::size_t revision = parts[1].find(";rev=");
    if ((revision != std::string::npos && parts[1].substr(revision) != ";rev=1") || properties.value("isCurrent", json(true)) == false) {
      return "is a revision that is not the current one";
    }
    for (const char* const name : {"type", "apiType"}) {
      if (const std::string type = text_of(properties, name); !type.empty() && type != "http") {
        return fmt::format("is of type {}", clean(type));
      }
    }
    if (const auto protocols = properties.find("protocols"); protocols != properties.end() && protocols->is_array()) {
      for (const json& protocol : *protocols) {
        if (protocol != "http" && protocol != "https") {
          return fmt::format("is for the protocol {}", clean(one_line(protocol)));
        }
      }
    }
    return {};
  }

  void api(Parts parts, json properties) {
    if (const std::string fault = fault_of(parts, properties); !fault.empty()) {
      note(name_of(parts), fmt::format("is not carried over: it {}", fault));
      skipped_.insert(parts);
      return;
    }
    parts[1] = parts[1].substr(0, parts[1].find(";rev="));
    if (properties.value("subscriptionRequired", json(false)) == true) {
      note(name_of(parts), "asks for a subscription key there; here it is open to whoever reaches the listener");
    }
    if (const json settings = properties.value("authenticationSettings", json::object()); settings.is_object()) {
      const bool any = std::ranges::any_of(settings, [](const json& setting) { return !setting.empty(); });
      if (any) {
        note(name_of(parts), "its authenticationSettings are not carried over: callers are not authenticated here");
      }
    }
    if (!text_of(properties, "apiVersion").empty() || properties.contains("apiVersionSetId") || properties.contains("apiVersionSet")) {
      note(name_of(parts), "its version is not part of its path here");
    }
    if (properties.contains("value")) {
      note(name_of(parts), "operations of an imported document are not carried over");
    }
    // What describes it, and what was noted above.
    for (const char* const name :
         {"subscriptionRequired", "authenticationSettings", "apiVersion", "apiVersionSetId", "apiVersionSet", "apiVersionDescription",
          "value", "format", "apiRevision", "apiRevisionDescription", "isCurrent", "isOnline", "provisioningState",
          "subscriptionKeyParameterNames", "contact", "license", "termsOfServiceUrl", "type", "apiType"}) {
      properties.erase(name);
    }
    keep_only(parts, properties, {"displayName", "description", "path", "serviceUrl", "protocols", "backendId", "certificateId", "host"});
    add(parts, std::move(properties));
  }

  void policy(const Parts& parts, const json& properties) {
    std::string xml = text_of(properties, "value");
    if (xml.empty()) {
      xml = text_of(properties, "policyContent");
    }
    const std::string format = text_of(properties, "format");
    if (format.ends_with("-link")) {
      note(name_of(parts), "is not carried over: it is only named by a link");
      return;
    }
    for (std::size_t at = xml.find("{{"); at != std::string::npos; at = xml.find("{{", at)) {
      const std::size_t end = xml.find("}}", at);
      const std::string name = end == std::string::npos ? std::string() : xml.substr(at + 2, end - at - 2);
      const auto value = named_values_.find(name);
      if (value == named_values_.end()) {
        note(name_of(parts), fmt::format("is not carried over: it uses the named value {}, which is not told", clean(name)));
        return;
      }
      xml.replace(at, end + 2 - at, value->second);
      at += value->second.size();
    }
    const config::Report report = config::check_policy(xml, parts.size() == 2   ? config::PolicyScope::global
                                                            : parts.size() == 4 ? config::PolicyScope::api
                                                                                : config::PolicyScope::operation);
    for (const config::Problem& problem : report.errors) {
      note(name_of(parts), fmt::format("is not carried over: {}", clean(problem.message)));
    }
    if (report.ok()) {
      add(parts, {{"value", xml}});
    }
  }

  const json& parameters_;
  ArmScope scope_;
  std::vector<Resource> resources_;
  std::map<std::string, std::string> named_values_;
  std::set<Parts> skipped_;  ///< APIs
  bool recognised_ = false;
  Imported imported_;
};

}  // namespace

Imported import_document(const json& document, const json& parameters) {
  return Importer(parameters).read(document);
}

}  // namespace signet::app::cli
