// SPDX-License-Identifier: GPL-3.0-or-later
#include "public_key.h"

#include <bit>

#include "object_identifiers.h"

namespace signet::wire {

namespace {

std::size_t bits(ByteView unsigned_octets) {
  while (!unsigned_octets.empty() && unsigned_octets.front() == std::byte{0})
    unsigned_octets = unsigned_octets.subspan(1);
  if (unsigned_octets.empty()) return 0;
  return unsigned_octets.size() * 8 - static_cast<std::size_t>(std::countl_zero(std::to_integer<std::uint8_t>(unsigned_octets.front())));
}

ByteVector copy(ByteView bytes) {
  return ByteVector(bytes.begin(), bytes.end());
}

}  // namespace

PublicKey rsa_public_key(ByteView modulus, ByteView exponent) {
  SecretBytes both;
  der::write_unsigned(both, modulus);
  der::write_unsigned(both, exponent);
  SecretBytes key;
  der::write(key, der::sequence, both);
  return {.type = "RSA " + std::to_string(bits(modulus)), .octets = copy(key)};
}

PublicKey ec_public_key(std::string_view curve_oid, ByteView point) {
  PublicKey key{.type = "EC " + oids::name(curve_oid), .octets = copy(point)};
  constexpr std::byte uncompressed{0x04};
  const std::size_t coordinate = (point.size() - 1) / 2;
  if (!point.empty() && point.front() == uncompressed && point.size() == 1 + 2 * coordinate && coordinate != 0) {
    // The prefix 02 or 03 says whether y is even or odd.
    key.octets.front() = std::byte{0x02} | (point.back() & std::byte{0x01});
    key.octets.resize(1 + coordinate);
  }
  return key;
}

PublicKey read_public_key(der::Reader info) {
  der::Reader algorithm = info.enter(der::sequence);
  const std::string type = der::oid_text(algorithm.read(der::object_identifier).content);
  if (type == oids::ec) {
    // Anything but a named curve (RFC 5480 §2.1.1) stays without a name.
    std::string curve = "with explicit curve parameters";
    if (algorithm.next_is(der::object_identifier)) curve = der::oid_text(algorithm.read().content);
    return ec_public_key(curve, info.read_bit_string());
  }
  const ByteView octets = info.read_bit_string();
  if (type == oids::rsa || type == oids::rsa_pss) {
    bool damaged = false;
    der::Reader outer(octets, der::Rules::der, damaged);
    der::Reader key = outer.enter(der::sequence);
    const ByteView modulus = key.read_unsigned();
    const ByteView exponent = key.read_unsigned();
    if (damaged) info.fault();
    PublicKey rsa = rsa_public_key(modulus, exponent);
    if (type == oids::rsa_pss) rsa.type.insert(3, "-PSS");
    return rsa;
  }
  return {.type = oids::name(type), .octets = copy(octets)};
}

}  // namespace signet::wire
