// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include <string>
#include <string_view>

namespace signet::app::cli {

/// The policy document with this certificate for all calls of its scope, in place of any that it had; an empty id takes it out. An empty
/// document is one that says nothing. Throws Failure.
[[nodiscard]] std::string with_certificate(std::string_view xml, std::string_view certificate_id);

}  // namespace signet::app::cli
