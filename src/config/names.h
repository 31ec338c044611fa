// SPDX-License-Identifier: GPL-3.0-or-later
// Checks on single texts, shared by the readers of this layer.
#pragma once

#include <cstddef>
#include <span>
#include <string>
#include <string_view>

namespace signet::config {

/// ASCII letters only.
[[nodiscard]] std::string lower_case(std::string_view text);

/// An id of the management REST resources: 1 to `size_max` characters, no control characters, no space at either end, none of
/// * # & + : < > ?, no slash in front (that is a resource id).
[[nodiscard]] bool is_id(std::string_view text, std::size_t size_max);

/// A DNS name in A-label form, one trailing dot allowed, or an IPv4 address. A name whose last label is a number is neither: resolvers take
/// "10.1" for an address.
[[nodiscard]] bool is_host(std::string_view text);

/// A path that begins with a slash, of pchar (RFC 3986 §3.3) only, percent-encodings complete, without "." and ".." segments (also encoded)
/// and without empty ones, except behind a slash at the end.
[[nodiscard]] bool is_path(std::string_view text);

/// `path` with its percent-encodings in the form of RFC 3986 §6.2.2: upper-case digits, unreserved characters plain. REQUIRES: encodings
/// are complete.
[[nodiscard]] std::string normal_encoding(std::string_view path);

/// A token of RFC 9110 §5.6.2: names of fields, methods, authentication schemes.
[[nodiscard]] bool is_token(std::string_view text);

/// A field value of RFC 9110 §5.5: no control characters but tabs, no space at either end. May be empty.
[[nodiscard]] bool is_field_value(std::string_view text);

/// The id of an object that is named by it, or by its resource id: "orders", "/backends/orders" and
/// "/subscriptions/…/resourceGroups/…/providers/Microsoft.ApiManagement/service/…/backends/orders", where `collection` is "backends". Names
/// of collections are compared without regard to case, as Azure does. Empty if `text` leads elsewhere. A view into `text`.
[[nodiscard]] std::string_view id_in(std::string_view text, std::string_view collection);

/// A SHA-1, SHA-256 or SHA-512 thumbprint in any case, with or without colons or spaces, as 40, 64 or 128 upper-case hexadecimal digits;
/// else empty.
[[nodiscard]] std::string normal_thumbprint(std::string_view text);

/// The name in `names` that `text` was probably meant to be, or empty if none is near: few letters changed, added, left out or swapped.
[[nodiscard]] std::string_view nearest(std::string_view text, std::span<const std::string_view> names);

/// `; did you mean "url"?`, or nothing.
[[nodiscard]] std::string suggestion(std::string_view text, std::span<const std::string_view> names);

}  // namespace signet::config
