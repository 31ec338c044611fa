// SPDX-License-Identifier: GPL-3.0-or-later
#include "pfx_mac.h"

#include <wolfssl/wolfcrypt/hmac.h>

#include <algorithm>
#include <memory>

#include "object_identifiers.h"
#include "pbe.h"

namespace signet::wire {

namespace {

std::unexpected<Error> refuse(std::string detail) {
  return fail(ErrorKind::config, Origin::internal, std::move(detail));
}

std::unexpected<Error> not_supported(std::string_view oid) {
  return refuse("its integrity check (MAC) is not supported: " + oids::name(oid));
}

std::unexpected<Error> damaged_mac() {
  return refuse("damaged: its integrity check (MAC) cannot be read");
}

/// PBMAC1-params (RFC 8018 appendix A.5), whose key length RFC 9579 makes mandatory.
Result<void> read_pbmac1(der::Reader parameters, PfxMac& mac) {
  const der::Reader derivation = parameters.enter(der::sequence);
  const std::string hmac = der::oid_text(parameters.enter(der::sequence).read(der::object_identifier).content);
  if (parameters.damaged()) return damaged_mac();
  auto pbkdf2 = read_pbkdf2(derivation);
  if (!pbkdf2) return std::unexpected(std::move(pbkdf2).error());
  const auto hash = hmac_type(hmac);
  if (!hash) return not_supported(hmac);
  constexpr std::uint32_t key_octets_max = 256;
  if (pbkdf2->key_octets.value_or(0) == 0 || *pbkdf2->key_octets > key_octets_max) return damaged_mac();
  mac.derivation = PfxMac::Derivation::pbkdf2;
  mac.derivation_hash = pbkdf2->hash;
  mac.hmac_hash = *hash;
  mac.salt = std::move(pbkdf2->salt);
  mac.iterations = pbkdf2->iterations;
  mac.key_octets = *pbkdf2->key_octets;
  return {};
}

}  // namespace

Result<PfxMac> read_pfx_mac(der::Reader mac) {
  PfxMac out;
  der::Reader digest_info = mac.enter(der::sequence);
  der::Reader algorithm = digest_info.enter(der::sequence);
  const std::string oid = der::oid_text(algorithm.read(der::object_identifier).content);
  const SecretBytes value = digest_info.read_string(der::octet_string);
  const SecretBytes salt = mac.read_string(der::octet_string);
  if (mac.next_is(der::integer)) out.iterations = mac.read_uint32();
  if (mac.damaged()) return damaged_mac();
  out.value.assign(value.begin(), value.end());
  if (oid == oids::pbmac1) {
    if (auto read = read_pbmac1(algorithm.enter(der::sequence), out); !read) return std::unexpected(std::move(read).error());
    return out;
  }
  const auto hash = digest_type(oid);
  if (!hash) return not_supported(oid);
  if (out.iterations == 0) return damaged_mac();
  out.derivation_hash = out.hmac_hash = *hash;
  out.key_octets = digest_size(*hash);
  out.salt.assign(salt.begin(), salt.end());
  return out;
}

Result<bool> verify(const PfxMac& mac, ByteView content, const PasswordForm& password, WorkBudget& budget) {
  SecretBytes key(mac.key_octets);
  const auto derived = mac.derivation == PfxMac::Derivation::pkcs12
                           ? pkcs12_derive(mac.derivation_hash, KeyPurpose::mac, password.bmp, mac.salt, mac.iterations, budget, key)
                           : pbkdf2_derive(mac.derivation_hash, password.utf8, mac.salt, mac.iterations, budget, key);
  if (!derived) return std::unexpected(derived.error());
  SecretBytes value(digest_size(mac.hmac_hash));
  const auto hmac = std::make_unique<Hmac>();
  bool made = wc_HmacInit(hmac.get(), nullptr, INVALID_DEVID) == 0;
  if (made) {
    made = wc_HmacSetKey(hmac.get(), hmac_number(mac.hmac_hash), raw(key), static_cast<word32>(key.size())) == 0 &&
           wc_HmacUpdate(hmac.get(), raw(content), static_cast<word32>(content.size())) == 0 &&
           wc_HmacFinal(hmac.get(), raw_out(value)) == 0;
    wc_HmacFree(hmac.get());
  }
  if (!made) return fail(ErrorKind::internal, Origin::internal, "HMAC failed");
  return std::equal(value.begin(), value.end(), mac.value.begin(), mac.value.end());
}

}  // namespace signet::wire
