// SPDX-License-Identifier: GPL-3.0-or-later
#include "signet/config/load.h"

#include <fmt/core.h>

#include <algorithm>
#include <array>
#include <chrono>
#include <string_view>
#include <tuple>
#include <unordered_map>
#include <utility>

#include "json.h"
#include "load_admin.h"
#include "load_objects.h"
#include "reader.h"

namespace signet::config {

namespace {

using std::chrono::hours;
using std::chrono::milliseconds;

constexpr std::uint32_t shards_max = 1024;
/// Smaller heads than this are common.
constexpr std::uint32_t head_bytes_min = 1024;
constexpr std::uint32_t head_bytes_max = 16 * 1024 * 1024;

constexpr std::array<Choice<ForwardedHeaders>, 4> forwarded_headers{{
    {"none", ForwardedHeaders::none},
    {"x-forwarded", ForwardedHeaders::x_forwarded},
    {"forwarded", ForwardedHeaders::forwarded},
    {"both", ForwardedHeaders::both},
}};

void read_listeners(ObjectReader& reader, std::vector<Listener>& listeners) {
  Document& document = reader.document();
  reader.require({"listeners"});
  const bool none = reader.each("listeners", json::Type::object, [&](const Item& item) {
    ObjectReader entry(document, item);
    std::string text;
    entry.require({"address"});
    entry.text("address", text, 1, 64);
    std::optional<ListenerTls> tls;
    entry.object("tls", [&tls](ObjectReader& settings) { tls = read_listener_tls(settings); });
    if (text.empty()) {
      return;
    }
    const std::optional<Endpoint> address = parse_endpoint(text);
    if (!address) {
      entry.error("address", R"(expected an IP address and a port, such as "127.0.0.1:8080" or "[::1]:8080")");
      return;
    }
    const bool repeated = address->port != 0 &&
                          std::any_of(listeners.begin(), listeners.end(), [&](const Listener& other) { return other.address == *address; });
    if (repeated) {
      entry.error("address", "another listener has this address");
    }
    listeners.push_back(Listener{.address = *address, .tls = std::move(tls), .source = entry.source("address")});
  });
  if (none) {
    reader.error("listeners", "expected at least one listener");
  }
}

void read_cidrs(ObjectReader& reader, std::string_view name, std::vector<Cidr>& blocks) {
  reader.each(name, json::Type::string, [&](const Item& item) {
    if (const std::optional<Cidr> block = parse_cidr(item.node->text)) {
      blocks.push_back(*block);
    } else {
      reader.document().report().error(
          reader.document().source(item.node->offset, item.pointer),
          R"(expected an IP address or a block without bits behind its prefix, such as "10.0.0.0/8" or "fd00::/8")");
    }
  });
}

void read_limits(ObjectReader& reader, Limits& limits) {
  reader.number("requestHeadBytes", limits.request_head_bytes, head_bytes_min, head_bytes_max);
  reader.number("responseHeadBytes", limits.response_head_bytes, head_bytes_min, head_bytes_max);
  reader.number("requestBodyBytes", limits.request_body_bytes, 0);
  reader.number("connectionsMax", limits.connections_max, 1);
}

void read_timeouts(ObjectReader& reader, Timeouts& timeouts) {
  reader.duration("head", timeouts.head, milliseconds(1), hours(1));
  reader.duration("idle", timeouts.idle, milliseconds(1), hours(24));
  reader.duration("body", timeouts.body, milliseconds(1), hours(24));
}

void read_errors(ObjectReader& reader, Config& config) {
  std::uint16_t status = config.backend_tls_status;
  reader.number("backendTlsStatus", status, 0);
  if (status == 500 || status == 502) {
    config.backend_tls_status = status;
  } else {
    reader.error("backendTlsStatus", fmt::format("expected 500 or 502, found {}", status));
  }
}

/// `-` and the empty text stay; anything else is a file.
void read_access_log(ObjectReader& reader, Config& config) {
  reader.text("accessLog", config.access_log, 0, 4096);
  if (config.access_log != "-") {
    config.access_log = beside(config.file, config.access_log);
  }
}

/// Reads every object of a list and sees to it that no id is there twice.
template <typename Object, typename Read>
void read_objects(ObjectReader& reader, std::string_view name, Read read, std::vector<Object>& objects) {
  std::unordered_map<std::string, std::uint32_t> lines;  // of ids
  reader.each(name, json::Type::object, [&](const Item& item) {
    Object object = read(reader.document(), item);
    const auto [same, free] = lines.try_emplace(object.id, object.source.line);
    if (!free && !object.id.empty()) {
      reader.document().report().error(object.source,
                                       fmt::format("the id \"{}\" is taken by the object on line {}", object.id, same->second));
    }
    objects.push_back(std::move(object));
  });
}

Config read_config(Document& document, const json::Node& root) {
  Config config;
  config.file = document.file();
  ObjectReader reader(document, Item{.node = &root, .pointer = {}});
  reader.ignore("$schema");
  reader.number("shards", config.shards, 0, shards_max);
  read_listeners(reader, config.listeners);
  read_cidrs(reader, "trustedProxies", config.trusted_proxies);
  reader.object("limits", [&](ObjectReader& limits) { read_limits(limits, config.limits); });
  reader.object("timeouts", [&](ObjectReader& timeouts) { read_timeouts(timeouts, config.timeouts); });
  reader.duration("drainTimeout", config.drain_timeout, Duration::zero(), hours(24));
  reader.boolean("watchFiles", config.watch_files);
  read_access_log(reader, config);
  reader.file("stateDirectory", config.state_directory);
  reader.choice<ForwardedHeaders>("forwardedHeaders", config.forwarded_headers, forwarded_headers);
  reader.object("errors", [&](ObjectReader& errors) { read_errors(errors, config); });
  read_objects(reader, "certificates", read_certificate, config.certificates);
  read_objects(reader, "certificateAuthorities", read_certificate_authority, config.certificate_authorities);
  read_objects(reader, "certificateRevocationLists", read_certificate_revocation_list, config.certificate_revocation_lists);
  read_objects(reader, "backends", read_backend, config.backends);
  read_objects(reader, "apis", read_api, config.apis);
  reader.file("secretsRoot", config.secrets_root);
  read_cidrs(reader, "allowInternalBackends", config.allow_internal_backends);
  read_admin(reader, config);
  read_policy_file(reader, config.policy);
  return config;
}

}  // namespace

Loaded parse_config(const std::string& path, std::string_view text) {
  Loaded loaded;
  Document document(path, text, loaded.report);
  const std::expected<json::Node, json::SyntaxError> root = json::parse(text, config_depth_max);
  if (!root) {
    loaded.report.error(document.source(root.error().offset, {}), root.error().message);
    return loaded;
  }
  Config config = read_config(document, *root);
  const auto place = [](const Problem& problem) {
    return std::tie(problem.source.line, problem.source.column, problem.source.pointer, problem.message);
  };
  std::ranges::sort(loaded.report.errors, {}, place);
  std::ranges::sort(loaded.report.warnings, {}, place);
  if (loaded.report.ok()) {
    loaded.config = std::move(config);
  }
  return loaded;
}

Loaded load_config(const std::string& path, Files& files) {
  const Result<std::string> text = files.read(path, config_file_bytes_max);
  if (!text) {
    Loaded loaded;
    loaded.report.error({}, text.error().detail);
    return loaded;
  }
  return parse_config(path, *text);
}

}  // namespace signet::config
