// SPDX-License-Identifier: GPL-3.0-or-later
#include "certificate_request.h"

#include <algorithm>
#include <optional>

#include "signet/base/limits.h"
#include "der.h"
#include "x509.h"
#include "x509_name.h"

namespace signet::wire {

namespace {

constexpr unsigned certificate_authorities_extension = 47;

/// Walks over vectors of TLS (RFC 8446 §3.4). Past a fault everything is empty.
class Vectors {
 public:
  explicit Vectors(ByteView bytes) : rest_(bytes) {}

  [[nodiscard]] bool at_end() const { return rest_.empty(); }

  unsigned number(std::size_t octets) {
    unsigned value = 0;
    for (const std::byte octet : take(octets)) {
      value = value << 8 | std::to_integer<unsigned>(octet);
    }
    return value;
  }

  /// The next vector, whose length stands in `octets` octets.
  ByteView vector(std::size_t octets) { return take(number(octets)); }

 private:
  ByteView take(std::size_t size) {
    if (size > rest_.size()) {
      rest_ = {};
      return {};
    }
    const ByteView taken = rest_.first(size);
    rest_ = rest_.subspan(size);
    return taken;
  }

  ByteView rest_;
};

/// At most limits::log_value_bytes_max bytes, whole characters.
std::string cut(std::string text) {
  constexpr std::string_view ellipsis = "…";
  if (text.size() <= limits::log_value_bytes_max) {
    return text;
  }
  std::size_t size = limits::log_value_bytes_max - ellipsis.size();
  while (size > 0 && (static_cast<unsigned char>(text[size]) & 0xc0U) == 0x80U) {
    --size;
  }
  text.resize(size);
  return text.append(ellipsis);
}

std::string distinguished_name_text(ByteView name) {
  bool damaged = false;
  der::Reader reader(name, der::Rules::ber, damaged);
  std::string text = name_text(reader.enter(der::sequence));
  return damaged ? "(not readable)" : cut(std::move(text));
}

/// The issuers of our certificate and of those that we send with it.
std::vector<ByteVector> issuers_of(const Certificate& certificate) {
  std::vector<ByteVector> issuers;
  for (const ByteVector& der : certificate.chain_der()) {
    if (Result<X509> read = read_x509(der)) {
      issuers.push_back(std::move(read->issuer));
    }
  }
  return issuers;
}

}  // namespace

ByteView authorities_list(ByteView body, TlsVersion version) {
  Vectors request(body);
  request.vector(1);  // certificate types, or the request's context
  if (version == TlsVersion::tls12) {
    request.vector(2);  // signature algorithms
    return request.vector(2);
  }
  Vectors extensions(request.vector(2));
  while (!extensions.at_end()) {
    const unsigned type = extensions.number(2);
    const ByteView data = extensions.vector(2);
    if (type == certificate_authorities_extension) {
      return Vectors(data).vector(2);
    }
  }
  return {};
}

NamedAuthorities read_authorities(ByteView list, const Certificate* ours) {
  NamedAuthorities authorities;
  authorities.list.assign(list.begin(), list.end());
  const std::vector<ByteVector> issuers = ours == nullptr ? std::vector<ByteVector>() : issuers_of(*ours);
  bool listed = false;
  for (Vectors names(list); !names.at_end(); ++authorities.total) {
    const ByteView name = names.vector(2);
    if (authorities.names.size() < authorities_kept_max) {
      authorities.names.push_back(distinguished_name_text(name));
    }
    listed = listed || std::ranges::any_of(issuers, [&](const ByteVector& issuer) { return std::ranges::equal(issuer, name); });
  }
  if (authorities.total != 0 && ours != nullptr) {
    authorities.issuer_listed = listed ? IssuerListed::yes : IssuerListed::no;
  }
  return authorities;
}

}  // namespace signet::wire
