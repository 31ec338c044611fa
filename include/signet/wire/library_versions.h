// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include <string>

namespace signet::wire {

/// "wolfSSL 5.9.2, llhttp 9.4.3"
[[nodiscard]] std::string library_versions();

}  // namespace signet::wire
