// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <string_view>

#include "signet/base/byte_buffer.h"
#include "signet/base/clock.h"
#include "signet/base/endpoint.h"

namespace signet::gateway {

/// What is written about one call. The views are valid during `AccessLog::write`.
struct AccessRecord {
  WallTime time{};
  Endpoint caller;
  std::string_view method;
  std::string_view target;           ///< as the caller sent it
  std::uint16_t status = 0;          ///< 0: the connection was cut before an answer
  std::uint64_t request_bytes = 0;   ///< body
  std::uint64_t response_bytes = 0;  ///< body
  Duration duration{};
  std::string_view api;
  std::string_view operation;  ///< id; empty if the API has none
  std::string_view backend;
  Endpoint endpoint;             ///< port 0: none was chosen
  std::string_view certificate;  ///< id of the one that the backend's identity presents
  std::string_view tls;          ///< "TLSv1.3 resumed"
  std::uint32_t attempts = 0;
  std::uint64_t connection = 0;  ///< number of the connection to the back end
  bool reused = false;
  std::string_view error;   ///< kind; empty when the call went well
  std::string_view detail;  ///< one sentence for the operator
  std::string_view activity_id;
};

/// One line per call, key=value, values that came from a peer quoted and escaped. Lines are gathered and handed to the sink in blocks, at
/// the latest when the loop's turn is over. One per shard.
class AccessLog {
 public:
  /// Takes whole lines, each with its newline. Must not block for long.
  using Sink = std::function<void(std::string_view lines)>;

  explicit AccessLog(Sink sink) : sink_(std::move(sink)) {}

  [[nodiscard]] bool enabled() const { return static_cast<bool>(sink_); }
  void write(const AccessRecord& record);
  void flush();

 private:
  Sink sink_;
  ByteBuffer lines_;
  WallTime second_{};  ///< of `second_text_`: a shard writes many lines in one
  std::array<char, 24> second_text_{};
  std::size_t second_size_ = 0;
};

}  // namespace signet::gateway
