// SPDX-License-Identifier: GPL-3.0-or-later
#include "secret_source.h"

#include <fmt/core.h>

#include <algorithm>
#include <filesystem>
#include <optional>
#include <system_error>
#include <utility>

#include "signet/config/files.h"
#include "signet/wire/http_head.h"
#include "signet/wire/secret_bytes.h"
#include "api_resource.h"

namespace signet::control {

namespace {

namespace fs = std::filesystem;

/// A password file holds little.
constexpr std::size_t password_bytes_max = 4096;

std::unexpected<std::string> outside() {
  return std::unexpected(std::string("expected a file below secretsRoot"));
}

bool lies_below(const fs::path& root, const fs::path& path) {
  const auto [of_root, of_path] = std::ranges::mismatch(root, path);
  return of_root == root.end() && of_path != path.end();
}

/// The path of a file:// URL without host; nothing for anything else.
std::optional<fs::path> path_of(const std::string& url) {
  constexpr std::string_view scheme = "file://";
  if (!wire::equals_ignoring_case(std::string_view(url).substr(0, scheme.size()), scheme)) {
    return std::nullopt;
  }
  std::string_view rest = std::string_view(url).substr(scheme.size());
  constexpr std::string_view host = "localhost";
  if (wire::equals_ignoring_case(rest.substr(0, host.size()), host)) {
    rest.remove_prefix(host.size());
  }
  const std::optional<std::string> path = percent_decoded(rest);
  return rest.starts_with('/') && path ? std::optional<fs::path>(*path) : std::nullopt;
}

/// The real place, if it lies below `root`.
std::expected<fs::path, std::string> real_path(const fs::path& root, const fs::path& path) {
  std::error_code error;
  fs::path real = fs::canonical(path, error);
  if (error) {
    return std::unexpected(fmt::format("{} cannot be read: {}", path.string(), error.message()));
  }
  if (!lies_below(root, real)) {
    return outside();
  }
  return real;
}

std::expected<std::string, std::string> read(const fs::path& root, const fs::path& path, std::size_t bytes_max) {
  std::expected<fs::path, std::string> real = real_path(root, path);
  if (!real) {
    return std::unexpected(std::move(real.error()));
  }
  Result<std::string> content = config::SystemFiles().read(real->string(), bytes_max);
  if (!content) {
    return std::unexpected(std::move(content.error().detail));
  }
  return std::move(*content);
}

std::expected<std::optional<std::string>, std::string> read_password(const fs::path& root, const fs::path& file) {
  const fs::path beside = file.string() + ".password";
  std::error_code error;
  if (!fs::exists(beside, error)) {
    return std::nullopt;
  }
  std::expected<std::string, std::string> password = read(root, beside, password_bytes_max);
  if (!password) {
    return std::unexpected(std::move(password.error()));
  }
  while (password->ends_with('\n') || password->ends_with('\r')) {
    password->pop_back();
  }
  return std::move(*password);
}

}  // namespace

std::expected<std::shared_ptr<const wire::Certificate>, std::string> open_secret(const std::string& root_name, const std::string& url) {
  if (root_name.empty()) {
    return std::unexpected(std::string("no file may be named: the configuration has no secretsRoot"));
  }
  std::error_code error;
  const fs::path root = fs::canonical(root_name, error);
  if (error) {
    return std::unexpected(fmt::format("secretsRoot cannot be read: {}", error.message()));
  }
  const std::optional<fs::path> named = path_of(url);
  if (!named) {
    return std::unexpected(std::string("expected a URL such as \"file:///etc/signet/secrets/orders.pfx\""));
  }
  const fs::path plain = named->lexically_normal();
  if (!lies_below(root, plain) && !lies_below(fs::absolute(root_name, error).lexically_normal(), plain)) {
    return outside();
  }
  const bool folder = fs::is_directory(plain, error);
  const fs::path file = folder ? plain / "tls.crt" : plain;
  std::expected<std::string, std::string> content = read(root, file, wire::certificate_file_bytes_max);
  if (!content) {
    return std::unexpected(std::move(content.error()));
  }
  std::expected<std::optional<std::string>, std::string> password = read_password(root, file);
  if (!password) {
    return std::unexpected(std::move(password.error()));
  }
  Result<std::shared_ptr<const wire::Certificate>> certificate = [&]() -> Result<std::shared_ptr<const wire::Certificate>> {
    if (!folder) {
      return wire::Certificate::from_file(as_bytes(*content), {.password = *password, .friendly_name = {}});
    }
    std::expected<std::string, std::string> key = read(root, plain / "tls.key", wire::certificate_file_bytes_max);
    if (!key) {
      return fail(ErrorKind::config, Origin::internal, std::move(key.error()));
    }
    Result<std::shared_ptr<const wire::Certificate>> pair = wire::Certificate::from_pem(*content, *key, *password);
    wire::wipe(*key);
    return pair;
  }();
  wire::wipe(*content);
  if (*password) {
    wire::wipe(**password);
  }
  if (!certificate) {
    return std::unexpected(fmt::format("{}: {}", plain.string(), certificate.error().detail));
  }
  return std::move(*certificate);
}

}  // namespace signet::control
