// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include <cstdint>
#include <expected>
#include <string>
#include <utility>
#include <vector>

#include "signet/control/admin_api.h"

namespace signet::control {

/// What a request is refused with: {"error": {"code", "message", "target", "details"}}. Never secrets.
struct ApiError {
  struct Detail {
    std::string target;
    std::string message;
    std::string code = "ValidationError";
  };

  std::uint16_t status = 400;
  std::string code;
  std::string message;
  std::string target;  ///< empty: none
  std::vector<Detail> details;
  std::string allow;  ///< with 405: the methods
};

template <typename T>
using ApiResult = std::expected<T, ApiError>;
using Answer = ApiResult<AdminResponse>;

/// 400: one fault of one field.
[[nodiscard]] std::unexpected<ApiError> invalid(std::string target, std::string message);
/// 400 with several.
[[nodiscard]] std::unexpected<ApiError> invalid(std::vector<ApiError::Detail> details);
/// 404: "Certificate not found."
[[nodiscard]] std::unexpected<ApiError> not_found(std::string message);
/// 409, with one detail for each object that is in the way.
[[nodiscard]] std::unexpected<ApiError> conflict(std::string message, std::vector<ApiError::Detail> details = {});
[[nodiscard]] std::unexpected<ApiError> stale();

[[nodiscard]] AdminResponse error_answer(const ApiError& error);

}  // namespace signet::control
