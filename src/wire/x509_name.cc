// SPDX-License-Identifier: GPL-3.0-or-later
#include "x509_name.h"

#include <arpa/inet.h>

#include <array>
#include <optional>

#include "object_identifiers.h"
#include "text_encoding.h"

namespace signet::wire {

namespace {

/// A string type's value as UTF-8 (unchecked where it claims to be that already), or nothing if the type is no string.
std::optional<std::string> string_value(const der::Element& value) {
  switch (value.tag) {
    case der::utf8_string:
    case der::printable_string:
    case der::ia5_string:
    case der::numeric_string:
    case der::visible_string: return std::string(as_text(value.content));
    case der::t61_string: return utf8_from_latin1(value.content);
    case der::bmp_string: return utf8_from_utf16be(value.content);
    case der::universal_string: return utf8_from_utf32be(value.content);
    default: return std::nullopt;
  }
}

/// RFC 4514 §2.4; control characters and octets that are not UTF-8 as a backslash and two hexadecimal digits.
std::string escape(std::string_view value) {
  constexpr std::string_view special = R"(,+"\<>;)";
  std::string out;
  for (std::size_t i = 0; i < value.size(); ++i) {
    const char octet = value[i];
    const bool leading = i == 0 && (octet == ' ' || octet == '#');
    const bool trailing = i + 1 == value.size() && octet == ' ';
    if (leading || trailing || special.find(octet) != std::string_view::npos) {
      out += '\\';
      out += octet;
      continue;
    }
    std::string_view rest = value.substr(i);
    const std::size_t before = rest.size();
    const std::size_t size = take_code_point(rest) ? before - rest.size() : 1;
    out += printable(value.substr(i, size));
    i += size - 1;
  }
  return out;
}

std::string attribute_text(der::Reader attribute) {
  const std::string type = der::oid_text(attribute.read(der::object_identifier).content);
  const der::Element value = attribute.read();
  attribute.expect_end();
  const std::string_view name = oids::attribute_name(type);
  const auto text = string_value(value);
  if (name.empty() || !text) return (name.empty() ? type : std::string(name)) + "=#" + hex_upper(value.whole);
  return std::string(name) + "=" + escape(*text);
}

std::string address_text(ByteView address) {
  std::array<char, INET6_ADDRSTRLEN> text{};
  const int family = address.size() == 4 ? AF_INET : address.size() == 16 ? AF_INET6 : AF_UNSPEC;
  if (family == AF_UNSPEC || inet_ntop(family, address.data(), text.data(), text.size()) == nullptr) return "#" + hex_upper(address);
  return text.data();
}

std::string other_name_text(der::Reader other) {
  const std::string type = der::oid_text(other.read(der::object_identifier).content);
  der::Reader inside = other.enter(der::context_constructed(0));
  const der::Element value = inside.read();
  const auto text = string_value(value);
  if (type == oids::user_principal_name && text) return "UPN:" + printable(*text);
  return "otherName:" + type + "=" + (text ? printable(*text) : "#" + hex_upper(value.whole));
}

std::string general_name_text(const der::Element& name, const der::Reader& parent) {
  switch (name.tag) {
    case der::context_constructed(0): return other_name_text(parent.enter(name));
    case der::context(1): return "email:" + printable(as_text(name.content));
    case der::context(2): return "DNS:" + printable(as_text(name.content));
    case der::context_constructed(4): return "DirName:" + name_text(parent.enter(name).enter(der::sequence));
    case der::context(6): return "URI:" + printable(as_text(name.content));
    case der::context(7): return "IP:" + address_text(name.content);
    case der::context(8): return "RID:" + der::oid_text(name.content);
    default: return "other:#" + hex_upper(name.whole);
  }
}

}  // namespace

std::string name_text(der::Reader name) {
  std::vector<std::string> rdns;
  while (!name.at_end()) {
    der::Reader rdn = name.enter(der::set);
    std::string text;
    do {
      if (!text.empty()) text += '+';
      text += attribute_text(rdn.enter(der::sequence));
    } while (!rdn.at_end());
    rdns.push_back(std::move(text));
  }
  std::string out;
  for (auto rdn = rdns.rbegin(); rdn != rdns.rend(); ++rdn)
    out += (out.empty() ? "" : ",") + *rdn;
  return out;
}

std::vector<std::string> general_names_text(der::Reader names) {
  std::vector<std::string> out;
  while (!names.at_end()) {
    const der::Element name = names.read();
    out.push_back(general_name_text(name, names));
  }
  return out;
}

}  // namespace signet::wire
