// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

struct DecodedCert;

namespace signet::wire {

/// Do the name constraints of `authority` (RFC 5280 §4.2.1.10), which stands anywhere above it in the path, allow the names of
/// `certificate`? No, if they are critical and of a kind that cannot be judged. A `leaf` without a subject alternative name is named by its
/// common name.
[[nodiscard]] bool names_allowed(const DecodedCert& authority, const DecodedCert& certificate, bool leaf);

}  // namespace signet::wire
