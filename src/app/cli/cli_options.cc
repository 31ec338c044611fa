// SPDX-License-Identifier: GPL-3.0-or-later
#include "cli_options.h"

#include <fmt/core.h>

#include <memory>
#include <string>
#include <utility>

#include "signet/config/files.h"
#include "apply_command.h"
#include "client.h"
#include "command_parts.h"
#include "commands.h"
#include "completion.h"
#include "import_command.h"
#include "settings.h"

namespace signet::app::cli {

namespace {

using Command = std::function<int()>;

int explained(const Failure& failure) {
  complain(failure.message());
  for (const std::string& line : failure.lines()) {
    fmt::print(stderr, "{}\n", line);
  }
  return static_cast<int>(failure.status());
}

int guarded(const std::function<int()>& work) {
  try {
    return work();
  } catch (const Failure& failure) {
    return explained(failure);
  }
}

/// Each command of a gateway has these.
std::shared_ptr<ConnectionOptions> add_connection(CLI::App* command) {
  auto options = std::make_shared<ConnectionOptions>();
  const std::string group = "Gateway";
  command->add_option("--endpoint", options->endpoint, fmt::format("URL of the management API; SIGNET_ENDPOINT; else {}", default_endpoint))
      ->group(group);
  command->add_option("--token-file", options->token_file, "File with the token; SIGNET_TOKEN_FILE, or the token itself in SIGNET_TOKEN")
      ->group(group);
  command->add_option("--ca-file", options->ca_file, "Authorities that vouch for the management API (PEM); SIGNET_CA_FILE")->group(group);
  command
      ->add_option("--state-directory", options->state_directory,
                   "The gateway's stateDirectory, if it is on this machine: admin.token and admin.crt are taken from there")
      ->group(group);
  command->add_option("--output", options->output, "table, for people, or json")
      ->check(CLI::IsMember({"table", "json"}))
      ->capture_default_str()
      ->group(group);
  return options;
}

/// A command that talks to a gateway and returns its exit status.
template <typename Work>
void set_work(CLI::App* command, Command& chosen, Work work) {
  const std::shared_ptr<ConnectionOptions> connection = add_connection(command);
  command->callback([connection, &chosen, work = std::move(work)] {
    chosen = [connection, work] {
      return guarded([&] {
        config::SystemFiles files;
        Settings settings = resolve_settings(*connection, files);
        for (const std::string& warning : settings.warnings) {
          complain(warning);
        }
        Client client(std::move(settings));
        if constexpr (std::is_void_v<decltype(work(client))>) {
          work(client);
          return static_cast<int>(ExitStatus::ok);
        } else {
          return static_cast<int>(work(client));
        }
      });
    };
  });
}

/// `show ID`, `remove ID`: commands with nothing but an id.
void add_by_id(CLI::App* parent, const char* name, const char* description, Command& chosen, void (*work)(Client&, const std::string&)) {
  auto* const command = parent->add_subcommand(name, description);
  auto id = std::make_shared<std::string>();
  command->add_option("ID", *id)->required();
  set_work(command, chosen, [id, work](Client& client) { work(client, *id); });
}

void add_cert(CLI::App* cert, Command& chosen) {
  auto* const add = cert->add_subcommand("add", "Upload a PFX file to a gateway under an id, new or in place of what is there");
  auto options = std::make_shared<CertAddOptions>();
  add->add_option("ID", options->id)->required();
  add->add_option("FILE", options->file, "PFX (PKCS #12)")->required();
  auto* const file = add->add_option("--password-file", options->password_file,
                                     "File with its password, - for standard input; one line end at its end is dropped");
  add->add_option("--password-env", options->password_env, "Variable with its password; without either it is asked for on the terminal")
      ->excludes(file);
  set_work(add, chosen, [options](Client& client) { cert_add(client, *options); });
  set_work(cert->add_subcommand("list", "The certificates of a gateway: when they expire, and who uses them"), chosen, cert_list);
  add_by_id(cert, "show", "One certificate of a gateway", chosen, cert_show);
  add_by_id(cert, "remove", "Remove a certificate from a gateway; refused while something uses it", chosen, cert_remove);
}

/// "on" and "off" of one switch.
void add_switch(CLI::App* command, const char* off, const char* on, std::optional<bool>& value, const char* what) {
  auto* const skip = command->add_flag_callback(off, [&value] { value = false; }, fmt::format("Do not check {}", what));
  command->add_flag_callback(on, [&value] { value = true; }, fmt::format("Check {} (as a new backend does)", what))->excludes(skip);
}

void add_backend(CLI::App& app, Command& chosen) {
  auto* const backend = app.add_subcommand("backend", "Back ends of a gateway");
  backend->require_subcommand(1);
  auto* const set = backend->add_subcommand("set", "Make a backend, or change what is named of one that is there");
  auto options = std::make_shared<BackendSetOptions>();
  set->add_option("ID", options->id)->required();
  set->add_option("--url", options->url, "Where calls go");
  auto* const certificate = set->add_option("--cert", options->certificates, "Certificate that is shown to it, by id")->type_name("ID");
  set->add_flag("--no-cert", options->no_certificate, "Show it none")->excludes(certificate);
  set->add_option("--ca", options->authorities, "Authorities that vouch for it, by ids of certificateAuthorities in the gateway's file")
      ->type_name("ID");
  set->add_option("--server-name", options->server_name, "Name that its certificate has to have, in place of the URL's host");
  add_switch(set, "--skip-certificate-chain-validation", "--validate-certificate-chain", options->validate_certificate_chain,
             "that a trusted authority vouches for its certificate");
  add_switch(set, "--skip-certificate-name-validation", "--validate-certificate-name", options->validate_certificate_name,
             "that its certificate has its name");
  set->add_option("--title", options->title);
  set->add_option("--description", options->description);
  set_work(set, chosen, [options](Client& client) { backend_set(client, *options); });
  set_work(backend->add_subcommand("list", "All of them"), chosen, backend_list);
  add_by_id(backend, "show", "One of them, with every setting", chosen, backend_show);
  add_by_id(backend, "remove", "Remove one; refused while something uses it", chosen, backend_remove);
  auto* const reconnect = backend->add_subcommand("reconnect", "Open its connections anew; calls that are under way are finished first");
  auto again = std::make_shared<std::pair<std::string, std::string>>();
  reconnect->add_option("ID", again->first)->required();
  reconnect->add_option("--after", again->second, "Wait that long first, such as PT2M");
  set_work(reconnect, chosen, [again](Client& client) { backend_reconnect(client, again->first, again->second); });
}

/// get, set, remove of a policy. Without `of_api` it is the global one.
void add_policy(CLI::App* parent, Command& chosen, bool of_api) {
  auto* const policy = parent->add_subcommand("policy", of_api ? "Policies of APIs and their operations" : "The global policy");
  policy->require_subcommand(1);
  struct Options {
    PolicyScope scope;
    std::string file;
  };
  auto options = std::make_shared<Options>();
  const auto add = [&](const char* name, const char* description) {
    auto* const command = policy->add_subcommand(name, description);
    if (of_api) {
      command->add_option("ID", options->scope.api, "The API")->required();
      command->add_option("--operation", options->scope.operation, "That of this operation of it")->type_name("ID");
    }
    return command;
  };
  set_work(add("get", "Print it, as XML"), chosen, [options](Client& client) { policy_get(client, options->scope); });
  auto* const set = add("set", "Replace it by a file");
  set->add_option("FILE", options->file, "XML; - for standard input")->required();
  set_work(set, chosen, [options](Client& client) { policy_set(client, options->scope, options->file); });
  set_work(add("remove", "Remove it"), chosen, [options](Client& client) { policy_remove(client, options->scope); });
}

void add_api(CLI::App& app, Command& chosen) {
  auto* const api = app.add_subcommand("api", "APIs of a gateway");
  api->require_subcommand(1);
  auto* const set = api->add_subcommand("set", "Make an API, or change what is named of one that is there");
  auto options = std::make_shared<ApiSetOptions>();
  set->add_option("ID", options->id)->required();
  set->add_option("--path", options->path, "Path below which it is called, such as shop/orders");
  auto* const backend = set->add_option("--backend", options->backend, "Backend that its calls go to, by id")->type_name("ID");
  set->add_option("--service-url", options->service_url, "URL that its calls go to")->excludes(backend);
  set->add_option("--display-name", options->display_name);
  set->add_option("--host", options->hosts, "Host that it is called under; several: all of them; none: any");
  auto* const certificate =
      set->add_option("--cert", options->certificate, "Certificate of its calls, by id: put into its policy")->type_name("ID");
  set->add_flag("--no-cert", options->no_certificate, "Take the certificate out of its policy")->excludes(certificate);
  set_work(set, chosen, [options](Client& client) { api_set(client, *options); });
  set_work(api->add_subcommand("list", "All of them"), chosen, api_list);
  add_by_id(api, "show", "One of them, with its operations", chosen, api_show);
  add_by_id(api, "remove", "Remove one, with its operations and policies", chosen, api_remove);
  add_policy(api, chosen, true);
}

void add_apply(CLI::App& app, Command& chosen) {
  auto* const command = app.add_subcommand("apply", "Make a gateway have what a file says; prints what is to be done");
  auto options = std::make_shared<ApplyOptions>();
  command->add_option("-f,--file", options->file, "JSON with certificates, backends, apis and policy, as in a configuration file")
      ->required();
  command->add_flag("--dry-run", options->dry_run, "Only print the plan");
  command->add_flag("--prune", options->prune, "Remove what the file does not name, but for objects of the gateway's own file");
  command->add_flag("--rewrite-secrets", options->rewrite_secrets, "Write credentials of backends again, which cannot be compared");
  set_work(command, chosen, [options](Client& client) { apply(client, *options); });
  set_work(app.add_subcommand("export", "Print what a gateway has, in the form that apply reads, without secrets"), chosen, export_all);
}

void add_import(CLI::App& app, Command& chosen) {
  auto* const command = app.add_subcommand("import", "Bring a gateway what it can have of an Azure API Management, and say what it cannot");
  auto options = std::make_shared<ImportOptions>();
  command->add_option("FILE", options->file, "ARM template, or what `az apim` or `az rest` print (JSON)")->required();
  command->add_option("--parameters", options->parameters_file, "ARM parameters file of the template");
  command->add_flag("--dry-run", options->dry_run, "Only print the plan");
  set_work(command, chosen, [options](Client& client) { return import_file(client, *options); });
}

void add_completion(CLI::App& app, Command& chosen) {
  auto* const command = app.add_subcommand("completion", "Print a script that completes commands and options in a shell");
  auto shell = std::make_shared<std::string>();
  command->add_option("SHELL", *shell)->required()->check(CLI::IsMember({"bash", "zsh", "fish"}));
  command->callback([shell, &app, &chosen] {
    chosen = [shell, &app] {
      return guarded([&] {
        print(completion_script(app, *shell));
        return 0;
      });
    };
  });
}

}  // namespace

void add_management_commands(CLI::App& app, CLI::App& cert, std::function<int()>& command) {
  add_cert(&cert, command);
  add_backend(app, command);
  add_api(app, command);
  add_policy(&app, command, false);
  add_apply(app, command);
  add_import(app, command);
  set_work(app.add_subcommand("status", "What a gateway says about itself"), command, show_status);
  set_work(app.add_subcommand("refusals", "The last client certificates that back ends refused"), command, show_refusals);
  add_completion(app, command);
}

}  // namespace signet::app::cli
