// SPDX-License-Identifier: GPL-3.0-or-later
#include "signet/config/snapshot.h"

#include <algorithm>

namespace signet::config {

bool Snapshot::is_trusted_proxy(const Endpoint& peer) const {
  return std::ranges::any_of(parts_.config.trusted_proxies, [&](const Cidr& proxy) { return proxy.contains(peer); });
}

std::vector<wire::IdentityKey> Snapshot::identity_keys() const {
  std::vector<wire::IdentityKey> keys;
  for (const std::unique_ptr<const Upstream>& upstream : parts_.upstreams) {
    keys.push_back(upstream->identity_key());
  }
  std::ranges::sort(keys);
  const auto repeated = std::ranges::unique(keys);
  keys.erase(repeated.begin(), repeated.end());
  return keys;
}

}  // namespace signet::config
