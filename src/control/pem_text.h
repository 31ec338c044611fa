// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include <string>
#include <string_view>

#include "signet/base/bytes.h"

namespace signet::control {

/// One block of PEM text (RFC 7468). Of a private key, nothing stays behind but what is returned.
[[nodiscard]] std::string pem_block(std::string_view label, ByteView content);

}  // namespace signet::control
