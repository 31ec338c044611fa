// SPDX-License-Identifier: GPL-3.0-or-later
#include "signet/wire/library_versions.h"

#include <fmt/core.h>
#include <llhttp.h>
#include <wolfssl/version.h>

namespace signet::wire {

std::string library_versions() {
  return fmt::format("wolfSSL {}, llhttp {}.{}.{}", LIBWOLFSSL_VERSION_STRING, LLHTTP_VERSION_MAJOR, LLHTTP_VERSION_MINOR,
                     LLHTTP_VERSION_PATCH);
}

}  // namespace signet::wire
