// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "client.h"

/// The commands that look at and change single objects of a gateway. Each prints its result on standard output, warnings on standard error,
/// and throws Failure.
namespace signet::app::cli {

struct CertAddOptions {
  std::string id;
  std::string file;
  std::string password_file;  ///< "-": standard input
  std::string password_env;
};

/// Asks for the password on the terminal if the file needs one and none is named.
void cert_add(Client& client, const CertAddOptions& options);
void cert_list(Client& client);
void cert_show(Client& client, const std::string& id);
void cert_remove(Client& client, const std::string& id);

struct BackendSetOptions {
  std::string id;
  std::string url;
  std::optional<std::string> title;
  std::optional<std::string> description;
  std::vector<std::string> certificates;
  bool no_certificate = false;
  std::vector<std::string> authorities;  ///< ids of certificateAuthorities in the gateway's own file
  std::string server_name;
  std::optional<bool> validate_certificate_chain;
  std::optional<bool> validate_certificate_name;
};

/// Settings that are not named stay as they are. Prints what the backend is afterwards.
void backend_set(Client& client, const BackendSetOptions& options);
void backend_list(Client& client);
void backend_show(Client& client, const std::string& id);
void backend_remove(Client& client, const std::string& id);
/// `after`: "PT2M", or empty for at once.
void backend_reconnect(Client& client, const std::string& id, const std::string& after);

struct ApiSetOptions {
  std::string id;
  std::optional<std::string> path;
  std::string backend;
  std::string service_url;
  std::optional<std::string> display_name;
  std::vector<std::string> hosts;
  std::string certificate;
  bool no_certificate = false;
};

/// As backend_set. The certificate goes into the API's policy, as `<authentication-certificate>`.
void api_set(Client& client, const ApiSetOptions& options);
void api_list(Client& client);
void api_show(Client& client, const std::string& id);
void api_remove(Client& client, const std::string& id);

/// Whose policy: of an operation of an API, of an API, or with both empty the global one.
struct PolicyScope {
  std::string api;
  std::string operation;

  [[nodiscard]] Parts parts() const;
};

void policy_get(Client& client, const PolicyScope& scope);
/// `file` "-": standard input.
void policy_set(Client& client, const PolicyScope& scope, const std::string& file);
void policy_remove(Client& client, const PolicyScope& scope);

void show_status(Client& client);
void show_refusals(Client& client);

}  // namespace signet::app::cli
