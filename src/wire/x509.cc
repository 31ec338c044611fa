// SPDX-License-Identifier: GPL-3.0-or-later
#include "x509.h"

#include <wolfssl/wolfcrypt/hash.h>

#include <array>
#include <optional>

#include "signet/base/check.h"
#include "object_identifiers.h"
#include "text_encoding.h"
#include "x509_name.h"

namespace signet::wire {

namespace {

template <std::size_t size>
std::string thumbprint(wc_HashType type, ByteView der) {
  std::array<std::byte, size> digest{};
  SIGNET_CHECK(wc_Hash(type, raw(der), static_cast<word32>(der.size()), raw_out(digest), size) == 0);
  return hex_upper(digest);
}

std::optional<unsigned> decimal(std::string_view digits) {
  unsigned value = 0;
  for (const char digit : digits) {
    if (digit < '0' || digit > '9') return std::nullopt;
    value = value * 10 + static_cast<unsigned>(digit - '0');
  }
  return value;
}

/// RFC 5280 §4.1.2.5: "YYMMDDHHMMSSZ" (1950–2049) or "YYYYMMDDHHMMSSZ".
std::optional<WallTime> time_value(const der::Element& element) {
  std::string digits(as_text(element.content));
  if (element.tag == der::utc_time && digits.size() == 13) {
    digits.insert(0, digits[0] >= '5' ? "19" : "20");
  } else if (element.tag != der::generalized_time) {
    return std::nullopt;
  }
  if (digits.size() != 15 || digits.back() != 'Z') return std::nullopt;
  const std::string_view text = digits;
  const auto year = decimal(text.substr(0, 4));
  std::array<unsigned, 5> field{};
  for (std::size_t i = 0; i < field.size(); ++i) {
    const auto value = decimal(text.substr(4 + 2 * i, 2));
    if (!value) return std::nullopt;
    field[i] = *value;
  }
  if (!year) return std::nullopt;
  const std::chrono::year_month_day date(std::chrono::year(static_cast<int>(*year)), std::chrono::month(field[0]),
                                         std::chrono::day(field[1]));
  if (!date.ok() || field[2] > 23 || field[3] > 59 || field[4] > 60) return std::nullopt;
  return std::chrono::sys_days(date) + std::chrono::hours(field[2]) + std::chrono::minutes(field[3]) + std::chrono::seconds(field[4]);
}

ByteVector copy(ByteView bytes) {
  return ByteVector(bytes.begin(), bytes.end());
}

/// The extension's value, which is DER again (RFC 5280 §4.2).
void read_extension(std::string_view type, der::Reader value, X509& certificate) {
  CertificateInfo& info = certificate.info;
  if (type == oids::subject_alternative_name) {
    info.subject_alternative_names = general_names_text(value.enter(der::sequence));
  } else if (type == oids::extended_key_usage) {
    der::Reader usages = value.enter(der::sequence);
    while (!usages.at_end()) {
      info.extended_key_usages.push_back(oids::name(der::oid_text(usages.read(der::object_identifier).content)));
    }
  } else if (type == oids::basic_constraints) {
    der::Reader constraints = value.enter(der::sequence);
    if (constraints.next_is(der::boolean)) {
      const ByteView flag = constraints.read().content;
      info.ca = flag.size() == 1 && flag.front() != std::byte{0};
    }
  } else if (type == oids::subject_key_identifier) {
    certificate.subject_key_id = copy(value.read(der::octet_string).content);
  } else if (type == oids::authority_key_identifier) {
    der::Reader identifier = value.enter(der::sequence);
    if (identifier.next_is(der::context(0))) certificate.authority_key_id = copy(identifier.read().content);
  }
}

void read_extensions(der::Reader extensions, X509& certificate) {
  while (!extensions.at_end()) {
    der::Reader extension = extensions.enter(der::sequence);
    const std::string type = der::oid_text(extension.read(der::object_identifier).content);
    if (extension.next_is(der::boolean)) extension.read();
    const ByteView content = extension.read(der::octet_string).content;
    bool damaged = false;
    read_extension(type, der::Reader(content, der::Rules::der, damaged), certificate);
    if (damaged) extensions.fault();
  }
}

/// The TBSCertificate (RFC 5280 §4.1). Returns the part that is damaged, or null.
const char* read_body(der::Reader body, X509& certificate) {
  CertificateInfo& info = certificate.info;
  if (body.next_is(der::context_constructed(0))) body.read();  // version
  ByteView serial = body.read(der::integer).content;
  while (serial.size() > 1 && serial.front() == std::byte{0})
    serial = serial.subspan(1);
  info.serial = hex_upper(serial);
  body.enter(der::sequence);  // signature algorithm: repeated outside
  if (body.damaged() || serial.empty()) return "its serial number";

  const der::Element issuer = body.read(der::sequence);
  certificate.issuer = copy(issuer.whole);
  info.issuer = name_text(body.enter(issuer));
  if (body.damaged()) return "its issuer's name";

  der::Reader validity = body.enter(der::sequence);
  info.not_before = read_time(validity);
  info.not_after = read_time(validity);
  if (body.damaged()) return "its validity";

  const der::Element subject = body.read(der::sequence);
  certificate.subject = copy(subject.whole);
  info.subject = name_text(body.enter(subject));
  if (body.damaged()) return "its subject's name";

  certificate.public_key = read_public_key(body.enter(der::sequence));
  info.key_type = certificate.public_key.type;
  if (body.damaged()) return "its public key";

  for (const unsigned unique_id : {1U, 2U}) {
    if (body.next_is(der::context(unique_id))) body.read();
  }
  if (body.next_is(der::context_constructed(3))) read_extensions(body.enter(body.read()).enter(der::sequence), certificate);
  body.expect_end();
  return body.damaged() ? "its extensions" : nullptr;
}

std::unexpected<Error> damaged_certificate(std::string_view how) {
  return fail(ErrorKind::config, Origin::internal, "the certificate is damaged: " + std::string(how));
}

}  // namespace

WallTime read_time(der::Reader& reader) {
  const auto time = time_value(reader.read());
  if (!time) reader.fault();
  return time.value_or(WallTime{});
}

Result<X509> read_x509(ByteView der) {
  X509 certificate;
  bool damaged = false;
  der::Reader file(der, der::Rules::der, damaged);
  der::Reader outer = file.enter(der::sequence);
  const der::Reader body = outer.enter(der::sequence);
  const char* part = damaged ? "its outer structure" : read_body(body, certificate);
  if (part == nullptr) {
    der::Reader algorithm = outer.enter(der::sequence);
    certificate.info.signature_algorithm = oids::name(der::oid_text(algorithm.read(der::object_identifier).content));
    outer.read_bit_string();
    outer.expect_end();
    if (damaged) part = "its signature";
  }
  if (part == nullptr && !file.at_end()) return damaged_certificate("other bytes follow it");
  if (part != nullptr)
    return fail(ErrorKind::config, Origin::internal, "the certificate is damaged: " + std::string(part) + " cannot be read");
  certificate.der = copy(der);
  certificate.info.thumbprint_sha1 = thumbprint<20>(WC_HASH_TYPE_SHA, der);
  certificate.info.thumbprint_sha256 = thumbprint<32>(WC_HASH_TYPE_SHA256, der);
  return certificate;
}

bool looks_like_certificate(ByteView bytes) {
  bool damaged = false;
  der::Reader file(bytes, der::Rules::ber, damaged);
  der::Reader body = file.enter(der::sequence).enter(der::sequence);
  if (body.next_is(der::context_constructed(0))) body.read();
  body.read(der::integer);
  body.enter(der::sequence).read(der::object_identifier);
  body.read(der::sequence);
  const der::Reader validity = body.enter(der::sequence);
  return !damaged && (validity.next_is(der::utc_time) || validity.next_is(der::generalized_time));
}

Result<CertificateInfo> certificate_info(ByteView der) {
  auto certificate = read_x509(der);
  if (!certificate) return std::unexpected(std::move(certificate).error());
  return std::move(certificate->info);
}

}  // namespace signet::wire
