// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include <cstddef>
#include <optional>
#include <string>
#include <vector>

#include "signet/base/bytes.h"
#include "signet/base/clock.h"
#include "signet/base/result.h"

namespace signet::wire {

/// Largest file of revocation lists, in bytes.
inline constexpr std::size_t revocation_file_bytes_max = std::size_t{16} * 1024 * 1024;
/// Most lists in one file.
inline constexpr std::size_t revocation_lists_in_file_max = 1000;

/// A certificate revocation list (RFC 5280 §5). Whether its issuer is trusted shows only with a server's chain. A value.
struct RevocationList {
  ByteVector der;                       ///< for IdentitySettings::revocation_lists
  std::string issuer;                   ///< RFC 4514, as in CertificateInfo
  WallTime this_update{};               ///< when it was made
  std::optional<WallTime> next_update;  ///< when its successor was promised; past that, what it covers is refused

  [[nodiscard]] bool outdated(WallTime now) const { return next_update && now > *next_update; }
};

/// Every X509 CRL block of a PEM text (RFC 7468 §6; other blocks are passed over), or exactly one list in DER. In the file's order; never
/// empty. Errors: config, origin internal, one sentence that names no file: another kind of file, damaged, a form that is not supported.
[[nodiscard]] Result<std::vector<RevocationList>> read_revocation_lists(ByteView file);

}  // namespace signet::wire
