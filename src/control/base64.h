// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include <optional>
#include <string>
#include <string_view>

#include "signet/base/bytes.h"

namespace signet::control {

/// RFC 4648 §4, with padding. White space is passed over; nothing if anything else is not Base64. What it gives may be secret: the caller
/// wipes it.
[[nodiscard]] std::optional<ByteVector> base64_decoded(std::string_view text);

/// One block of PEM text (RFC 7468).
[[nodiscard]] std::string pem_block(std::string_view label, ByteView content);

}  // namespace signet::control
