// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include <fmt/core.h>
#include <wolfssl/ssl.h>
#include <wolfssl/wolfcrypt/settings.h>

#include <string>

namespace signet::wire {

/// wolfSSL's words and number for one of its errors, for an operator who has to search for it.
[[nodiscard]] inline std::string wolfssl_reason(int code) {
  const char* const words = wolfSSL_ERR_reason_error_string(static_cast<unsigned long>(code));
  return fmt::format("{} (wolfSSL {})", words != nullptr ? words : "unknown error", code);
}

}  // namespace signet::wire
