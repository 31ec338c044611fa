// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include <string>

#include "signet/base/bytes.h"

namespace signet::wire {

/// Does it begin as a PFX does (a cut-off one too)?
[[nodiscard]] bool starts_like_pfx(ByteView file);

/// What a file is, for the sentence "this is not a … but …": "PEM text (CERTIFICATE)", "a DER certificate", "an empty file". Looks at the
/// outer form only.
[[nodiscard]] std::string file_kind(ByteView file);

}  // namespace signet::wire
