// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include <memory>
#include <string>

#include "signet/base/clock.h"
#include "signet/base/endpoint.h"
#include "signet/base/result.h"
#include "signet/wire/certificate.h"
#include "signet/wire/digest.h"

/// What Signet makes for its management listener and keeps in the state directory. All functions block; errors are config, with path and
/// reason, for the operator.
namespace signet::control {

/// The SHA-256 of the token in DIR/admin.token: one line of at least limits::token_bytes_min characters of a Bearer token (RFC 6750 §2.1).
/// Without such a file it is made: 256 random bits, 0600. The token itself is kept nowhere else, and never logged.
[[nodiscard]] Result<wire::Sha256Digest> bootstrap_token(const std::string& directory);

/// The management listener's own certificate, from DIR/admin.crt (0644) and DIR/admin.key (0600): for localhost, 127.0.0.1, ::1 and the
/// listener's address. It is made if it is not there, cannot be used, does not cover `address`, or ends within
/// limits::own_certificate_left_min; so it stays the same from start to start, and may be pinned by clients.
[[nodiscard]] Result<std::shared_ptr<const wire::Certificate>> own_certificate(const std::string& directory, const Endpoint& address,
                                                                               WallTime now);

}  // namespace signet::control
