// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include <cstdint>
#include <string_view>

#include "signet/base/result.h"
#include "signet/wire/http_head.h"

namespace signet::wire {

/// What the parser knows once the last line of a head has passed.
struct HeadFacts {
  std::string_view method;
  std::string_view target;
  std::string_view reason;
  std::string_view protocol;  ///< the parser knows others beside "HTTP"
  std::uint16_t status = 0;
  std::uint8_t version_major = 1;
  std::uint8_t version_minor = 1;
  std::uint64_t content_length = 0;
};

/// Makes a HttpHead out of a head that is well-formed to the letter: what its fields mean together (RFC 9112 §3, §6, §9), and whether it
/// may mean that. The fields are in `head` already.
class HeadBuilder {
 public:
  [[nodiscard]] static Result<void> finish_request(HttpHead& head, const HeadFacts& facts);
  [[nodiscard]] static Result<void> finish_response(HttpHead& head, const HeadFacts& facts, std::string_view request_method,
                                                    bool upgrade_requested);
  static void clear(HttpHead& head);
  static void add(HttpFields& fields, std::string_view name, std::string_view value);
  static void clear(HttpFields& fields) { fields.fields_.clear(); }

 private:
  [[nodiscard]] static Result<void> find_host(HttpHead& head);
  static void find_persistence(HttpHead& head);
};

}  // namespace signet::wire
