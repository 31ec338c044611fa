// SPDX-License-Identifier: GPL-3.0-or-later
#include "private_key.h"

#include <wolfssl/wolfcrypt/ecc.h>
#include <wolfssl/wolfcrypt/ed25519.h>
#include <wolfssl/wolfcrypt/rsa.h>
#include <wolfssl/wolfcrypt/wolfmath.h>

#include <array>
#include <memory>
#include <optional>

#include "object_identifiers.h"

namespace signet::wire {

namespace {

std::unexpected<Error> refuse(std::string detail) {
  return fail(ErrorKind::config, Origin::internal, std::move(detail));
}

std::unexpected<Error> damaged_key() {
  return refuse("the private key is damaged");
}

/// A number that is wiped when it goes. About 1 KiB, therefore on the heap.
class Number {
 public:
  Number() { mp_init(value_.get()); }
  explicit Number(ByteView octets) : Number() {
    ok_ = mp_read_unsigned_bin(value_.get(), raw(octets), static_cast<word32>(octets.size())) == MP_OKAY;
  }
  Number(const Number&) = delete;
  Number& operator=(const Number&) = delete;
  ~Number() { mp_forcezero(value_.get()); }

  [[nodiscard]] mp_int* get() const { return value_.get(); }
  [[nodiscard]] bool ok() const { return ok_; }

