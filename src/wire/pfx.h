// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include <memory>

#include "signet/base/bytes.h"
#include "signet/base/result.h"
#include "certificate_parts.h"

namespace signet::wire {

/// Reads a PFX (RFC 7292) whose outer form is right (`starts_like_pfx`): the MAC first, then what is in the safes, then the private key
/// that is asked for, which alone is decrypted. The contract is Certificate::from_pfx.
[[nodiscard]] Result<std::unique_ptr<const Certificate::Parts>> read_pfx(ByteView file, const PfxOptions& options);

}  // namespace signet::wire
