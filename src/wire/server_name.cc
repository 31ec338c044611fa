// SPDX-License-Identifier: GPL-3.0-or-later
#include "signet/wire/server_name.h"

#include <fmt/core.h>

#include <algorithm>
#include <cstring>
#include <optional>

#include "signet/base/endpoint.h"

namespace signet::wire {

namespace {

constexpr std::size_t name_bytes_max = 253;  // RFC 1035 §2.3.4, as text without the trailing dot
constexpr std::size_t label_bytes_max = 63;

constexpr char lower(char character) {
  return character >= 'A' && character <= 'Z' ? static_cast<char>(character + ('a' - 'A')) : character;
}

constexpr bool is_digit(char character) {
  return character >= '0' && character <= '9';
}

/// Letters, digits, hyphens inside a label (RFC 1123 §2.1); underscores, which names in private networks have.
bool is_label(std::string_view label) {
  if (label.empty() || label.size() > label_bytes_max || label.front() == '-' || label.back() == '-') {
    return false;
  }
  return std::all_of(label.begin(), label.end(), [](char character) {
    const char small = lower(character);
    return (small >= 'a' && small <= 'z') || is_digit(character) || character == '-' || character == '_';
  });
}

bool is_dns_name(std::string_view name) {
  if (name.empty() || name.size() > name_bytes_max) {
    return false;
  }
  while (true) {
    const std::size_t dot = name.find('.');
    if (!is_label(name.substr(0, dot))) {
      return false;
    }
    if (dot == std::string_view::npos) {
      return true;
    }
    name.remove_prefix(dot + 1);
  }
}

/// A name whose last label is all digits is an address that somebody mistyped: no top-level domain is numeric (RFC 3696 §2).
bool ends_in_number(std::string_view name) {
  const std::string_view last = name.substr(name.rfind('.') + 1);
  return std::all_of(last.begin(), last.end(), is_digit);
}

bool equal_ignoring_case(std::string_view a, std::string_view b) {
  return std::equal(a.begin(), a.end(), b.begin(), b.end(), [](char x, char y) { return lower(x) == lower(y); });
}

}  // namespace

Result<ServerName> ServerName::parse(std::string_view text) {
  ServerName name;
  if (const std::optional<Endpoint> address = parse_address(text, 0)) {
    name.text_ = address->address_text();
    name.address_ = address->address;
    name.address_size_ = address->family == Endpoint::Family::ipv4 ? 4 : 16;
    return name;
  }
  std::string_view dns = text;
  if (dns.ends_with('.')) {
    dns.remove_suffix(1);
  }
  if (!is_dns_name(dns) || ends_in_number(dns)) {
    return fail(ErrorKind::config, Origin::internal,
                fmt::format("server name \"{}\" is neither an IP address nor a DNS name in ASCII (A-labels)", text));
  }
  name.text_.resize(dns.size());
  std::transform(dns.begin(), dns.end(), name.text_.begin(), lower);
  return name;
}

bool ServerName::matches_dns_name(std::string_view presented) const {
  if (is_address()) {
    return false;
  }
  if (!presented.starts_with("*.")) {
    return is_dns_name(presented) && equal_ignoring_case(presented, text_);
  }
  const std::string_view parent = presented.substr(2);
  const std::size_t dot = text_.find('.');
  return is_dns_name(parent) && parent.find('.') != std::string_view::npos && dot != std::string::npos &&
         equal_ignoring_case(parent, std::string_view(text_).substr(dot + 1));
}

bool ServerName::matches_address(ByteView presented) const {
  return is_address() && presented.size() == address_size_ && std::memcmp(presented.data(), address_.data(), address_size_) == 0;
}

}  // namespace signet::wire
