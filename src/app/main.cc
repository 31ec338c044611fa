// SPDX-License-Identifier: GPL-3.0-or-later
#include <fmt/core.h>

#include <CLI/CLI.hpp>
#include <exception>
#include <functional>
#include <string>

#include "signet/base/log.h"
#include "cli/cli_options.h"
#include "commands.h"
#include "echo.h"
#include "server.h"

namespace {

using signet::app::CertInspectOptions;
using signet::app::EchoOptions;
using signet::app::RunOptions;

void add_run(CLI::App& app, std::function<int()>& command) {
  auto* const run = app.add_subcommand("run", "Serve calls as a configuration file says, until SIGTERM or SIGINT");
  auto options = std::make_shared<RunOptions>();
  run->add_option("FILE", options->config_file, "Configuration (JSON)")->required();
  run->callback([options, &command] { command = [options] { return signet::app::run(*options); }; });
}

void add_check(CLI::App& app, std::function<int()>& command) {
  auto* const check = app.add_subcommand("check", "Validate a configuration file and show where each API's calls go, and as whom");
  auto file = std::make_shared<std::string>();
  check->add_option("FILE", *file, "Configuration (JSON)")->required();
  check->callback([file, &command] { command = [file] { return signet::app::check(*file); }; });
}

CLI::App& add_cert(CLI::App& app, std::function<int()>& command) {
  auto* const cert = app.add_subcommand("cert", "Client certificates: in files and in a gateway");
  cert->require_subcommand(1);
  auto* const inspect = cert->add_subcommand("inspect", "Show what a PFX or PEM file holds; never the private key");
  auto options = std::make_shared<CertInspectOptions>();
  inspect->add_option("FILE", options->file, "PFX (PKCS #12) or PEM")->required();
  auto* const password =
      inspect->add_option("--password", options->password, "Password of the file; --password-file keeps it out of process lists");
  inspect->add_option("--password-file", options->password_file, "File with the password; one line end at its end is dropped")
      ->excludes(password);
  inspect->add_option("--friendly-name", options->friendly_name, "Which key, if the PFX holds several");
  inspect->add_option("--key", options->key_file, "PEM file with the private key, if it is not in FILE");
  inspect->callback([options, &command] { command = [options] { return signet::app::cert_inspect(*options); }; });
  return *cert;
}

void add_store(CLI::App& app, std::function<int()>& command) {
  auto* const store = app.add_subcommand("store", "Where managed resources rest");
  store->require_subcommand(1);
  auto* const rekey = store->add_subcommand("rekey", "Give the store a new key and seal its secrets anew; the gateway has to be stopped");
  auto path = std::make_shared<std::string>();
  rekey->add_option("PATH", *path, "Configuration (JSON) that names a state directory, or the directory itself")->required();
  rekey->callback([path, &command] { command = [path] { return signet::app::store_rekey(*path); }; });
}

void add_echo(CLI::App& app, std::function<int()>& command) {
  auto* const echo = app.add_subcommand("echo", "A back end for trying out: demands a client certificate, answers who called");
  auto options = std::make_shared<EchoOptions>();
  echo->add_option("--listen", options->address, "Address and port")->capture_default_str();
  echo->add_option("--certificate", options->certificate_file, "Server certificate with chain and key, PFX or PEM; without it, plain HTTP");
  echo->add_option("--key", options->key_file, "PEM file with the private key");
  echo->add_option("--password", options->password, "Password of certificate or key");
  echo->add_option("--client-ca", options->client_ca_file,
                   "Authorities of client certificates (PEM); without it, any certificate is taken");
  echo->add_option("--shards", options->shards, "Threads; 0: one per core")->capture_default_str();
  echo->callback([options, &command] { command = [options] { return signet::app::echo(*options); }; });
}

int run_main(int argc, char** argv) {
  CLI::App app("Signet: an API gateway for back ends that demand a client certificate", "signet");
  app.require_subcommand(1);
  app.set_version_flag("--version", signet::app::version_text, "Versions of Signet and its libraries, and what io_uring offers here");
  std::string log_level = "info";
  app.add_option("--log-level", log_level, "debug, info, warning or error")->check(CLI::IsMember({"debug", "info", "warning", "error"}));
  std::function<int()> command;
  add_run(app, command);
  add_check(app, command);
  add_store(app, command);
  add_echo(app, command);
  signet::app::cli::add_management_commands(app, add_cert(app, command), command);
  try {
    app.parse(argc, argv);
  } catch (const CLI::ParseError& error) {
    return app.exit(error) == 0 ? 0 : 1;
  }
  signet::log::set_level(signet::log::level_from(log_level));
  return command();
}

}  // namespace

int main(int argc, char** argv) {
  try {
    return run_main(argc, argv);
  } catch (const std::exception& exception) {
    signet::log::error(fmt::format("stopped by {}", exception.what()));
    return 1;
  }
}
