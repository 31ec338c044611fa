// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include <string_view>

namespace signet {

/// Signet's own version, as in meson.build ("0.1.0"). Lives for the whole program; any thread.
std::string_view version() noexcept;

}  // namespace signet
