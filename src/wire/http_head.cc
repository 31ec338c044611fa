// SPDX-License-Identifier: GPL-3.0-or-later
#include "signet/wire/http_head.h"

#include <algorithm>
#include <array>
#include <charconv>
#include <cstdint>

namespace signet::wire {

namespace {

char lower(char c) {
  return c >= 'A' && c <= 'Z' ? static_cast<char>(c + ('a' - 'A')) : c;
}

/// As fields are compared: servers that make variables of names take `_` for `-`.
char folded(char c) {
  return c == '_' ? '-' : lower(c);
}

bool starts_with_folded(std::string_view name, std::string_view start) {
  return name.size() >= start.size() && std::ranges::equal(name.substr(0, start.size()), start, {}, folded);
}

struct KnownName {
  std::string_view text;
  FieldId id;
};

/// In the order of the first letters.
constexpr std::array<KnownName, 22> known_names = {{
    {"client-cert", FieldId::client_identity},
    {"client-cert-chain", FieldId::client_identity},
    {"connection", FieldId::connection},
    {"content-length", FieldId::content_length},
    {"expect", FieldId::expect},
    {"forwarded", FieldId::forwarded},
    {"host", FieldId::host},
    {"http2-settings", FieldId::hop_by_hop},
    {"keep-alive", FieldId::hop_by_hop},
    {"proxy-authorization", FieldId::hop_by_hop},
    {"proxy-connection", FieldId::hop_by_hop},
    {"te", FieldId::te},
    {"trailer", FieldId::trailer},
    {"transfer-encoding", FieldId::transfer_encoding},
    {"upgrade", FieldId::upgrade},
    {"via", FieldId::via},
    {"x-arr-clientcert", FieldId::client_identity},
    {"x-forwarded-client-cert", FieldId::client_identity},
    {"x-forwarded-for", FieldId::x_forwarded_for},
    {"x-forwarded-host", FieldId::x_forwarded_host},
    {"x-forwarded-proto", FieldId::x_forwarded_proto},
    {"x-real-ip", FieldId::x_forwarded_other},
}};
static_assert(std::ranges::is_sorted(known_names, {}, [](const KnownName& name) { return name.text.front(); }));

/// Where the names with a letter begin among the known ones; those of the next letter begin where they end.
constexpr std::array<std::uint8_t, 27> names_by_letter = [] {
  std::array<std::uint8_t, 27> begin{};
  for (std::size_t letter = 0; letter < begin.size(); ++letter) {
    begin[letter] = static_cast<std::uint8_t>(std::ranges::count_if(
        known_names, [letter](const KnownName& name) { return name.text.front() < static_cast<char>('a' + letter); }));
  }
  return begin;
}();

FieldId id_of(std::string_view name) {
  const char first = folded(name.front());
  if (first < 'a' || first > 'z') {
    return FieldId::other;
  }
  const auto letter = static_cast<std::size_t>(first - 'a');
  for (std::size_t i = names_by_letter[letter]; i < names_by_letter[letter + 1]; ++i) {
    if (name.size() == known_names[i].text.size() && starts_with_folded(name, known_names[i].text)) {
      return known_names[i].id;
    }
  }
  if (first != 'x' && first != 's') {
    return FieldId::other;
  }
  for (const std::string_view prefix : {"x-ssl-", "ssl-client-", "x-client-cert", "x-clientcert", "x-tls-client-", "x-amzn-mtls-"}) {
    if (starts_with_folded(name, prefix)) {
      return FieldId::client_identity;
    }
  }
  return starts_with_folded(name, "x-forwarded-") ? FieldId::x_forwarded_other : FieldId::other;
}

}  // namespace

FieldId field_id(std::string_view name) {
  const FieldId id = name.empty() ? FieldId::other : id_of(name);
  return id != FieldId::other && name.contains('_') ? FieldId::disguised : id;
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
