// SPDX-License-Identifier: GPL-3.0-or-later
#include "commands.h"

#include <fmt/core.h>

#include <filesystem>
#include <utility>

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
    const config::Upstream& upstream = *route->plan->destinations.front().upstream;
    fmt::print("API {} (/{}) -> {} {}://{}:{}{} -> {}\n", api.id, api.path,
               upstream.id.empty() ? std::string("serviceUrl") : fmt::format("backend {}", upstream.id),
               upstream.scheme == config::Scheme::https ? "https" : "http", upstream.host, upstream.port, upstream.base_path,
               identity_text(upstream, now));
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
