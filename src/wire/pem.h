// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "signet/base/result.h"
#include "signet/wire/digest.h"
#include "secret_bytes.h"

namespace signet::wire {

/// One block of PEM text (RFC 7468).
struct PemBlock {
  std::string label;         ///< "CERTIFICATE"
  bool has_headers = false;  ///< "Proc-Type: 4,ENCRYPTED" and the like (RFC 1421): the old OpenSSL encryption
  SecretBytes content;       ///< decoded; empty if `has_headers`
};

[[nodiscard]] bool looks_like_pem(std::string_view text);

/// Every block; text around them is passed over, line ends may be any, a byte order mark is taken. Error: config, internal: a block without
/// its end, or not Base64.
[[nodiscard]] Result<std::vector<PemBlock>> read_pem(std::string_view text);

}  // namespace signet::wire
