// SPDX-License-Identifier: GPL-3.0-or-later
// What the gateway says about itself. The forms are its own: whatever members they have are shown.
#include "command_parts.h"
#include "commands.h"
#include "table.h"

namespace signet::app::cli {

namespace {

void show_whole(Client& client, const char* name) {
  const json body = client.get({name}).body;
  if (client.output() == Output::as_json) {
    print_json(body);
    return;
  }
  // A list may come bare or as the lists of resources do.
  print(describe(body.is_object() && body.contains("value") && body["value"].is_array() ? body["value"] : body));
}

}  // namespace

void show_status(Client& client) {
  show_whole(client, "status");
}

void show_refusals(Client& client) {
  show_whole(client, "refusals");
}

}  // namespace signet::app::cli
