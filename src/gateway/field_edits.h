// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include <cstddef>
#include <string_view>

#include "signet/base/byte_buffer.h"
#include "signet/config/plan.h"

/// How the header fields of a policy meet those of a message. Nothing here allocates.
namespace signet::gateway {

/// Are these names of one field? ASCII case does not matter, nor does "_" for "-": back ends that turn names into variables (CGI, WSGI)
/// cannot tell the two apart, and a caller shall not get past a policy that way.
[[nodiscard]] bool same_field(std::string_view a, std::string_view b);

/// Do the fields called `name` go, however they are spelt?
[[nodiscard]] bool drops_field(const config::NameEdits& edits, std::string_view name);

/// Appends what the policy adds to the head that begins, with its start line, at `head_begin` in `out` and is not ended yet. "Absent" is
/// what does not stand there, whatever stood in the message as it came.
void write_added_fields(const config::NameEdits& edits, std::size_t head_begin, ByteBuffer& out);

}  // namespace signet::gateway
