// SPDX-License-Identifier: GPL-3.0-or-later
#include "signet/wire/http_head.h"

#include <algorithm>
#include <array>
#include <charconv>
#include <utility>

namespace signet::wire {

namespace {

char lower(char c) {
  return c >= 'A' && c <= 'Z' ? static_cast<char>(c + ('a' - 'A')) : c;
}

constexpr std::size_t known_name_max = 27;

FieldId id_of_lower(std::string_view name) {
  using Entry = std::pair<std::string_view, FieldId>;
  static constexpr std::array<Entry, 22> known = {{
      {"te", FieldId::te},
      {"via", FieldId::via},
      {"host", FieldId::host},
      {"expect", FieldId::expect},
      {"trailer", FieldId::trailer},
      {"upgrade", FieldId::upgrade},
      {"forwarded", FieldId::forwarded},
      {"connection", FieldId::connection},
      {"keep-alive", FieldId::hop_by_hop},
      {"client-cert", FieldId::client_identity},
      {"content-length", FieldId::content_length},
      {"http2-settings", FieldId::hop_by_hop},
      {"x-forwarded-for", FieldId::x_forwarded_for},
      {"x-real-ip", FieldId::x_forwarded_other},
      {"x-forwarded-host", FieldId::x_forwarded_host},
      {"proxy-connection", FieldId::hop_by_hop},
      {"client-cert-chain", FieldId::client_identity},
      {"transfer-encoding", FieldId::transfer_encoding},
      {"x-forwarded-proto", FieldId::x_forwarded_proto},
      {"x-arr-clientcert", FieldId::client_identity},
      {"proxy-authorization", FieldId::hop_by_hop},
      {"x-forwarded-client-cert", FieldId::client_identity},
  }};
  for (const auto& [text, id] : known) {
    if (text == name) {
      return id;
    }
  }
  for (const std::string_view prefix : {"x-ssl-", "ssl-client-", "x-client-cert", "x-clientcert", "x-tls-client-", "x-amzn-mtls-"}) {
    if (name.starts_with(prefix)) {
      return FieldId::client_identity;
    }
  }
  return name.starts_with("x-forwarded-") ? FieldId::x_forwarded_other : FieldId::other;
}

/// Most fields of a call are ordinary ones: told apart by their first letter before anything is compared.
bool may_be_known(std::string_view name) {
  switch (lower(name.front())) {
    case 'c':
    case 'e':
    case 'f':
    case 'h':
    case 'k':
    case 'p':
    case 's':
    case 't':
    case 'u':
    case 'v':
    case 'x': return true;
    default: return false;
  }
}

}  // namespace

FieldId field_id(std::string_view name) {
  if (name.empty() || !may_be_known(name)) {
    return FieldId::other;
  }
  std::array<char, known_name_max> buffer;
  const std::size_t length = std::min(name.size(), buffer.size());
  bool underscore = false;
  for (std::size_t i = 0; i < length; ++i) {
    underscore = underscore || name[i] == '_';
    buffer[i] = name[i] == '_' ? '-' : lower(name[i]);
  }
  const FieldId id = id_of_lower({buffer.data(), length});
  return underscore && id != FieldId::other ? FieldId::disguised : id;
}

bool equals_ignoring_case(std::string_view a, std::string_view b) {
  return std::ranges::equal(a, b, [](char x, char y) { return lower(x) == lower(y); });
}

const HttpField* HttpFields::find(FieldId id) const {
  const auto found = std::ranges::find(fields_, id, &HttpField::id);
  return found == fields_.end() ? nullptr : &*found;
}

const HttpField* HttpFields::find(std::string_view name) const {
  const auto found = std::ranges::find_if(fields_, [name](const HttpField& field) { return equals_ignoring_case(field.name, name); });
  return found == fields_.end() ? nullptr : &*found;
}

std::size_t HttpFields::count(FieldId id) const {
  return static_cast<std::size_t>(std::ranges::count(fields_, id, &HttpField::id));
}

/// What is no number of seconds says nothing.
std::optional<std::chrono::seconds> HttpHead::keep_alive_timeout() const {
  constexpr std::string_view parameter = "timeout=";
  std::optional<std::chrono::seconds> timeout;
  for (const HttpField& field : fields_.all()) {
    if (field.id == FieldId::hop_by_hop && equals_ignoring_case(field.name, "keep-alive")) {
      for_each_element(field.value, [&](std::string_view element) {
        std::uint32_t seconds = 0;
        const std::string_view value = element.substr(std::min(element.size(), parameter.size()));
        const auto [end, failure] = std::from_chars(value.data(), value.data() + value.size(), seconds);
        if (equals_ignoring_case(element.substr(0, parameter.size()), parameter) && failure == std::errc() &&
            end == value.data() + value.size()) {
          timeout = std::chrono::seconds(seconds);
        }
      });
    }
  }
  return timeout;
}

bool HttpHead::connection_names(std::string_view name) const {
  bool named = false;
  for (const HttpField& field : fields_.all()) {
    if (field.id == FieldId::connection) {
      for_each_element(field.value, [&](std::string_view element) { named = named || equals_ignoring_case(element, name); });
    }
  }
  return named;
}

}  // namespace signet::wire
