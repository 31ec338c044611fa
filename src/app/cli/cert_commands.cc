// SPDX-License-Identifier: GPL-3.0-or-later
#include <fmt/core.h>

#include "signet/io/wall_clock.h"
#include "command_parts.h"
#include "commands.h"
#include "pfx_upload.h"
#include "table.h"

namespace signet::app::cli {

namespace {

/// "apis/orders, backends/orders"
std::string users_of(const json& properties) {
  std::string users;
  if (const auto used_by = properties.find("usedBy"); used_by != properties.end() && used_by->is_array()) {
    for (const json& user : *used_by) {
      users += fmt::format("{}{}", users.empty() ? "" : ", ", user.is_string() ? short_reference(user.get<std::string>()) : one_line(user));
    }
  }
  return users;
}

}  // namespace

void cert_add(Client& client, const CertAddOptions& options) {
  const PfxUpload upload = open_pfx(options.file, {.file = options.password_file, .variable = options.password_env}, true);
  const Answer answer = client.put({"certificates", options.id}, upload.body());
  const json properties = properties_of(answer.body);
  if (client.output() == Output::as_json) {
    print_json(answer.body);
  } else {
    print(fmt::format("certificate {} {}: {}, thumbprint {}, expires {}\n", clean(options.id), answer.status == 201 ? "added" : "replaced",
                      clean(text_of(properties, "subject")), clean(text_of(properties, "thumbprint")),
                      clean(text_of(properties, "expirationDate"))));
  }
  for (const std::string& warning : upload.certificate->warnings(io::wall_now())) {
    complain(warning);
  }
}

void cert_list(Client& client) {
  const std::vector<json> certificates = client.list({"certificates"});
  if (client.output() == Output::as_json) {
    print_json(certificates);
    return;
  }
  Table table({"ID", "SUBJECT", "THUMBPRINT", "EXPIRES", "EXPIRES IN", "USED BY"});
  const WallTime now = io::wall_now();
  for (const json& certificate : certificates) {
    const json properties = properties_of(certificate);
    const std::string expires = text_of(properties, "expirationDate");
    table.add({text_of(certificate, "name"), text_of(properties, "subject"), text_of(properties, "thumbprint"), expires.substr(0, 10),
               time_left(expires, now), users_of(properties)});
  }
  print(table.text());
}

void cert_show(Client& client, const std::string& id) {
  const Answer answer = get_existing(client, {"certificates", id});
  if (client.output() == Output::as_json) {
    print_json(answer.body);
    return;
  }
  json shown = properties_of(answer.body);
  shown["expiresIn"] = time_left(text_of(shown, "expirationDate"), io::wall_now());
  shown["usedBy"] = users_of(shown);
  show(client, {{"name", id}, {"properties", std::move(shown)}});
}

void cert_remove(Client& client, const std::string& id) {
  remove_existing(client, {"certificates", id}, "certificate");
}

}  // namespace signet::app::cli
