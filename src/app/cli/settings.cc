// SPDX-License-Identifier: GPL-3.0-or-later
#include "settings.h"

#include <fmt/core.h>

#include <algorithm>
#include <filesystem>
#include <nlohmann/json.hpp>
#include <optional>

#include "failure.h"

namespace signet::app::cli {

namespace {

constexpr std::size_t settings_file_bytes_max = std::size_t{64} * 1024;
constexpr std::size_t token_bytes_max = 4096;

/// What signet/config.json says.
struct UserFile {
  std::string endpoint;
  std::string token_file;
  std::string ca_file;
};

std::string user_file_path(config::Files& files) {
  if (const std::optional<std::string> base = files.environment("XDG_CONFIG_HOME"); base && base->starts_with('/')) {
    return *base + "/signet/config.json";
  }
  const std::optional<std::string> home = files.environment("HOME");
  return home && !home->empty() ? *home + "/.config/signet/config.json" : std::string();
}

UserFile read_user_file(config::Files& files) {
  UserFile user;
  const std::string path = user_file_path(files);
  std::error_code ignored;
  if (path.empty() || !std::filesystem::exists(path, ignored)) {
    return user;
  }
  const Result<std::string> text = files.read(path, settings_file_bytes_max);
  if (!text) {
    throw Failure(text.error().detail);
  }
  const nlohmann::json root = nlohmann::json::parse(*text, nullptr, false);
  if (!root.is_object()) {
    throw Failure(fmt::format("{}: expected a JSON object with endpoint, tokenFile and caFile", path));
  }
  for (const auto& [name, value] : root.items()) {
    std::string* const place = name == "endpoint"    ? &user.endpoint
                               : name == "tokenFile" ? &user.token_file
                               : name == "caFile"    ? &user.ca_file
                                                     : nullptr;
    if (place == nullptr || !value.is_string()) {
      throw Failure(fmt::format("{}: \"{}\": expected endpoint, tokenFile and caFile, each a text", path, name));
    }
    *place = value.get<std::string>();
  }
  for (std::string* const file : {&user.token_file, &user.ca_file}) {
    *file = file->empty() ? std::string() : config::beside(path, *file);
  }
  return user;
}

/// The first that says something.
std::string first_of(std::initializer_list<std::string> texts) {
  const auto* const said = std::ranges::find_if(texts, [](const std::string& text) { return !text.empty(); });
  return said == texts.end() ? std::string() : *said;
}

bool readable_by_others(const std::string& path) {
  using std::filesystem::perms;
  std::error_code failure;
  const perms mode = std::filesystem::status(path, failure).permissions();
  return !failure && (mode & (perms::group_read | perms::others_read)) != perms::none;
}

void read_token(Settings& settings, const std::string& path, config::Files& files) {
  settings.token = read_secret_file(path, files);
  settings.token_source = path;
  if (readable_by_others(path)) {
    settings.warnings.push_back(fmt::format("{}: others than its owner may read this token: chmod 600 {}", path, path));
  }
}

void check(const Settings& settings) {
  if (!settings.endpoint.starts_with("https://") && !settings.endpoint.starts_with("http://")) {
    throw Failure(fmt::format("endpoint {}: expected a URL such as {}", settings.endpoint, default_endpoint));
  }
  if (settings.endpoint.find_first_of("?#@ ") != std::string::npos) {
    throw Failure("endpoint: expected a URL without user, query and fragment");
  }
  if (settings.token.empty()) {
    throw Failure(ExitStatus::unauthorised,
                  "no token: name its file with --token-file or SIGNET_TOKEN_FILE, or the gateway's folder with --state-directory");
  }
  const bool good = std::ranges::all_of(settings.token, [](char c) { return c > 0x20 && c < 0x7f; });
  if (!good || settings.token.size() > token_bytes_max) {
    throw Failure(fmt::format("{}: expected one token: printable ASCII characters in one line", settings.token_source));
  }
}

}  // namespace

std::string read_secret_file(const std::string& path, config::Files& files) {
  Result<std::string> text = files.read(path, settings_file_bytes_max);
  if (!text) {
    throw Failure(text.error().detail);
  }
  if (text->ends_with('\n')) {
    text->pop_back();
  }
  if (text->ends_with('\r')) {
    text->pop_back();
  }
  return std::move(*text);
}

Settings resolve_settings(const ConnectionOptions& options, config::Files& files) {
  Settings settings;
  settings.output = options.output == "json" ? Output::as_json : Output::as_table;
  const auto environment = [&](const char* name) { return files.environment(name).value_or(std::string()); };
  if (!options.state_directory.empty()) {
    const std::string& folder = options.state_directory;
    settings.endpoint = first_of({options.endpoint, std::string(default_endpoint)});
    settings.ca_file = first_of({options.ca_file, folder + "/admin.crt"});
    read_token(settings, first_of({options.token_file, folder + "/admin.token"}), files);
  } else {
    const UserFile user = read_user_file(files);
    settings.endpoint = first_of({options.endpoint, environment("SIGNET_ENDPOINT"), user.endpoint, std::string(default_endpoint)});
    settings.ca_file = first_of({options.ca_file, environment("SIGNET_CA_FILE"), user.ca_file});
    if (std::string token = environment("SIGNET_TOKEN"); options.token_file.empty() && !token.empty()) {
      settings.token = std::move(token);
      settings.token_source = "SIGNET_TOKEN";
    } else if (const std::string file = first_of({options.token_file, environment("SIGNET_TOKEN_FILE"), user.token_file}); !file.empty()) {
      read_token(settings, file, files);
    }
  }
  while (settings.endpoint.ends_with('/')) {
    settings.endpoint.pop_back();
  }
  check(settings);
  return settings;
}

}  // namespace signet::app::cli
