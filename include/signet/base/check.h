// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

namespace signet {

/// Ends the process with a message on standard error. Called by SIGNET_CHECK only.
[[noreturn]] void check_failed(const char* condition, const char* file, int line);

}  // namespace signet

/// An invariant of ours: on in production too, because going on with a broken promise could send a call under the wrong identity.
/// Never reached by what a peer sends: that is an Error.
#define SIGNET_CHECK(condition) \
  (__builtin_expect(static_cast<bool>(condition), 1) ? static_cast<void>(0) : ::signet::check_failed(#condition, __FILE__, __LINE__))
