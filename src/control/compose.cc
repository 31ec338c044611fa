// SPDX-License-Identifier: GPL-3.0-or-later
#include "compose.h"

#include <fmt/core.h>

#include <algorithm>
#include <map>
#include <nlohmann/json.hpp>
#include <set>
#include <utility>

#include "signet/config/resources.h"

namespace signet::control {

namespace {

using nlohmann::json;

/// Properties as they were given: the readable ones with the secret ones merged into them.
std::string whole_properties(const std::string& value, const std::string& secret) {
  if (secret.empty()) {
    return value;
  }
  json properties = json::parse(value, nullptr, false);
  const json hidden = json::parse(secret, nullptr, false);
  if (properties.is_discarded() || hidden.is_discarded()) {
    return value;  // its reader says what is wrong
  }
  properties.merge_patch(hidden);
  return properties.dump();
}

std::string replaced(std::string text, std::string_view what, char with) {
  for (std::size_t at = 0; (at = text.find(what, at)) != std::string::npos; ++at) {
    text.replace(at, what.size(), 1, with);
  }
  return text;
}

class Composer {
 public:
  Composer(const config::Config& file, config::Report& report) : config_(file), report_(report) {
    note_ids(config_.certificates);
    note_ids(config_.backends);
    note_ids(config_.apis);
    for (std::size_t at = 0; at < config_.apis.size(); ++at) {
      apis_.emplace(config_.apis[at].id, at);
    }
  }

  /// Objects come sorted: an API before what belongs to it.
  void add(const std::string& key, const Object& object) {
    const Reading& reading = *object.reading;
    const std::vector<std::string>& parts = reading.parts;
    const config::Source source{.pointer = "/" + key};
    report_.append(config::Report(reading.faults));
    if (parts.size() == 2 && parts[0] == "certificates") {
      config::Certificate certificate{.id = parts[1], .loaded = object.certificate, .source = source};
      append(config_.certificates, std::move(certificate), "certificate");
    } else if (const auto* backend = std::get_if<config::Backend>(&reading.value)) {
      append(config_.backends, *backend, "backend");
    } else if (const auto* api = std::get_if<config::Api>(&reading.value)) {
      const std::size_t count = config_.apis.size();
      append(config_.apis, *api, "API");
      if (config_.apis.size() != count) {
        apis_.emplace(parts[1], count);
      }
    } else if (key == "policies/policy") {
      set_policy(config_.policy, reading, source);
    } else if (parts.size() >= 4 && parts[0] == "apis") {
      add_below_api(reading, source);
    } else {
      report_.error(source, "no such kind of object");
    }
  }

  [[nodiscard]] config::Config take() { return std::move(config_); }

 private:
  template <typename Value>
  void note_ids(const std::vector<Value>& objects) {
    for (const Value& object : objects) {
      file_ids_[&objects].insert(object.id);
    }
  }

  template <typename Value>
  void append(std::vector<Value>& objects, Value object, std::string_view kind) {
    if (file_ids_[&objects].contains(object.id)) {
      report_.error(object.source,
                    fmt::format("{} \"{}\" is in the configuration file and in the store: remove it from one of the two", kind, object.id));
      return;
    }
    objects.push_back(std::move(object));
  }

  void set_policy(std::optional<config::PolicyDocument>& target, const Reading& reading, const config::Source& source) {
    const auto* xml = std::get_if<std::string>(&reading.value);
    if (target || xml == nullptr) {
      report_.error(source, target ? "this policy is in the configuration file and in the store" : "expected a policy document");
      return;
    }
    target = config::PolicyDocument{.xml = *xml, .file = {}, .source = source, .references = {}};
  }

  void add_below_api(const Reading& reading, const config::Source& source) {
    const std::vector<std::string>& parts = reading.parts;
    const auto known = apis_.find(parts[1]);
    if (known == apis_.end()) {
      report_.error(source, fmt::format("API \"{}\" does not exist", parts[1]));
      return;
    }
    config::Api* const api = &config_.apis[known->second];
    if (const auto* read = std::get_if<config::Operation>(&reading.value)) {
      api->operations.push_back(*read);
    } else if (parts.size() == 4 && parts[2] == "policies") {
      set_policy(api->policy, reading, source);
    } else if (parts.size() == 6 && parts[2] == "operations" && parts[4] == "policies") {
      const auto operation = std::ranges::find(api->operations, parts[3], &config::Operation::id);
      if (operation == api->operations.end()) {
        report_.error(source, fmt::format("operation \"{}\" does not exist", parts[3]));
      } else {
        set_policy(operation->policy, reading, source);
      }
    } else {
      report_.error(source, "no such kind of object");
    }
  }

  config::Config config_;
  config::Report& report_;
  std::map<const void*, std::set<std::string, std::less<>>> file_ids_;  ///< by the list that they are in
  std::map<std::string, std::size_t, std::less<>> apis_;                ///< where each stands
};

}  // namespace

std::vector<std::string> key_parts(std::string_view key) {
  std::vector<std::string> parts;
  for (std::size_t begin = 0; begin <= key.size();) {
    const std::size_t end = std::min(key.find('/', begin), key.size());
    parts.push_back(replaced(replaced(std::string(key.substr(begin, end - begin)), "%2F", '/'), "%25", '%'));
    begin = end + 1;
  }
  return parts;
}

std::string key_part(std::string_view plain) {
  std::string part;
  for (const char c : plain) {
    if (c == '%' || c == '/') {
      part += c == '/' ? "%2F" : "%25";
    } else {
      part += c;
    }
  }
  return part;
}

std::string make_key(std::span<const std::string> parts) {
  std::string key;
  for (const std::string& part : parts) {
    key += (key.empty() ? "" : "/") + key_part(part);
  }
  return key;
}

std::shared_ptr<const Reading> read_object(const std::string& key, const std::string& value, const std::string& secret) {
  auto reading = std::make_shared<Reading>();
  reading->parts = key_parts(key);
  const std::vector<std::string>& parts = reading->parts;
  if (parts.size() == 2 && parts[0] == "backends") {
    reading->value = config::parse_backend(parts[1], whole_properties(value, secret), reading->faults);
  } else if (parts.size() == 2 && parts[0] == "apis") {
    reading->value = config::parse_api(parts[1], whole_properties(value, secret), reading->faults);
  } else if (parts.size() == 4 && parts[0] == "apis" && parts[2] == "operations") {
    reading->value = config::parse_operation(parts[1], parts[3], whole_properties(value, secret), reading->faults);
  } else if (parts.size() >= 2 && parts[parts.size() - 2] == "policies") {
    const json properties = json::parse(value, nullptr, false);
    if (properties.is_object() && properties.contains("value") && properties["value"].is_string()) {
      reading->value = properties["value"].get<std::string>();
    }
  }
  return reading;
}

config::Config compose(const config::Config& file, const Objects& objects, config::Report& report) {
  Composer composer(file, report);
  for (const auto& [key, object] : objects) {
    composer.add(key, *object);
  }
  return composer.take();
}

}  // namespace signet::control
