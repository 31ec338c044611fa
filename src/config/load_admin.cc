// SPDX-License-Identifier: GPL-3.0-or-later
#include "load_admin.h"

#include <algorithm>
#include <array>
#include <optional>
#include <string_view>
#include <utility>

#include "json.h"

namespace signet::config {

namespace {

constexpr std::size_t tokens_max = 64;
constexpr std::size_t token_name_bytes_max = 80;

constexpr std::array<Choice<AdminRole>, 2> roles{{{"read", AdminRole::read}, {"write", AdminRole::write}}};

/// -1 for what is no hexadecimal digit.
int hex_value(char c) {
  return c >= '0' && c <= '9' ? c - '0' : c >= 'a' && c <= 'f' ? c - 'a' + 10 : c >= 'A' && c <= 'F' ? c - 'A' + 10 : -1;
}

std::optional<wire::Sha256Digest> parse_digest(std::string_view text) {
  wire::Sha256Digest digest{};
  if (text.size() != digest.size() * 2) {
    return std::nullopt;
  }
  for (std::size_t i = 0; i < digest.size(); ++i) {
    const int high = hex_value(text[2 * i]);
    const int low = hex_value(text[2 * i + 1]);
    if (high < 0 || low < 0) {
      return std::nullopt;
    }
    digest[i] = static_cast<std::byte>(high << 4 | low);
  }
  return digest;
}

/// Names stand in log lines, bare.
bool is_plain(std::string_view name) {
  return std::ranges::all_of(name, [](char c) {
    return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || c == '-' || c == '_' || c == '.' || c == '@';
  });
}

AdminToken read_token(ObjectReader& reader, const std::vector<AdminToken>& others) {
  AdminToken token;
  std::string digest;
  reader.require({"name", "role", "sha256"});
  reader.text("name", token.name, 1, token_name_bytes_max);
  reader.choice<AdminRole>("role", token.role, roles);
  reader.text("sha256", digest, 1, 128);
  if (!is_plain(token.name)) {
    reader.error("name", "expected letters, digits and any of - _ . @");
  } else if (token.name == bootstrap_token_name) {
    reader.error("name", "this is the name of the token in the state directory: expected another");
  } else if (!token.name.empty() && std::ranges::find(others, token.name, &AdminToken::name) != others.end()) {
    reader.error("name", "another token has this name");
  }
  if (digest.empty()) {
    return token;
  }
  if (const std::optional<wire::Sha256Digest> read = parse_digest(digest)) {
    token.sha256 = *read;
    if (std::ranges::find(others, token.sha256, &AdminToken::sha256) != others.end()) {
      reader.error("sha256", "another token is the same: expected one of its own for each name");
    }
  } else {
    reader.error("sha256", "expected the SHA-256 of the token in 64 hexadecimal digits");
  }
  return token;
}

void read_tls(ObjectReader& reader, Admin& admin) {
  if (reader.is("tls", json::Type::object)) {
    reader.object("tls", [&](ObjectReader& tls) {
      tls.require({"certificateId"});
      tls.reference("certificateId", admin.certificate_id);
    });
    return;
  }
  if (reader.has("tls") && !reader.is("tls", json::Type::boolean)) {
    reader.ignore("tls");
    reader.error("tls", R"(expected false, or an object such as { "certificateId": "management" })");
    return;
  }
  reader.boolean("tls", admin.tls);
}

}  // namespace

void read_admin(ObjectReader& reader, Config& config) {
  reader.object("admin", [&](ObjectReader& settings) {
    Admin admin;
    admin.source = settings.source();
    settings.require({"address"});
    std::string text;
    settings.text("address", text, 1, 64);
    read_tls(settings, admin);
    settings.each("tokens", json::Type::object, [&](const Item& item) {
      ObjectReader token(settings.document(), item);
      admin.tokens.push_back(read_token(token, admin.tokens));
    });
    if (admin.tokens.size() > tokens_max) {
      settings.error("tokens", "expected at most 64 tokens");
    }
    if (config.state_directory.value.empty()) {
      reader.error("admin", "the management listener keeps its token and its objects in a folder: expected \"stateDirectory\" too");
    }
    if (text.empty()) {
      return;
    }
    const std::optional<Endpoint> address = parse_endpoint(text);
    if (!address) {
      settings.error("address", R"(expected an IP address and a port, such as "127.0.0.1:9443" or "[::1]:9443")");
      return;
    }
    admin.address = *address;
    if (!address->is_loopback()) {
      if (!admin.tls) {
        settings.error("tls", "tokens would cross the network in clear: expected TLS, or a loopback address");
      } else {
        settings.warning("address", "this is not loopback: whoever reaches it may try tokens");
      }
    }
    if (admin.address.port != 0 &&
        std::ranges::any_of(config.listeners, [&](const Listener& other) { return other.address == *address; })) {
      settings.error("address", "a listener of the data plane has this address");
    }
    config.admin = std::move(admin);
  });
}

}  // namespace signet::config
