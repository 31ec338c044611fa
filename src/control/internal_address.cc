// SPDX-License-Identifier: GPL-3.0-or-later
#include "internal_address.h"

#include <fmt/core.h>

#include <algorithm>
#include <optional>

#include "signet/config/internal_address.h"

namespace signet::control {

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
  const std::span<const config::Cidr> allowed = config.allow_internal_backends;
  std::string_view fault = config::internal_address_fault(*address, allowed, own_addresses);
  if (fault.empty() && localhost && !std::ranges::any_of(allowed, [&](const config::Cidr& block) { return block.contains(*address); })) {
    fault = config::internal_address_fault(*parse_address("::1", parsed->port), {}, own_addresses);
  }
  return fault.empty()
             ? std::string()
             : fmt::format("{} is {}: expected another address, or an entry for it in allowInternalBackends", parsed->authority, fault);
}

}  // namespace signet::control
