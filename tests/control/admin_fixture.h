// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include <catch2/catch_test_macros.hpp>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <memory>
#include <nlohmann/json.hpp>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "signet/control/admin_api.h"
#include "signet/control/reconciler.h"
#include "signet/wire/digest.h"
#include "pfx_fixtures.h"  // made by tests/fixtures/make-pfx-fixtures
#include "support/memory_store.h"

namespace signet::control::test {

using nlohmann::json;

inline constexpr const char* pfx_password = "signet-test";

/// The content of a file that tests/fixtures/make-pfx-fixtures has made: "openssl/key-p256.pfx".
inline std::string fixture(const std::string& name) {
  std::ifstream file(std::filesystem::path(SIGNET_PFX_FIXTURES) / name, std::ios::binary);
  INFO(name);
  REQUIRE(file.good());
  return {std::istreambuf_iterator<char>(file), {}};
}

/// A folder that goes with its owner.
class TemporaryFolder {
 public:
  TemporaryFolder() {
    std::string name = (std::filesystem::temp_directory_path() / "signet-admin-XXXXXX").string();
    REQUIRE(mkdtemp(name.data()) != nullptr);
    path_ = name;
  }
  TemporaryFolder(const TemporaryFolder&) = delete;
  TemporaryFolder& operator=(const TemporaryFolder&) = delete;
  ~TemporaryFolder() {
    std::error_code ignored;
    std::filesystem::remove_all(path_, ignored);
  }

  [[nodiscard]] std::filesystem::path operator/(std::string_view name) const { return path_ / name; }
  void write(std::string_view name, std::string_view content) const {
    std::filesystem::create_directories((path_ / name).parent_path());
    std::ofstream(path_ / name, std::ios::binary) << content;
  }

 private:
  std::filesystem::path path_;
};

/// An answer, taken apart.
struct Reply {
  std::uint16_t status = 0;
  json body;
  std::string text;
  std::string etag;
  std::string allow;

  [[nodiscard]] std::string code() const { return body.value("/error/code"_json_pointer, std::string()); }
  /// Of the first detail.
  [[nodiscard]] std::string target() const { return body.value("/error/details/0/target"_json_pointer, std::string()); }
  [[nodiscard]] std::string detail() const { return body.value("/error/details/0/message"_json_pointer, std::string()); }
  [[nodiscard]] json properties(const std::string& name) const { return body.at("properties").value(name, json()); }
};

/// The management API over a small configuration file and a store in memory.
struct Gateway {
  TemporaryFolder folder;
  signet::test::MemoryStore store;
  std::unique_ptr<Reconciler> reconciler;
  std::unique_ptr<AdminApi> api;
  std::size_t applied = 0;
  std::vector<std::pair<std::string, std::chrono::seconds>> reconnects;

  static constexpr std::string_view plain_file = R"({ "listeners": [{ "address": "127.0.0.1:0" }] })";

  explicit Gateway(std::string_view file = plain_file, std::vector<Endpoint> own_addresses = {}) {
    folder.write("signet.json", file);
    start(std::move(own_addresses));
  }

  /// Anew, from the file and the store.
  void start(std::vector<Endpoint> own_addresses = {}) {
    reconciler = std::make_unique<Reconciler>((folder / "signet.json").string());
    const auto used = reconciler->use_store(store);
    INFO((used ? std::string() : used.error()));
    REQUIRE(used.has_value());
    reconciler->on_apply([this](const std::shared_ptr<const config::Snapshot>&) {
      ++applied;
      return Reconciler::Retired{};
    });
    REQUIRE(reconciler->load().snapshot != nullptr);
    AdminApi::Options options;
    options.status = [] { return std::string(R"({"version":"test"})"); };
    options.refusals = [] { return std::string("[]"); };
    options.reconnect = [this](const std::string& id, std::chrono::seconds after) { reconnects.emplace_back(id, after); };
    options.own_addresses = std::move(own_addresses);
    api = std::make_unique<AdminApi>(*reconciler, std::move(options));
  }

  Reply call(std::string_view method, std::string_view target, std::string body = {}, std::string if_match = {}, Role role = Role::write) {
    AdminRequest request;
    request.method = method;
    request.target = target;
    request.authority = "gateway.example:9443";
    request.if_match = std::move(if_match);
    request.content_type = "application/json";
    request.body = std::move(body);
    request.role = role;
    const AdminResponse response = api->handle(request);
    Reply reply{
        .status = response.status, .body = json::parse(response.body, nullptr, false), .text = response.body, .etag = {}, .allow = {}};
    for (const auto& [name, value] : response.fields) {
      (name == "ETag" ? reply.etag : reply.allow) = value;
    }
    return reply;
  }

  Reply get(std::string_view target) { return call("GET", target); }
  Reply put(std::string_view target, const json& properties, std::string if_match = {}) {
    return call("PUT", target, json{{"properties", properties}}.dump(), std::move(if_match));
  }
  Reply patch(std::string_view target, const json& properties, std::string if_match = "*") {
    return call("PATCH", target, json{{"properties", properties}}.dump(), std::move(if_match));
  }
  Reply remove(std::string_view target, std::string if_match = "*") { return call("DELETE", target, {}, std::move(if_match)); }

  /// REQUIREs that it works.
  void make(std::string_view target, const json& properties) {
    const Reply reply = put(target, properties);
    INFO(reply.text);
    REQUIRE((reply.status == 201 || reply.status == 200));
  }
};

/// {"data", "password"} of a fixture: "openssl/key-p256.pfx".
inline json pfx(const std::string& name, const std::string& password = pfx_password) {
  return {{"data", wire::base64_encode(as_bytes(fixture(name)))}, {"password", password}};
}

}  // namespace signet::control::test
