// SPDX-License-Identifier: GPL-3.0-or-later
// The files under conf/: the samples load, and the schema knows exactly the settings that the reader knows.
#include <algorithm>
#include <catch2/catch_test_macros.hpp>
#include <filesystem>
#include <map>
#include <set>
#include <string>

#include "signet/config/load.h"
#include "config/json.h"

using namespace signet::config;

namespace {

const std::filesystem::path conf = std::filesystem::path(SIGNET_SOURCE_DIR) / "conf";

std::string content(const std::filesystem::path& path) {
  SystemFiles files;
  return files.read(path.string(), config_file_bytes_max).value();
}

const json::Node* member(const json::Node& object, std::string_view key) {
  const auto found = std::ranges::find(object.children, key, &json::Node::key);
  return found == object.children.end() ? nullptr : &*found;
}

/// The schema's objects with closed lists of properties, by where they stand in a configuration.
class Schema {
 public:
  Schema() : root_(json::parse(content(conf / "signet.schema.json"), 32).value()) { walk(root_, ""); }

  /// JSON pointer, array indices as 0, to names of properties.
  std::map<std::string, std::set<std::string>> objects;

 private:
  void walk(const json::Node& schema, const std::string& pointer) {
    if (const json::Node* reference = member(schema, "$ref")) {
      constexpr std::string_view prefix = "#/$defs/";
      REQUIRE(reference->text.starts_with(prefix));
      const json::Node* definition = member(*member(root_, "$defs"), reference->text.substr(prefix.size()));
      REQUIRE(definition != nullptr);
      walk(*definition, pointer);
    }
    if (const json::Node* items = member(schema, "items")) {
      walk(*items, pointer + "/0");
    }
    if (const json::Node* properties = member(schema, "properties")) {
      REQUIRE(member(schema, "additionalProperties") != nullptr);
      CHECK_FALSE(member(schema, "additionalProperties")->boolean);
      for (const json::Node& property : properties->children) {
        objects[pointer].insert(property.key);
        walk(property, pointer + "/" + property.key);
      }
    }
  }

  json::Node root_;
};

/// A configuration in which the object at `pointer` has only a setting that does not exist.
std::string with_unknown_setting(std::string_view pointer) {
  std::string text = R"({ "qqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqq": 0 })";
  while (!pointer.empty()) {
    const std::size_t slash = pointer.rfind('/');
    const std::string name(pointer.substr(slash + 1));
    text = name == "0" ? "[" + text + "]" : "{ \"" + name + "\": " + text + " }";
    pointer = pointer.substr(0, slash);
  }
  return text;
}

/// The names that the reader offers instead of that setting.
std::set<std::string> names_known_at(const std::string& pointer) {
  std::set<std::string> names;
  for (const Problem& problem : parse_config("x.json", with_unknown_setting(pointer)).report.errors) {
    const std::size_t start = problem.message.find("; expected ");
    if (!problem.message.starts_with("unknown setting") || start == std::string::npos) {
      continue;
    }
    std::string_view rest = std::string_view(problem.message).substr(start + 11);
    while (!rest.empty()) {
      const std::size_t comma = std::min(rest.find(", "), rest.size());
      names.emplace(rest.substr(0, comma));
      rest.remove_prefix(std::min(comma + 2, rest.size()));
    }
  }
  return names;
}

}  // namespace

TEST_CASE("every sample under conf/ loads without an error or a warning", "[config]") {
  SystemFiles files;
  int count = 0;
  for (const auto& entry : std::filesystem::directory_iterator(conf)) {
    if (entry.path().extension() != ".json" || entry.path().filename() == "signet.schema.json") {
      continue;
    }
    ++count;
    const Loaded loaded = load_config(entry.path().string(), files);
    for (const Problem& problem : loaded.report.errors) {
      FAIL_CHECK(problem.text());
    }
    for (const Problem& problem : loaded.report.warnings) {
      FAIL_CHECK(problem.text());
    }
  }
  CHECK(count >= 3);
}

TEST_CASE("the quick start listens on loopback and shows its certificate to a local back end", "[config]") {
  SystemFiles files;
  const Loaded loaded = load_config((conf / "quickstart.json").string(), files);
  REQUIRE(loaded.config.has_value());
  CHECK(loaded.config->listeners.at(0).address.text() == "127.0.0.1:8080");
  CHECK(loaded.config->certificates.at(0).pfx_file.value == (conf / "../demo/client.pfx").string());
  CHECK(loaded.config->certificates.at(0).password_file.value == (conf / "../demo/client.pass").string());
  CHECK(loaded.config->certificate_authorities.at(0).pem_file.value == (conf / "../demo/ca.pem").string());
  CHECK(loaded.config->backends.at(0).url.authority == "localhost:8443");
  CHECK(loaded.config->backends.at(0).credentials.certificate_ids.at(0).value == loaded.config->certificates.at(0).id);
}

TEST_CASE("the schema has exactly the settings that the reader knows", "[config]") {
  const Schema schema;
  CHECK(schema.objects.size() == 27);
  for (const auto& [pointer, names] : schema.objects) {
    CAPTURE(pointer);
    CHECK(names == names_known_at(pointer));
  }
}
