// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include <cstddef>
#include <string>
#include <string_view>

#include "client.h"

/// What several commands do.
namespace signet::app::cli {

/// Largest policy document that is read from a file, in bytes.
inline constexpr std::size_t policy_file_bytes_max = std::size_t{256} * 1024;

/// Onto standard output.
void print(std::string_view text);
void print_json(const json& value);
/// One line on standard error: "signet: …".
void complain(std::string_view text);

/// An envelope for people: id and properties; as it is for programs.
void show(const Client& client, const json& envelope);
/// The object with its entity tag; says which kind is missing. REQUIRES: parts of two at least.
[[nodiscard]] Answer get_existing(Client& client, const Parts& parts);
/// Removes it as it is now. `name`: "certificate".
void remove_existing(Client& client, const Parts& parts, std::string_view name);

/// Text of a file, or of standard input for "-". Throws Failure.
[[nodiscard]] std::string read_text(const std::string& file, std::size_t bytes_max);

/// Properties of an envelope, an object in any case.
[[nodiscard]] json properties_of(const json& envelope);
/// A text among them, or nothing.
[[nodiscard]] std::string text_of(const json& properties, const char* name);

}  // namespace signet::app::cli