 private:
  std::unique_ptr<mp_int> value_ = std::make_unique<mp_int>();
  bool ok_ = true;
};

/// a · b ≡ 1 (mod m)
bool is_inverse(const Number& a, const Number& b, const Number& modulus) {
  const Number product;
  return mp_mulmod(a.get(), b.get(), modulus.get(), product.get()) == MP_OKAY && mp_isone(product.get());
}

/// The parts of an RSAPrivateKey (RFC 8017 appendix A.1.2), unsigned octets.
struct RsaParts {
  ByteView modulus, public_exponent, private_exponent, prime1, prime2, exponent1, exponent2, coefficient;
};

/// A key whose parts contradict each other would sign garbage, and a garbled CRT part even gives the key away.
bool belong_together(const RsaParts& parts) {
  const Number n(parts.modulus);
  const Number e(parts.public_exponent);
  const Number d(parts.private_exponent);
  const Number p(parts.prime1);
  const Number q(parts.prime2);
  const Number dp(parts.exponent1);
  const Number dq(parts.exponent2);
  const Number q_inverse(parts.coefficient);
  for (const Number* number : {&n, &e, &d, &p, &q, &dp, &dq, &q_inverse}) {
    if (!number->ok() || mp_iszero(number->get())) return false;
  }
  const Number product;
  const Number p_less_one;
  const Number q_less_one;
  if (mp_mul(p.get(), q.get(), product.get()) != MP_OKAY || mp_cmp(product.get(), n.get()) != MP_EQ) return false;
  if (mp_sub_d(p.get(), 1, p_less_one.get()) != MP_OKAY || mp_sub_d(q.get(), 1, q_less_one.get()) != MP_OKAY) return false;
  if (mp_iszero(p_less_one.get()) || mp_iszero(q_less_one.get())) return false;
  return is_inverse(e, d, p_less_one) && is_inverse(e, d, q_less_one) && is_inverse(e, dp, p_less_one) && is_inverse(e, dq, q_less_one) &&
         is_inverse(q, q_inverse, p);
}

/// PrivateKeyInfo around a key (RFC 5958 §2): version 0, algorithm, OCTET STRING. `parameters` is DER and may be empty.
SecretBytes pkcs8_around(ByteView algorithm_oid, ByteView parameters, ByteView key) {
  SecretBytes algorithm;
  der::write(algorithm, der::object_identifier, algorithm_oid);
  algorithm.insert(algorithm.end(), parameters.begin(), parameters.end());
  SecretBytes content;
  content.reserve(key.size() + algorithm.size() + 32);
  der::write_unsigned(content, {});
  der::write(content, der::sequence, algorithm);
  der::write(content, der::octet_string, key);
  SecretBytes out;
  der::write(out, der::sequence, content);
  return out;
}

constexpr auto octets(auto... values) {
  return std::array<std::byte, sizeof...(values)>{static_cast<std::byte>(values)...};
}

constexpr auto rsa_oid = octets(0x2a, 0x86, 0x48, 0x86, 0xf7, 0x0d, 0x01, 0x01, 0x01);
constexpr auto ec_oid = octets(0x2a, 0x86, 0x48, 0xce, 0x3d, 0x02, 0x01);
constexpr auto ed25519_oid = octets(0x2b, 0x65, 0x70);
constexpr auto null_parameters = octets(0x05, 0x00);

struct Curve {
  std::string_view oid;
  ecc_curve_id id;
  std::size_t scalar_size;
};
constexpr auto curves =
    std::to_array<Curve>({{oids::p256, ECC_SECP256R1, 32}, {oids::p384, ECC_SECP384R1, 48}, {oids::p521, ECC_SECP521R1, 66}});

/// The uncompressed point that belongs to a scalar; nothing if the scalar is out of range.
std::optional<SecretBytes> ec_point(const Curve& curve, ByteView scalar) {
  const auto key = std::make_unique<ecc_key>();
  if (wc_ecc_init(key.get()) != 0) return std::nullopt;
  SecretBytes point(1 + 2 * curve.scalar_size);
  auto size = static_cast<word32>(point.size());
  const bool made = wc_ecc_import_private_key_ex(raw(scalar), static_cast<word32>(scalar.size()), nullptr, 0, key.get(), curve.id) == 0 &&
                    wc_ecc_make_pub_ex(key.get(), nullptr, nullptr) == 0 && wc_ecc_export_x963(key.get(), raw_out(point), &size) == 0;
  wc_ecc_free(key.get());
  if (!made || size != point.size()) return std::nullopt;
  return point;
}

/// ECPrivateKey (RFC 5915 §3). `curve_oid` is that of the algorithm around it, or empty.
Result<PrivateKey> read_ec(ByteView der, ByteView curve_oid) {
  bool damaged = false;
  der::Reader file(der, der::Rules::ber, damaged);
  der::Reader key = file.enter(der::sequence);
  if (key.read_uint32() != 1) key.fault();
  const SecretBytes written_scalar = key.read_string(der::octet_string);
  if (key.next_is(der::context_constructed(0))) {
    der::Reader parameters = key.enter(der::context_constructed(0));
    if (curve_oid.empty() && parameters.next_is(der::object_identifier)) curve_oid = parameters.read().content;
  }
  SecretBytes written_point;
  if (key.next_is(der::context_constructed(1))) {
    const ByteView bits = key.enter(der::context_constructed(1)).read_bit_string();
    written_point.assign(bits.begin(), bits.end());
  }
  if (damaged) return damaged_key();
  if (curve_oid.empty()) return refuse("the private key's algorithm is not supported: EC with explicit curve parameters");
  const std::string curve_text = der::oid_text(curve_oid);
  const Curve* curve = nullptr;
  for (const Curve& candidate : curves) {
    if (candidate.oid == curve_text) curve = &candidate;
  }
  if (curve == nullptr) return refuse("the private key's algorithm is not supported: EC " + oids::name(curve_text));

  // Some programs drop the scalar's leading zeros, some add one.
  ByteView scalar = written_scalar;
  while (scalar.size() > curve->scalar_size && scalar.front() == std::byte{0})
    scalar = scalar.subspan(1);
  if (scalar.size() > curve->scalar_size) return damaged_key();
  SecretBytes full_scalar(curve->scalar_size - scalar.size());
  full_scalar.insert(full_scalar.end(), scalar.begin(), scalar.end());
  const auto point = ec_point(*curve, full_scalar);
  if (!point) return damaged_key();
  PublicKey public_key = ec_public_key(curve_text, *point);
  if (!written_point.empty() && ec_public_key(curve_text, written_point) != public_key) {
    return refuse("the private key is damaged: its public part does not belong to its private part");
  }

  SecretBytes bits(1);
  bits.insert(bits.end(), point->begin(), point->end());
  SecretBytes bit_string;
  der::write(bit_string, der::bit_string, bits);
  SecretBytes content;
  content.reserve(full_scalar.size() + bit_string.size() + 32);
  der::write(content, der::integer, octets(1));
  der::write(content, der::octet_string, full_scalar);
  der::write(content, der::context_constructed(1), bit_string);
  SecretBytes rebuilt;
  der::write(rebuilt, der::sequence, content);
  SecretBytes parameters;
  der::write(parameters, der::object_identifier, curve_oid);
  return PrivateKey{.pkcs8 = pkcs8_around(ec_oid, parameters, rebuilt), .public_key = std::move(public_key)};
}

/// CurvePrivateKey (RFC 8410 §7).
Result<PrivateKey> read_ed25519(ByteView der) {
  bool damaged = false;
  der::Reader file(der, der::Rules::ber, damaged);
  const SecretBytes seed = file.read_string(der::octet_string);
  if (damaged || seed.size() != ED25519_KEY_SIZE) return damaged_key();
  const auto key = std::make_unique<ed25519_key>();
  if (wc_ed25519_init(key.get()) != 0) return damaged_key();
  ByteVector point(ED25519_PUB_KEY_SIZE);
  const bool made = wc_ed25519_import_private_only(raw(seed), static_cast<word32>(seed.size()), key.get()) == 0 &&
                    wc_ed25519_make_public(key.get(), raw_out(point), static_cast<word32>(point.size())) == 0;
  wc_ed25519_free(key.get());
  if (!made) return damaged_key();
  SecretBytes inner;
  der::write(inner, der::octet_string, seed);
  return PrivateKey{.pkcs8 = pkcs8_around(ed25519_oid, {}, inner), .public_key = {.type = "Ed25519", .octets = std::move(point)}};
}

}  // namespace

Result<PrivateKey> read_rsa_private_key(ByteView der) {
  bool damaged = false;
  der::Reader file(der, der::Rules::ber, damaged);
  der::Reader key = file.enter(der::sequence);
  const std::uint32_t version = key.read_uint32();
  RsaParts parts;
  for (ByteView* part : {&parts.modulus, &parts.public_exponent, &parts.private_exponent, &parts.prime1, &parts.prime2, &parts.exponent1,
                         &parts.exponent2, &parts.coefficient}) {
    *part = key.read_unsigned();
  }
  if (damaged) return damaged_key();
  if (version != 0) return refuse("the private key's algorithm is not supported: RSA with more than two primes");
  PublicKey public_key = rsa_public_key(parts.modulus, parts.public_exponent);
  constexpr std::size_t modulus_octets_max = 512;  // RSA 4096, the longest that our arithmetic is built for
  if (parts.modulus.size() > modulus_octets_max) return refuse("the private key's algorithm is not supported: " + public_key.type);
  if (parts.modulus.size() < RSA_MIN_SIZE / 8) return refuse("the private key is too short for TLS: " + public_key.type);
  if (!belong_together(parts)) return refuse("the private key is damaged: its parts do not belong together");

  SecretBytes content;
  content.reserve(der.size() + 64);
  der::write_unsigned(content, {});
  for (const ByteView part : {parts.modulus, parts.public_exponent, parts.private_exponent, parts.prime1, parts.prime2, parts.exponent1,
                              parts.exponent2, parts.coefficient}) {
    der::write_unsigned(content, part);
  }
  SecretBytes rebuilt;
  der::write(rebuilt, der::sequence, content);
  return PrivateKey{.pkcs8 = pkcs8_around(rsa_oid, null_parameters, rebuilt), .public_key = std::move(public_key)};
}

Result<PrivateKey> read_ec_private_key(ByteView der) {
  return read_ec(der, {});
}

Result<PrivateKey> read_pkcs8(ByteView der) {
  bool damaged = false;
  der::Reader file(der, der::Rules::ber, damaged);
  der::Reader info = file.enter(der::sequence);
  const std::uint32_t version = info.read_uint32();
  der::Reader algorithm = info.enter(der::sequence);
  const std::string type = der::oid_text(algorithm.read(der::object_identifier).content);
  const SecretBytes key = info.read_string(der::octet_string);
  if (damaged || version > 1) return damaged_key();
  if (type == oids::rsa) return read_rsa_private_key(key);
  if (type == oids::ed25519) return read_ed25519(key);
  if (type != oids::ec) return refuse("the private key's algorithm is not supported: " + oids::name(type));
  if (algorithm.next_is(der::object_identifier)) return read_ec(key, algorithm.read().content);
  return algorithm.at_end() ? read_ec(key, {}) : refuse("the private key's algorithm is not supported: EC with explicit curve parameters");
}

}  // namespace signet::wire
