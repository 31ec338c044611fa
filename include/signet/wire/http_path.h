// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include <optional>
#include <string>
#include <string_view>

#include "signet/base/result.h"

namespace signet::wire {

/// What is left of a request target once its path has been brought to one form.
struct NormalTarget {
  /// Behind the "?", as it was sent; none if there is no "?". Views the target.
  std::optional<std::string_view> query;
};

/// Brings the path of a request target (origin-form or absolute-form, RFC 9112 §3.2) to the one form that is routed, judged by policies and
/// forwarded: dot segments resolved (RFC 3986 §5.2.4), unreserved characters decoded, hexadecimal digits in upper case (§6.2.2), bytes
/// outside ASCII encoded. `%2F` stays what it is and separates nothing; empty segments stay. `path` is overwritten and begins with "/".
///
/// Errors (bad_request, origin caller): a path that climbs above the root, or does so once `;parameters` are cut off;
/// dot segments beside `%2F`; control characters and NUL, raw or encoded; backslashes, raw or encoded (some servers take them for "/"); "%"
/// without two hexadecimal digits; "#"; asterisk-form.
[[nodiscard]] Result<NormalTarget> normalise_target(std::string_view target, std::string& path);

/// Of a hexadecimal digit in either case; -1 for any other character.
[[nodiscard]] constexpr int hex_value(char c) {
  return c >= '0' && c <= '9' ? c - '0' : c >= 'a' && c <= 'f' ? c - 'a' + 10 : c >= 'A' && c <= 'F' ? c - 'A' + 10 : -1;
}

/// Appends "%2F" for "/".
void append_percent_encoded(char c, std::string& out);

/// Every character but the unreserved ones of RFC 3986 §2.3 percent-encoded, with digits in upper case.
[[nodiscard]] std::string percent_encode(std::string_view text);

}  // namespace signet::wire
