// SPDX-License-Identifier: GPL-3.0-or-later
#include "pem_text.h"

#include <cstddef>

#include "signet/wire/digest.h"

namespace signet::control {

std::string pem_block(std::string_view label, ByteView content) {
  constexpr std::size_t line_size = 64;  // RFC 7468 §2
  std::string encoded = wire::base64_encode(content);
  std::string text;
  text.reserve(encoded.size() + encoded.size() / line_size + 2 * label.size() + 64);  // grows no further: no copy of a key stays behind
  text.append("-----BEGIN ").append(label).append("-----\n");
  for (std::size_t at = 0; at < encoded.size(); at += line_size) {
    text.append(encoded, at, line_size).append("\n");
  }
  text.append("-----END ").append(label).append("-----\n");
  wire::wipe(encoded);
  return text;
}

}  // namespace signet::control
