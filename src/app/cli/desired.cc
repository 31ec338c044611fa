// SPDX-License-Identifier: GPL-3.0-or-later
#include "desired.h"

#include <fmt/core.h>

#include <algorithm>
#include <initializer_list>
#include <string_view>

#include "signet/config/files.h"
#include "command_parts.h"
#include "table.h"

namespace signet::app::cli {

namespace {

class Reader {
 public:
  explicit Reader(const std::string& file) : file_(file) {}

  Desired read(const json& root) {
    check_names(root, "", {"$schema", "certificates", "backends", "apis", "policy", "policyFile"});
    each(root, "", "certificates",
         [&](const json& item, const std::string& place, const std::string& id) { certificate(item, place, id); });
    each(root, "", "backends",
         [&](const json& item, const std::string& place, const std::string& id) { add({"backends", id}, item, place); });
    each(root, "", "apis", [&](const json& item, const std::string& place, const std::string& id) { api(item, place, id); });
    policy(root, "", {});
    return std::move(desired_);
  }

 private:
  [[noreturn]] void fail_at(const std::string& place, std::string_view what) const {
    throw Failure(fmt::format("{}: {}: {}", file_, place.empty() ? "/" : place, what));
  }

  void check_names(const json& object, const std::string& place, std::initializer_list<std::string_view> known) const {
    if (!object.is_object()) {
      fail_at(place, "expected an object");
    }
    for (const auto& [name, value] : object.items()) {
      if (std::ranges::find(known, name) == known.end()) {
        std::string names;
        for (const std::string_view one : known) {
          names += fmt::format("{}{}", names.empty() ? "" : ", ", one);
        }
        fail_at(fmt::format("{}/{}", place, name), fmt::format("expected {}; all else belongs into the gateway's own file", names));
      }
    }
  }

  /// Calls `read` with each object of a list, its place and its id.
  template <typename Read>
  void each(const json& object, const std::string& place, const char* name, Read read) const {
    const auto list = object.find(name);
    if (list == object.end()) {
      return;
    }
    const std::string list_place = fmt::format("{}/{}", place, name);
    if (!list->is_array()) {
      fail_at(list_place, "expected a list");
    }
    for (std::size_t at = 0; at < list->size(); ++at) {
      const json& item = (*list)[at];
      const std::string item_place = fmt::format("{}/{}", list_place, at);
      if (!item.is_object() || text(item, "id", item_place).empty()) {
        fail_at(item_place, "expected an object with an id");
      }
      read(item, item_place, text(item, "id", item_place));
    }
  }

  [[nodiscard]] std::string text(const json& object, const char* name, const std::string& place) const {
    const auto member = object.find(name);
    if (member == object.end()) {
      return {};
    }
    if (!member->is_string()) {
      fail_at(fmt::format("{}/{}", place, name), "expected a text");
    }
    return member->get<std::string>();
  }

  void add(const Parts& parts, const json& properties, const std::string& place) {
    if (!desired_.objects.emplace(parts, normalised(parts, properties)).second) {
      fail_at(place, fmt::format("{} stands in the file twice", name_of(parts)));
    }
  }

  void certificate(const json& item, const std::string& place, const std::string& id) {
    check_names(item, place, {"id", "pfxFile", "passwordFile", "passwordEnv", "keyVault", "thumbprint"});
    const Parts parts{"certificates", id};
    const std::string pfx = text(item, "pfxFile", place);
    if ((pfx.empty() ? 0 : 1) + (item.contains("keyVault") ? 1 : 0) + (item.contains("thumbprint") ? 1 : 0) != 1) {
      fail_at(place, "expected one of pfxFile, keyVault, and for a certificate that is on the gateway already its thumbprint");
    }
    if (pfx.empty()) {
      json properties = item;
      if (std::string thumbprint = text(item, "thumbprint", place); !thumbprint.empty()) {
        std::ranges::transform(thumbprint, thumbprint.begin(), [](char c) { return c >= 'a' && c <= 'f' ? static_cast<char>(c - 32) : c; });
        properties["thumbprint"] = thumbprint;
      }
      add(parts, properties, place);
      return;
    }
    const std::string password_file = text(item, "passwordFile", place);
    const PasswordSource password{.file = password_file.empty() ? std::string() : config::beside(file_, password_file),
                                  .variable = text(item, "passwordEnv", place)};
    if (!password.file.empty() && !password.variable.empty()) {
      fail_at(place, "expected passwordFile or passwordEnv, not both");
    }
    PfxUpload upload = open_pfx(config::beside(file_, pfx), password, false);
    add(parts, {{"thumbprint", upload.certificate->thumbprint_sha1()}}, place);
    desired_.uploads.emplace(parts, std::move(upload));
  }

  void api(const json& item, const std::string& place, const std::string& id) {
    const Parts parts{"apis", id};
    add(parts, item, place);
    policy(item, place, parts);
    each(item, place, "operations", [&](const json& operation, const std::string& operation_place, const std::string& operation_id) {
      const Parts operation_parts{"apis", id, "operations", operation_id};
      add(operation_parts, operation, operation_place);
      policy(operation, operation_place, operation_parts);
    });
  }

  void policy(const json& object, const std::string& place, Parts scope) {
    std::string xml = text(object, "policy", place);
    if (const std::string file = text(object, "policyFile", place); !file.empty()) {
      if (!xml.empty()) {
        fail_at(place, "expected policy or policyFile, not both");
      }
      xml = read_text(config::beside(file_, file), policy_file_bytes_max);
    }
    if (!xml.empty()) {
      scope.insert(scope.end(), {"policies", "policy"});
      add(scope, {{"value", xml}}, place);
    }
  }

  const std::string& file_;
  Desired desired_;
};

}  // namespace

json read_json(const std::string& file, std::size_t bytes_max) {
  const std::string text = read_text(file, bytes_max);
  try {
    return json::parse(text);
  } catch (const json::parse_error& fault) {
    const std::string_view what(fault.what());
    const std::size_t at = what.find("at line");
    throw Failure(fmt::format("{}: not JSON: {}", file, clean(what.substr(at == std::string_view::npos ? 0 : at))));
  }
}

Desired read_desired(const std::string& file) {
  return Reader(file).read(read_json(file, desired_file_bytes_max));
}

}  // namespace signet::app::cli
