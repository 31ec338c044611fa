// SPDX-License-Identifier: GPL-3.0-or-later
// What a back end is told beside the caller's request: who we are. No error here shows a value.
#include <fmt/core.h>

#include <algorithm>
#include <set>
#include <string>
#include <utility>

#include "signet/wire/http_head.h"
#include "load_objects.h"
#include "names.h"

namespace signet::config {

namespace {

/// As the management REST resources have it.
constexpr std::size_t certificates_max = 32;
constexpr std::size_t scheme_size_max = 100;
constexpr std::size_t parameter_size_max = 300;
/// Of header and of query, each; all of them travel in every request's head.
constexpr std::size_t names_max = 32;
constexpr std::size_t values_max = 32;
constexpr std::size_t name_size_max = 256;
constexpr std::size_t value_size_max = 4096;

bool is_query_text(std::string_view text) {
  return std::none_of(text.begin(), text.end(), [](char c) { return static_cast<unsigned char>(c) < 0x20 || c == 0x7f; });
}

std::string refusal_of_header_name(std::string_view name) {
  if (!is_token(name) || name.size() > name_size_max) {
    return fmt::format("expected the name of a header field: 1 to {} characters of RFC 9110 §5.6.2", name_size_max);
  }
  switch (wire::field_id(name)) {
    case wire::FieldId::connection:
    case wire::FieldId::content_length:
    case wire::FieldId::expect:
    case wire::FieldId::te:
    case wire::FieldId::trailer:
    case wire::FieldId::transfer_encoding:
    case wire::FieldId::upgrade:
    case wire::FieldId::hop_by_hop: return "expected none of the header fields that belong to a connection or to a message's framing";
    case wire::FieldId::host: return "expected no Host here: hostHeader decides what stands there";
    case wire::FieldId::disguised: return "expected \"-\" in place of \"_\" in a name that HTTP gives a meaning to";
    default: return {};
  }
}

std::string refusal_of_query_name(std::string_view name) {
  if (name.empty() || name.size() > name_size_max || !is_query_text(name)) {
    return fmt::format("expected the name of a query parameter: 1 to {} bytes without control characters", name_size_max);
  }
  return {};
}

/// What tells header from query.
struct Place {
  std::string_view name;
  std::string (*refusal_of_name)(std::string_view);
  bool (*is_value)(std::string_view);
  std::string_view expected_value;
  bool ignores_case = false;
};

constexpr Place header{
    .name = "header",
    .refusal_of_name = refusal_of_header_name,
    .is_value = is_field_value,
    .expected_value = "expected a text of at most 4096 bytes without control characters and without space at either end",
    .ignores_case = true,
};
constexpr Place query{
    .name = "query",
    .refusal_of_name = refusal_of_query_name,
    .is_value = is_query_text,
    .expected_value = "expected a text of at most 4096 bytes without control characters",
};
static_assert(value_size_max == 4096, "the sentences above name it");

std::vector<std::string> read_values(Document& document, const Item& item, const Place& place) {
  std::vector<std::string> values;
  if (item.node->type != json::Type::array || item.node->children.size() > values_max) {
    document.report().error(document.source(item.node->offset, item.pointer),
                            fmt::format("expected an array of at most {} texts", values_max));
    return values;
  }
  for (std::size_t i = 0; i < item.node->children.size(); ++i) {
    const json::Node& value = item.node->children[i];
    if (value.type != json::Type::string || value.text.size() > value_size_max || !place.is_value(value.text)) {
      document.report().error(document.source(value.offset, fmt::format("{}/{}", item.pointer, i)), std::string(place.expected_value));
    } else {
      values.push_back(value.text);
    }
  }
  return values;
}

/// A name with an empty array is as good as none.
void read_named_values(ObjectReader& reader, const Place& place, std::vector<NamedValues>& target) {
  Document& document = reader.document();
  std::set<std::string> names;
  reader.members(place.name, [&](const std::string& name, const Item& item) {
    const Source source = document.source(item.node->key_offset, item.pointer);
    if (std::string refusal = place.refusal_of_name(name); !refusal.empty()) {
      document.report().error(source, std::move(refusal));
      return;
    }
    if (!names.insert(place.ignores_case ? lower_case(name) : name).second) {
      document.report().error(source, "stands here a second time: names of header fields have no case");
      return;
    }
    std::vector<std::string> values = read_values(document, item, place);
    if (!values.empty()) {
      target.push_back(NamedValues{.name = name, .values = std::move(values)});
    }
  });
  if (names.size() > names_max) {
    reader.error(place.name, fmt::format("expected no more than {} names, found {}", names_max, names.size()));
  }
}

void read_authorization(ObjectReader& reader, std::optional<Authorization>& target) {
  reader.hide_values();
  reader.require({"scheme", "parameter"});
  Authorization authorization;
  reader.text("scheme", authorization.scheme, 1, scheme_size_max);
  reader.text("parameter", authorization.parameter, 1, parameter_size_max);
  if (!authorization.scheme.empty() && !is_token(authorization.scheme)) {
    reader.error("scheme", "expected the name of an authentication scheme, such as \"Basic\" or \"Bearer\"");
  } else if (!is_field_value(authorization.parameter)) {
    reader.error("parameter", "expected a text without control characters and without space at either end");
  } else if (!authorization.scheme.empty() && !authorization.parameter.empty()) {
    target = std::move(authorization);
  }
}

void read_certificates(ObjectReader& reader, BackendCredentials& credentials) {
  reader.references("certificateIds", credentials.certificate_ids, certificates_max);
  for (Reference& id : credentials.certificate_ids) {
    shorten(reader.document(), id, "certificates");
  }
  reader.references("certificate", credentials.certificate, certificates_max);
  for (Reference& thumbprint : credentials.certificate) {
    std::string normal = normal_thumbprint(thumbprint.value);
    if (normal.empty() || normal.size() > 64) {
      reader.document().report().error(thumbprint.source, "expected a thumbprint of 40 (SHA-1) or 64 (SHA-256) hexadecimal digits");
    }
    thumbprint.value = std::move(normal);
  }
}

}  // namespace

void shorten(Document& document, Reference& reference, std::string_view collection) {
  if (reference.value.empty()) {
    return;
  }
  std::string id(id_in(reference.value, collection));
  if (id.empty()) {
    document.report().error(
        reference.source,
        fmt::format("expected an id, or the resource id of a service of API Management that ends in \"/{}/…\"", collection));
  }
  reference.value = std::move(id);
}

void read_credentials(ObjectReader& reader, BackendCredentials& credentials) {
  reader.hide_values();
  read_certificates(reader, credentials);
  read_named_values(reader, query, credentials.query);
  read_named_values(reader, header, credentials.header);
  reader.object("authorization", [&](ObjectReader& entry) { read_authorization(entry, credentials.authorization); });
  const bool twice = credentials.authorization && std::ranges::any_of(credentials.header, [](const NamedValues& field) {
                       return lower_case(field.name) == "authorization";
                     });
  if (twice) {
    reader.error("authorization", "expected authorization, or header with the field Authorization, not both");
  }
  if (!reader.document().is_file()) {
    return;
  }
  for (const std::string_view name : {"query", "header", "authorization"}) {
    if (reader.has(name)) {
      reader.warning(name, "may hold secrets: nobody but Signet's user should be able to read this file (mode 0600)");
    }
  }
}

}  // namespace signet::config
