// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include <optional>
#include <string>

/// The commands that end by themselves. Each returns the process' exit status: 0, or 1 after an error that has been explained on standard
/// error.
namespace signet::app {

/// `signet check FILE`: everything that `run` would refuse is refused here; else one line per API says where its calls go and as whom.
int check(const std::string& config_file);

struct CertInspectOptions {
  std::string file;
  std::optional<std::string> password;
  std::string password_file;
  std::string friendly_name;
  std::string key_file;
};

/// `signet cert inspect FILE`: what a PFX or PEM file holds. Never shows a private key.
int cert_inspect(const CertInspectOptions& options);

/// `signet store rekey PATH`: gives the store of a configuration file, or of a state directory, a new key. No gateway may run on it.
int store_rekey(const std::string& path);

/// `signet --version`: Signet, its libraries, and what the kernel's io_uring offers.
[[nodiscard]] std::string version_text();

}  // namespace signet::app
