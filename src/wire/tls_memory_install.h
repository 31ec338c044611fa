// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

namespace signet::wire {

/// Makes a program that calls it link tls_memory.cc, whose allocator installs itself before main. Nothing else: a block that one allocator
/// made must not be freed by another.
void install_tls_memory();

}  // namespace signet::wire
