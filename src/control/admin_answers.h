// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include "signet/base/byte_buffer.h"
#include "signet/base/clock.h"
#include "signet/control/admin_api.h"

namespace signet::control {

/// {"error":{"code","message"}}. `code` and `message` are ours and need no escaping.
[[nodiscard]] AdminResponse error_answer(std::uint16_t status, std::string_view code, std::string_view message);

struct AnswerForm {
  WallTime now{};
  bool head_only = false;
  bool close = false;
};

/// The answer with all that every answer of the management listener carries.
void write_answer(const AdminResponse& response, const AnswerForm& form, ByteBuffer& out);

}  // namespace signet::control
