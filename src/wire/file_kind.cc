// SPDX-License-Identifier: GPL-3.0-or-later
#include "file_kind.h"

#include <algorithm>
#include <initializer_list>

#include "der.h"
#include "object_identifiers.h"
#include "pem.h"
#include "text_encoding.h"
#include "x509.h"

namespace signet::wire {

namespace {

bool starts_with(ByteView file, std::string_view octets) {
  return as_text(file).starts_with(octets);
}

/// A SEQUENCE with these elements in front.
bool is_sequence_of(ByteView file, std::initializer_list<der::Tag> tags) {
  bool damaged = false;
  der::Reader outer(file, der::Rules::ber, damaged);
  der::Reader inside = outer.enter(der::sequence);
  for (const der::Tag tag : tags)
    inside.read(tag);
  return !damaged;
}

std::string content_type(ByteView file) {
  bool damaged = false;
  der::Reader outer(file, der::Rules::ber, damaged);
  return der::oid_text(outer.enter(der::sequence).read(der::object_identifier).content);
}

std::string der_kind(ByteView file) {
  if (looks_like_certificate(file)) return "a DER certificate, which has no private key";
  if (content_type(file) == oids::signed_data) return "a PKCS #7 bundle of certificates, which has no private key";
  if (is_sequence_of(file, {der::integer, der::sequence, der::octet_string})) return "a private key alone (PKCS #8, DER)";
  if (is_sequence_of(file, {der::sequence, der::octet_string})) return "an encrypted private key alone (PKCS #8, DER)";
  if (is_sequence_of(file, {der::integer, der::integer, der::integer, der::integer})) return "an RSA private key alone (DER)";
  if (is_sequence_of(file, {der::integer, der::octet_string})) return "an EC private key alone (DER)";
  if (is_sequence_of(file, {der::sequence, der::sequence, der::bit_string})) return "a certificate request or another signed DER structure";
  return "another kind of DER file, or a damaged one";
}

bool is_text(ByteView file) {
  return std::all_of(file.begin(), file.end(), [](std::byte octet) {
    const auto value = std::to_integer<unsigned>(octet);
    return (value >= 0x20 && value != 0x7f) || (value >= '\t' && value <= '\r');
  });
}

std::string pem_label(std::string_view text) {
  const std::size_t begin = text.find("-----BEGIN ") + 11;
  const std::size_t end = text.find("-----", begin);
  return printable(text.substr(begin, std::min(end == std::string_view::npos ? std::size_t{0} : end - begin, std::size_t{40})));
}

}  // namespace

bool starts_like_pfx(ByteView file) {
  if (file.size() < 2 || file[0] != std::byte{der::sequence}) return false;
  const auto first = std::to_integer<std::size_t>(file[1]);
  const std::size_t header = first > 0x80 ? 2 + (first & 0x7fU) : 2;
  return file.size() > header && starts_with(file.subspan(header), "\x02\x01\x03\x30");
}

std::string file_kind(ByteView file) {
  const std::string_view text = as_text(file);
  if (file.empty()) return "an empty file";
  if (looks_like_pem(text)) return "PEM text (" + pem_label(text) + ")";
  if (starts_with(file, "\xfe\xed\xfe\xed"))
    return "a Java keystore in the old JKS format (keytool -importkeystore -deststoretype pkcs12 converts it)";
  if (starts_with(file, "\xce\xce\xce\xce"))
    return "a Java keystore in the old JCEKS format (keytool -importkeystore -deststoretype pkcs12 converts it)";
  if (starts_like_pfx(file)) return "a PFX (PKCS #12) file";
  if (file[0] == std::byte{der::sequence}) {
    const auto claimed = der::claimed_size(file);
    // Text can start with '0', which is the tag of a SEQUENCE.
    if (!is_text(file) || (claimed && *claimed == file.size())) return der_kind(file);
  }
  if (starts_with(file, "\xff\xfe") || starts_with(file, "\xfe\xff")) return "UTF-16 text";
  if (const auto decoded = base64_decode(text); decoded && !decoded->empty() && decoded->front() == std::byte{der::sequence}) {
    return "Base64 text (of " + file_kind(*decoded) + "): decode it first";
  }
  if (is_text(file)) return text.find('<') == 0 ? "HTML or XML text" : "text";
  return "data of an unknown kind";
}

}  // namespace signet::wire
