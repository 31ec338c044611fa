// SPDX-License-Identifier: GPL-3.0-or-later
#include "commands.h"

#include <fmt/core.h>

#include <algorithm>
#include <filesystem>
#include <optional>
#include <utility>
#include <variant>

#include "signet/base/log.h"
#include "signet/base/version.h"
#include "signet/config/files.h"
#include "signet/config/json_version.h"
#include "signet/control/reconciler.h"
#include "signet/control/state_directory.h"
#include "signet/io/uring_io.h"
#include "signet/io/wall_clock.h"
#include "signet/net/resolver.h"
#include "signet/wire/certificate.h"
#include "signet/wire/library_versions.h"
#include "process.h"

namespace signet::app {

namespace {

/// "client certificate orders-client (CN=orders, expires 2027-…)", or what stands in its place.
std::string identity_text(const config::Upstream& upstream, WallTime now) {
  if (upstream.scheme == config::Scheme::http) {
    return "plain HTTP, no client certificate";
  }
  if (!upstream.certificate) {
    return "no client certificate";
  }
  const wire::Certificate& certificate = *upstream.certificate;
  return fmt::format("client certificate {} ({}, thumbprint {}, {} {})", upstream.certificate_id, certificate.subject(),
                     certificate.thumbprint_sha1(), certificate.expired(now) ? "EXPIRED" : "expires",
                     wire::wall_time_text(certificate.not_after()));
}

/// Who answers where no back end does.
std::string_view answerer(const config::Plan& plan) {
  const bool canned =
      std::ranges::any_of(plan.gates, [](const config::Gate& gate) { return std::holds_alternative<config::CannedResponse>(gate); });
  if (canned) {
    return "its policy answers";
  }
  return plan.forwards ? "no back end: calls are answered with 500" : "its policy has no forward-request";
}

/// Where calls go, and as whom: one line, or one for each member of a pool.
void print_plan(std::string_view name, const config::Plan& plan, WallTime now) {
  if (plan.destinations.empty()) {
    fmt::print("{} -> {}\n", name, answerer(plan));
  }
  for (const config::Destination& destination : plan.destinations) {
    const config::Upstream& upstream = *destination.upstream;
    fmt::print("{} -> {}{} {}://{}:{}{} -> {}\n", name, plan.pool_id.empty() ? std::string() : fmt::format("pool {}, ", plan.pool_id),
               upstream.id.empty() ? std::string("serviceUrl") : fmt::format("backend {}", upstream.id),
               upstream.scheme == config::Scheme::https ? "https" : "http", upstream.host, upstream.port, upstream.base_path,
               identity_text(upstream, now));
  }
}

/// Passwords in files mostly end with a newline that is not part of them.
void drop_line_end(std::string& text) {
  if (text.ends_with('\n')) {
    text.pop_back();
  }
  if (text.ends_with('\r')) {
    text.pop_back();
  }
}

/// What a command on the store was given: a state directory, or a configuration that names one. Nothing after an error; it was logged.
std::optional<std::string> state_directory_of(const std::string& path) {
  std::error_code ignored;
  if (std::filesystem::is_directory(path, ignored)) {
    return path;
  }
  const std::shared_ptr<const config::Config> config = control::Reconciler(path).read_file();
  if (!config) {
    return std::nullopt;
  }
  if (config->state_directory.value.empty()) {
    log::error(fmt::format("{} has no stateDirectory: there is no store", path));
    return std::nullopt;
  }
  return config->state_directory.value;
}

int failed(const std::string& file, const Error& error) {
  log::error(file.empty() ? error.detail : fmt::format("{}: {}", file, error.detail));
  return 1;
}

}  // namespace

int check(const std::string& config_file) {
  const control::Reconciler::Loaded loaded = control::Reconciler(config_file).load();
  if (!loaded.snapshot) {
    log::error(loaded.refusal);
    return 1;
  }
  const std::shared_ptr<const config::Snapshot>& snapshot = loaded.snapshot;
  const WallTime now = io::wall_now();
  for (const config::Api& api : snapshot->config().apis) {
    std::string path = api.path;
    path.insert(path.begin(), '/');
    const config::Route* const route = snapshot->route(api.hosts.empty() ? std::string_view() : api.hosts.front(), path);
    if (route == nullptr) {
      continue;  // cannot be: every API is in the router
    }
    const std::string name = fmt::format("API {} (/{})", api.id, api.path);
    print_plan(name, *route->plan, now);
    for (const config::Operation& operation : api.operations) {
      config::TemplateValues values;
      // A template is a path too that the operation itself takes, unless another one takes it first.
      const auto match =
          route->operations == nullptr ? std::nullopt : route->operations->find(operation.method, operation.url_template, values);
      if (match && match->operation_id == operation.id && match->plan != route->plan) {
        print_plan(fmt::format("{} operation {} ({} {})", name, operation.id, operation.method, operation.url_template), *match->plan, now);
      }
    }
  }
  fmt::print("{}: good\n", config_file);
  return 0;
}

int cert_inspect(const CertInspectOptions& options) {
  config::SystemFiles files;
  const Result<std::string> content = files.read(options.file, wire::certificate_file_bytes_max);
  if (!content) {
    return failed({}, content.error());
  }
  wire::PfxOptions pfx{.password = options.password, .friendly_name = options.friendly_name};
  if (!options.password_file.empty()) {
    Result<std::string> password = files.read(options.password_file, wire::certificate_file_bytes_max);
    if (!password) {
      return failed({}, password.error());
    }
    drop_line_end(*password);
    pfx.password = std::move(*password);
  }
  Result<std::string> key = std::string();
  if (!options.key_file.empty()) {
    key = files.read(options.key_file, wire::certificate_file_bytes_max);
    if (!key) {
      return failed({}, key.error());
    }
  }
  const Result<std::shared_ptr<const wire::Certificate>> certificate = options.key_file.empty()
                                                                           ? wire::Certificate::from_file(as_bytes(*content), pfx)
                                                                           : wire::Certificate::from_pem(*content, *key, pfx.password);
  if (!certificate) {
    return failed(options.file, certificate.error());
  }
  fmt::print("{}", wire::describe(**certificate, io::wall_now()));
  return 0;
}

int store_rekey(const std::string& path) {
  const std::optional<std::string> directory = state_directory_of(path);
  if (!directory) {
    return 1;
  }
  const control::StoreResult<control::Rekeyed> rekeyed = control::rekey_state_directory(*directory);
  if (!rekeyed) {
    log::error(rekeyed.error().detail);
    return 1;
  }
  fmt::print("{}: new key, {} secret{} sealed anew; backups made before need the old key\n", *directory, rekeyed->secrets,
             rekeyed->secrets == 1 ? "" : "s");
  return 0;
}

std::string version_text() {
  return fmt::format("signet {}\n{}, {}, {}\n{}\n", version(), wire::library_versions(), config::json_library_version(),
                     net::resolver_library_version(), io::uring_features());
}

}  // namespace signet::app
