// SPDX-License-Identifier: GPL-3.0-or-later
#include "masks.h"

#include <fmt/core.h>

#include <array>
#include <cstddef>

namespace signet::control {

namespace {

using nlohmann::json;

/// Members that are secret as they are.
std::array<json::json_pointer, 2> single() {
  return {json::json_pointer("/credentials/authorization/parameter"), json::json_pointer("/proxy/password")};
}

/// Objects all of whose members are.
std::array<json::json_pointer, 2> named() {
  return {json::json_pointer("/credentials/header"), json::json_pointer("/credentials/query")};
}

json masked(const json& value) {
  if (!value.is_array()) {
    return secret_mask;
  }
  json masks = json::array();
  for (std::size_t at = 0; at < value.size(); ++at) {
    masks.push_back(secret_mask);
  }
  return masks;
}

bool is_mask(const json& value) {
  return value.is_string() && value.get_ref<const std::string&>() == secret_mask;
}

/// An array element by element: the second value is what the second mask stands for.
bool fill(json& value, const json* before) {
  if (is_mask(value)) {
    if (before == nullptr || !before->is_string()) {
      return false;
    }
    value = *before;
    return true;
  }
  if (value.is_array()) {
    for (std::size_t at = 0; at < value.size(); ++at) {
      const bool known = before != nullptr && before->is_array() && at < before->size();
      if (is_mask(value[at]) && !fill(value[at], known ? &(*before)[at] : nullptr)) {
        return false;
      }
    }
  }
  return true;
}

const json* find(const json& value, const json::json_pointer& pointer) {
  return value.contains(pointer) ? &value.at(pointer) : nullptr;
}

std::unexpected<ApiError> nothing_stored(std::string_view target, const std::string& name) {
  return invalid(std::string(target), fmt::format("the value of \"{}\" is masked, but none is stored that the mask could stand for", name));
}

}  // namespace

MaskedProperties mask_secrets(json properties) {
  json secret = json::object();
  for (const json::json_pointer& pointer : single()) {
    if (const json* value = find(properties, pointer)) {
      secret[pointer] = *value;
      properties[pointer] = masked(*value);
    }
  }
  for (const json::json_pointer& pointer : named()) {
    const json* values = find(properties, pointer);
    if (values == nullptr || !values->is_object() || values->empty()) {
      continue;
    }
    secret[pointer] = *values;
    for (json& value : properties[pointer]) {
      value = masked(value);
    }
  }
  return {.value = std::move(properties), .secret = std::move(secret)};
}

ApiResult<void> fill_masks(json& properties, const json& secret) {
  for (const json::json_pointer& pointer : single()) {
    if (find(properties, pointer) != nullptr && !fill(properties[pointer], find(secret, pointer))) {
      return nothing_stored(pointer.to_string().starts_with("/credentials") ? "credentials" : "proxy", pointer.back());
    }
  }
  for (const json::json_pointer& pointer : named()) {
    const json* values = find(properties, pointer);
    if (values == nullptr || !values->is_object()) {
      continue;
    }
    for (auto& [name, value] : properties[pointer].items()) {
      const json* before = find(secret, pointer);
      const bool known = before != nullptr && before->is_object() && before->contains(name);
      if (!fill(value, known ? &before->at(name) : nullptr)) {
        return nothing_stored("credentials", name);
      }
    }
  }
  return {};
}

}  // namespace signet::control
