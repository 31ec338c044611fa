// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include <expected>
#include <memory>
#include <string>

#include "signet/wire/certificate.h"

namespace signet::control {

/// Opens the certificate that a file:// URL names: a PFX or PEM file, or a folder with tls.crt and tls.key in it. A password stands in a
/// file beside it, of the same name with ".password" at its end ("orders.pfx.password"). `root` is the folder below which all of it, links
/// followed, has to lie; empty: nothing may be named. Nothing outside is touched, nor does the error say whether it is there. Error: one
/// sentence. Blocks.
[[nodiscard]] std::expected<std::shared_ptr<const wire::Certificate>, std::string> open_secret(const std::string& root,
                                                                                               const std::string& url);

}  // namespace signet::control
