// SPDX-License-Identifier: GPL-3.0-or-later
// What is ours besides the resources of the service.
#include "handlers.h"

namespace signet::control {

namespace {

AdminResponse json_text(std::string text) {
  AdminResponse response;
  response.body = std::move(text);
  return response;
}

}  // namespace

Answer get_status(const Call& call) {
  return json_text(call.options.status ? call.options.status() : "{}");
}

Answer get_refusals(const Call& call) {
  return json_text(call.options.refusals ? call.options.refusals() : "[]");
}

}  // namespace signet::control
