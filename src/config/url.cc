// SPDX-License-Identifier: GPL-3.0-or-later
#include <fmt/core.h>

#include <algorithm>
#include <charconv>
#include <optional>
#include <string>
#include <string_view>

#include "signet/base/endpoint.h"
#include "signet/config/config.h"
#include "names.h"

namespace signet::config {

namespace {

std::unexpected<Error> refuse(std::string detail) {
  return fail(ErrorKind::config, Origin::internal, std::move(detail));
}

/// "" or ":8443"; nothing for anything else.
std::optional<std::uint16_t> port_of(std::string_view text, Scheme scheme) {
  if (text.empty()) {
    return static_cast<std::uint16_t>(scheme == Scheme::https ? 443 : 80);
  }
  std::uint16_t port = 0;
  const char* const end = text.data() + text.size();
  const auto [stop, error] = std::from_chars(text.data() + 1, end, port);
  if (text.front() != ':' || error != std::errc{} || stop != end || port == 0) {
    return std::nullopt;
  }
  return port;
}

}  // namespace

Result<Url> parse_url(std::string_view text) {
  Url url;
  const std::size_t colon = text.find("://");
  const std::string scheme = lower_case(text.substr(0, colon));
  if (colon == std::string_view::npos || (scheme != "https" && scheme != "http")) {
    return refuse(R"(expected a URL that starts with "https://" or "http://")");
  }
  url.scheme = scheme == "https" ? Scheme::https : Scheme::http;
  std::string_view rest = text.substr(scheme.size() + 3);
  if (rest.find_first_of("?#") != std::string_view::npos) {
    return refuse("expected a URL without query and fragment");
  }
  const std::size_t slash = std::min(rest.find('/'), rest.size());
  url.path = rest.substr(slash);
  rest = rest.substr(0, slash);
  if (rest.find('@') != std::string_view::npos) {
    return refuse("expected a URL without a user: who we are to a back end is set under credentials");
  }
  const bool bracketed = rest.starts_with('[') && rest.find(']') != std::string_view::npos;
  const std::size_t host_size = bracketed ? rest.find(']') + 1 : std::min(rest.find(':'), rest.size());
  url.host = lower_case(bracketed ? rest.substr(1, host_size - 2) : rest.substr(0, host_size));
  const std::optional<Endpoint> address = parse_address(url.host, 0);
  if (bracketed ? (!address || address->family != Endpoint::Family::ipv6) : !is_host(url.host)) {
    return refuse(R"(expected a host in the URL: a DNS name in ASCII form ("xn--…"), an IPv4 address, or an IPv6 address in brackets)");
  }
  if (address) {
    url.host = address->address_text();
  }
  const std::optional<std::uint16_t> port = port_of(rest.substr(host_size), url.scheme);
  if (!port) {
    return refuse("expected a port from 1 to 65535 behind the URL's host");
  }
  url.port = *port;
  if (!url.path.empty() && !is_path(url.path)) {
    return refuse("expected a URL whose path has only characters of RFC 3986 and no \".\", \"..\" or empty segments");
  }
  url.authority = bracketed ? fmt::format("[{}]", url.host) : url.host;
  if (rest.size() != host_size && url.port != (url.scheme == Scheme::https ? 443 : 80)) {
    url.authority += fmt::format(":{}", url.port);
  }
  return url;
}

}  // namespace signet::config
