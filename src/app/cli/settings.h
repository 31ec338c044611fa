// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include <string>
#include <vector>

#include "signet/config/files.h"
#include "signet/wire/secret_bytes.h"

namespace signet::app::cli {

inline constexpr std::string_view default_endpoint = "https://127.0.0.1:9443";

/// How results are shown.
enum class Output { as_table, as_json };

/// What the command line says about the gateway; empty: not said.
struct ConnectionOptions {
  std::string endpoint;
  std::string token_file;
  std::string ca_file;
  std::string state_directory;
  std::string output = "table";
};

/// Where the gateway is and who we are there. The token is wiped with the object.
struct Settings {
  std::string endpoint;  ///< no slash at its end
  std::string ca_file;   ///< empty: the system's authorities
  std::string token;
  std::string token_source;  ///< for messages: "SIGNET_TOKEN", or a file's path
  Output output = Output::as_table;
  std::vector<std::string> warnings;

  Settings() = default;
  Settings(const Settings&) = delete;
  Settings(Settings&&) = default;
  Settings& operator=(const Settings&) = delete;
  Settings& operator=(Settings&&) = delete;
  ~Settings() { wire::wipe(token); }
};

/// Options come before the environment (SIGNET_ENDPOINT, SIGNET_TOKEN, SIGNET_TOKEN_FILE, SIGNET_CA_FILE), that before
/// signet/config.json below XDG_CONFIG_HOME or ~/.config ({"endpoint", "tokenFile", "caFile"}). With --state-directory the token and the
/// certificate come from there, and the endpoint is the one that was given or the default: a gateway's token is for that gateway.
/// Throws Failure.
[[nodiscard]] Settings resolve_settings(const ConnectionOptions& options, config::Files& files);

/// The file's text without one line end at its end. Throws Failure.
[[nodiscard]] std::string read_secret_file(const std::string& path, config::Files& files);

}  // namespace signet::app::cli
