// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include <memory>
#include <optional>
#include <span>

#include "signet/base/bytes.h"
#include "signet/base/result.h"
#include "signet/wire/certificate.h"
#include "signet/wire/identity.h"

struct WOLFSSL_CERT_MANAGER;

namespace signet::wire {

/// Which end of the connection we are; the peer is the other one.
enum class Side : std::uint8_t { client, server };

/// A chain as the peer sent it, leaf first. The bytes belong to wolfSSL.
using SentChain = std::span<const ByteView>;

/// What wolfSSL's answer `code` about one certificate of the peer's chain means. `depth` 0 is the leaf.
[[nodiscard]] Error chain_error(Side side, int code, int depth, ByteView certificate);

/// The checks that wolfSSL does not do, or does not do well enough: the name (RFC 9525) and the pins. Nothing if all is well.
[[nodiscard]] std::optional<Error> check_server(const Identity& identity, const CertificateInfo& leaf, SentChain chain);

/// The rules of the path that wolfSSL leaves out: the name constraints of an authority, the trust anchor's too, bind every certificate
/// below it (RFC 5280 §6.1.4) and not only those it issued itself; an intermediate whose extended key usage is for something else issues no
/// server. REQUIRES: as for check_revocation.
[[nodiscard]] std::optional<Error> check_path(const Identity& identity, SentChain chain, WOLFSSL_CERT_MANAGER* manager);

/// Every certificate between the leaf and the trust anchor must be covered by one of the identity's revocation lists and not be on it.
/// REQUIRES: wolfSSL found the chain good, and `manager` holds its intermediates still.
[[nodiscard]] std::optional<Error> check_revocation(const Identity& identity, SentChain chain, WOLFSSL_CERT_MANAGER* manager);

/// Can it be read as a revocation list at all? (Whether it is signed by a trusted issuer shows only with a chain.)
[[nodiscard]] bool is_revocation_list(ByteView der);

}  // namespace signet::wire
