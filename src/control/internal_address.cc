// SPDX-License-Identifier: GPL-3.0-or-later
#include "internal_address.h"

#include <fmt/core.h>

#include <algorithm>
#include <optional>

namespace signet::control {

namespace {

using config::Cidr;

bool within(const Endpoint& address, std::string_view block) {
  const std::optional<Cidr> cidr = config::parse_cidr(block);
  return cidr && cidr->contains(address);
}

bool is_link_local(const Endpoint& address) {
  return within(address, "169.254.0.0/16") || within(address, "fe80::/10");
}

bool is_unspecified(const Endpoint& address) {
  return within(address, "0.0.0.0") || within(address, "::");
}

bool is_loopback(const Endpoint& address) {
  return within(address, "127.0.0.0/8") || within(address, "::1");
}

/// One that is bound to all addresses is reached through the loopback ones at least; a call to the unspecified address goes there too.
bool reaches(const Endpoint& address, const Endpoint& own) {
  if (address.port != own.port) {
    return false;
  }
  if (is_unspecified(address) || (is_unspecified(own) && is_loopback(address))) {
    return is_unspecified(own) || is_loopback(own);
  }
  return within(address, own.address_text());
}

}  // namespace

std::string internal_address_fault(std::string_view url, const config::Config& config, std::span<const Endpoint> own_addresses) {
  const Result<config::Url> parsed = config::parse_url(url);
  if (!parsed) {
    return {};  // its reader says what is wrong
  }
  std::string_view host = parsed->host;
  if (host.ends_with('.')) {
    host.remove_suffix(1);
  }
  const bool localhost = host == "localhost" || host.ends_with(".localhost");
  std::optional<Endpoint> address = parse_address(localhost ? "127.0.0.1" : host, parsed->port);
  if (!address) {
    return {};
  }
  if (std::ranges::any_of(config.allow_internal_backends, [&](const Cidr& block) { return block.contains(*address); })) {
    return {};
  }
  if (is_link_local(*address)) {
    return fmt::format("{} is a link-local address: expected another one, or an entry for it in allowInternalBackends", parsed->host);
  }
  const auto own = [&](const Endpoint& listener) {
    return reaches(*address, listener) ||
           (localhost && (is_loopback(listener) || is_unspecified(listener)) && listener.port == address->port);
  };
  if (std::ranges::any_of(own_addresses, own)) {
    return fmt::format("{} is the gateway's own management listener: expected another address, or an entry for it in allowInternalBackends",
                       parsed->authority);
  }
  return {};
}

}  // namespace signet::control
