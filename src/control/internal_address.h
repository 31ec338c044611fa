// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include <span>
#include <string>
#include <string_view>

#include "signet/base/endpoint.h"
#include "signet/config/config.h"

namespace signet::control {

/// May calls go to this URL? Addresses that are link-local (IPv4-mapped ones too), where clouds keep their metadata services, and our own
/// management listener are refused unless `allowInternalBackends` covers them: who may write backends must not get at what only this
/// machine sees. Empty if they may, else one sentence. Looks at addresses and "localhost" only: a name's addresses are known when it is
/// connected.
[[nodiscard]] std::string internal_address_fault(std::string_view url, const config::Config& config,
                                                 std::span<const Endpoint> own_addresses);

}  // namespace signet::control
