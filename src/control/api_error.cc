// SPDX-License-Identifier: GPL-3.0-or-later
#include "api_error.h"

#include <nlohmann/json.hpp>

namespace signet::control {

std::unexpected<ApiError> invalid(std::vector<ApiError::Detail> details) {
  return std::unexpected(ApiError{.status = 400,
                                  .code = "ValidationError",
                                  .message = "One or more fields contain incorrect values:",
                                  .target = {},
                                  .details = std::move(details),
                                  .allow = {}});
}

std::unexpected<ApiError> invalid(std::string target, std::string message) {
  std::vector<ApiError::Detail> details;
  details.push_back({.target = std::move(target), .message = std::move(message)});
  return invalid(std::move(details));
}

std::unexpected<ApiError> not_found(std::string message) {
  return std::unexpected(
      ApiError{.status = 404, .code = "ResourceNotFound", .message = std::move(message), .target = {}, .details = {}, .allow = {}});
}

std::unexpected<ApiError> conflict(std::string message, std::vector<ApiError::Detail> details) {
  for (ApiError::Detail& detail : details) {
    detail.code = "Conflict";
  }
  return std::unexpected(
      ApiError{.status = 409, .code = "Conflict", .message = std::move(message), .target = {}, .details = std::move(details), .allow = {}});
}

std::unexpected<ApiError> stale() {
  return std::unexpected(ApiError{.status = 412,
                                  .code = "PreconditionFailed",
                                  .message = "The resource has changed since its ETag was read: read it again, then repeat the change.",
                                  .target = {},
                                  .details = {},
                                  .allow = {}});
}

AdminResponse error_answer(const ApiError& error) {
  nlohmann::ordered_json body{{"code", error.code}, {"message", error.message}};
  if (!error.target.empty()) {
    body["target"] = error.target;
  }
  if (!error.details.empty()) {
    body["details"] = nlohmann::ordered_json::array();
    for (const ApiError::Detail& detail : error.details) {
      body["details"].push_back({{"code", detail.code}, {"message", detail.message}, {"target", detail.target}});
    }
  }
  AdminResponse response;
  response.status = error.status;
  if (!error.allow.empty()) {
    response.fields.emplace_back("Allow", error.allow);
  }
  response.body = nlohmann::ordered_json{{"error", std::move(body)}}.dump(-1, ' ', false, nlohmann::ordered_json::error_handler_t::replace);
  return response;
}

}  // namespace signet::control
