// SPDX-License-Identifier: GPL-3.0-or-later
#include "command_parts.h"

#include <fmt/core.h>

#include <cstdio>

#include "signet/config/files.h"
#include "table.h"

namespace signet::app::cli {

void print(std::string_view text) {
  fmt::print("{}", text);
}

void print_json(const json& value) {
  fmt::print("{}\n", value.dump(2, ' ', false, json::error_handler_t::replace));
}

void complain(std::string_view text) {
  std::fflush(stdout);  // in the order in which it was said, on a terminal and in a file
  fmt::print(stderr, "signet: {}\n", text);
}

void show(const Client& client, const json& envelope) {
  if (client.output() == Output::as_json) {
    print_json(envelope);
    return;
  }
  json flat = properties_of(envelope);
  flat["id"] = envelope.value("name", std::string());
  print(describe(flat));
}

Answer get_existing(Client& client, const Parts& parts) {
  std::optional<Answer> answer = client.find(parts);
  if (!answer) {
    const std::string& kind = parts[parts.size() - 2];
    throw Failure(ExitStatus::not_found, fmt::format("there is no {} {}", kind.substr(0, kind.size() - 1), parts.back()));
  }
  return std::move(*answer);
}

void remove_existing(Client& client, const Parts& parts, std::string_view name) {
  const Answer before = get_existing(client, parts);
  client.remove(parts, before.etag);
  if (client.output() == Output::as_json) {
    print_json({{"removed", short_reference(before.body.value("id", std::string()))}});
  } else {
    print(fmt::format("{} {} removed\n", name, clean(parts.back())));
  }
}

std::string read_text(const std::string& file, std::size_t bytes_max) {
  config::SystemFiles files;
  Result<std::string> text = files.read(file == "-" ? "/dev/stdin" : file, bytes_max);
  if (!text) {
    throw Failure(text.error().detail);
  }
  return std::move(*text);
}

json properties_of(const json& envelope) {
  const auto properties = envelope.is_object() ? envelope.find("properties") : envelope.end();
  return envelope.is_object() && properties != envelope.end() && properties->is_object() ? *properties : json::object();
}

std::string text_of(const json& properties, const char* name) {
  const auto member = properties.is_object() ? properties.find(name) : properties.end();
  return properties.is_object() && member != properties.end() && member->is_string() ? member->get<std::string>() : std::string();
}

}  // namespace signet::app::cli
