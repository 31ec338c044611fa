// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include <span>
#include <string_view>

#include "signet/base/endpoint.h"
#include "signet/config/cidr.h"

namespace signet::config {

/// May calls go to this address? Link-local ones, where clouds keep their metadata services, and our own management listener (`own`) are
/// refused unless a block of `allowed` covers them: who may write back ends must not get at what only this machine sees. An IPv4 address
/// inside an IPv6 one (mapped, or behind NAT64's well-known prefix) counts as itself. Empty if they may, else what the address is, as the
/// end of a sentence. Allocates nothing, a few comparisons: good for every call.
///
/// Asked of URLs when they are written over REST, and of every address, whatever name led there, before a call is given a connection.
[[nodiscard]] std::string_view internal_address_fault(const Endpoint& address, std::span<const Cidr> allowed,
                                                      std::span<const Endpoint> own);

}  // namespace signet::config
