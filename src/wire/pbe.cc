// SPDX-License-Identifier: GPL-3.0-or-later
#include "pbe.h"

#include <wolfssl/wolfcrypt/aes.h>
#include <wolfssl/wolfcrypt/des3.h>
#include <wolfssl/wolfcrypt/rc2.h>

#include <algorithm>
#include <memory>

#include "object_identifiers.h"

namespace signet::wire {

namespace {

constexpr std::size_t des_block = 8;

std::unexpected<Error> refuse(std::string detail) {
  return fail(ErrorKind::config, Origin::internal, std::move(detail));
}

std::unexpected<Error> not_supported(std::string_view what, std::string_view oid) {
  return refuse(std::string(what) + " is not supported: " + oids::name(oid));
}

std::unexpected<Error> damaged_parameters() {
  return refuse("damaged: the parameters of its encryption cannot be read");
}

ByteVector copy(ByteView bytes) {
  return ByteVector(bytes.begin(), bytes.end());
}

std::size_t block_size(PbeScheme::Cipher cipher) {
  return cipher == PbeScheme::Cipher::aes_cbc ? std::size_t{AES_BLOCK_SIZE} : des_block;
}

/// PBES2-params (RFC 8018 appendix A.4).
Result<PbeScheme> read_pbes2(der::Reader parameters) {
  const der::Reader derivation = parameters.enter(der::sequence);
  der::Reader cipher = parameters.enter(der::sequence);
  const std::string cipher_oid = der::oid_text(cipher.read(der::object_identifier).content);
  if (parameters.damaged()) return damaged_parameters();
  PbeScheme scheme{.derivation = PbeScheme::Derivation::pbkdf2, .cipher = PbeScheme::Cipher::aes_cbc};
  if (cipher_oid == oids::aes128_cbc) {
    scheme.key_octets = 16;
  } else if (cipher_oid == oids::aes192_cbc) {
    scheme.key_octets = 24;
  } else if (cipher_oid == oids::aes256_cbc) {
    scheme.key_octets = 32;
  } else if (cipher_oid == oids::des_ede3_cbc) {
    scheme.cipher = PbeScheme::Cipher::des3_cbc;
    scheme.key_octets = 24;
  } else {
    return not_supported("its encryption", cipher_oid);
  }
  auto pbkdf2 = read_pbkdf2(derivation);
  if (!pbkdf2) return std::unexpected(std::move(pbkdf2).error());
  scheme.iv = copy(cipher.read(der::octet_string).content);
  if (cipher.damaged() || scheme.iv.size() != block_size(scheme.cipher)) return damaged_parameters();
  if (pbkdf2->key_octets.value_or(scheme.key_octets) != scheme.key_octets) return damaged_parameters();
  scheme.hash = pbkdf2->hash;
  scheme.salt = std::move(pbkdf2->salt);
  scheme.iterations = pbkdf2->iterations;
  return scheme;
}

/// Works in place. REQUIRES: a whole number of blocks.
bool run_cipher(PbeScheme::Cipher cipher, ByteView key, ByteView iv, MutableByteView data) {
  const auto size = static_cast<word32>(data.size());
  switch (cipher) {
    case PbeScheme::Cipher::aes_cbc: {
      const auto aes = std::make_unique<Aes>();
      if (wc_AesInit(aes.get(), nullptr, INVALID_DEVID) != 0) return false;
      const bool done = wc_AesSetKey(aes.get(), raw(key), static_cast<word32>(key.size()), raw(iv), AES_DECRYPTION) == 0 &&
                        wc_AesCbcDecrypt(aes.get(), raw_out(data), raw(data), size) == 0;
      wc_AesFree(aes.get());
      return done;
    }
    case PbeScheme::Cipher::des3_cbc: {
      const auto des = std::make_unique<Des3>();
      if (wc_Des3Init(des.get(), nullptr, INVALID_DEVID) != 0) return false;
      const bool done = wc_Des3_SetKey(des.get(), raw(key), raw(iv), DES_DECRYPTION) == 0 &&
                        wc_Des3_CbcDecrypt(des.get(), raw_out(data), raw(data), size) == 0;
      wc_Des3Free(des.get());
      return done;
    }
    case PbeScheme::Cipher::rc2_cbc: {
      const auto rc2 = std::make_unique<Rc2>();
      const auto bits = static_cast<word32>(key.size() * 8);
      const bool done = wc_Rc2SetKey(rc2.get(), raw(key), static_cast<word32>(key.size()), raw(iv), bits) == 0 &&
                        wc_Rc2CbcDecrypt(rc2.get(), raw_out(data), raw(data), size) == 0;
      wc_Rc2Free(rc2.get());
      return done;
    }
  }
  return false;
}

/// Takes the padding off (RFC 8018 §6.1.1 step 4), if it is one.
bool unpad(SecretBytes& data, std::size_t block) {
  const auto count = std::to_integer<std::size_t>(data.back());
  if (count == 0 || count > block || count > data.size()) return false;
  const auto begin = data.end() - static_cast<std::ptrdiff_t>(count);
  if (!std::all_of(begin, data.end(), [&](std::byte octet) { return octet == data.back(); })) return false;
  data.resize(data.size() - count);
  return true;
}

Result<SecretBytes> derive(const PbeScheme& scheme, const PasswordForm& password, KeyPurpose purpose, std::size_t octets,
                           WorkBudget& budget) {
  SecretBytes out(octets);
  const auto done = scheme.derivation == PbeScheme::Derivation::pkcs12
                        ? pkcs12_derive(scheme.hash, purpose, password.bmp, scheme.salt, scheme.iterations, budget, out)
                        : pbkdf2_derive(scheme.hash, password.utf8, scheme.salt, scheme.iterations, budget, out);
  if (!done) return std::unexpected(done.error());
  return out;
}

}  // namespace

Result<Pbkdf2Parameters> read_pbkdf2(der::Reader algorithm) {
  const std::string oid = der::oid_text(algorithm.read(der::object_identifier).content);
  if (algorithm.damaged()) return damaged_parameters();
  if (oid != oids::pbkdf2) return not_supported("its key derivation", oid);
  der::Reader parameters = algorithm.enter(der::sequence);
  Pbkdf2Parameters out;
  const SecretBytes salt = parameters.read_string(der::octet_string);
  out.salt.assign(salt.begin(), salt.end());
  out.iterations = parameters.read_uint32();
  if (parameters.next_is(der::integer)) out.key_octets = parameters.read_uint32();
  std::string prf(oids::hmac_sha1);
  if (parameters.next_is(der::sequence)) prf = der::oid_text(parameters.enter(der::sequence).read(der::object_identifier).content);
  if (parameters.damaged() || out.iterations == 0) return damaged_parameters();
  const auto hash = hmac_type(prf);
  if (!hash) return not_supported("the pseudo-random function of its key derivation", prf);
  out.hash = *hash;
  return out;
}

Result<PbeScheme> read_pbe(der::Reader algorithm) {
  const std::string oid = der::oid_text(algorithm.read(der::object_identifier).content);
  if (algorithm.damaged()) return damaged_parameters();
  PbeScheme scheme;
  if (oid == oids::pbes2) return read_pbes2(algorithm.enter(der::sequence));
  if (oid == oids::pbe_sha1_3des3) {
    scheme.key_octets = 24;
  } else if (oid == oids::pbe_sha1_3des2) {
    scheme.key_octets = 16;
  } else if (oid == oids::pbe_sha1_rc2_128) {
    scheme.cipher = PbeScheme::Cipher::rc2_cbc;
    scheme.key_octets = 16;
  } else if (oid == oids::pbe_sha1_rc2_40) {
    scheme.cipher = PbeScheme::Cipher::rc2_cbc;
    scheme.key_octets = 5;
  } else {
    return not_supported("its encryption", oid);
  }
  der::Reader parameters = algorithm.enter(der::sequence);
  const SecretBytes salt = parameters.read_string(der::octet_string);
  scheme.salt.assign(salt.begin(), salt.end());
  scheme.iterations = parameters.read_uint32();
  if (parameters.damaged() || scheme.iterations == 0) return damaged_parameters();
  return scheme;
}

Result<std::optional<SecretBytes>> decrypt(const PbeScheme& scheme, const PasswordForm& password, ByteView ciphertext, WorkBudget& budget) {
  const std::size_t block = block_size(scheme.cipher);
  if (ciphertext.empty() || ciphertext.size() % block != 0) return refuse("damaged: an encrypted part is not a whole number of blocks");
  auto key = derive(scheme, password, KeyPurpose::encryption, scheme.key_octets, budget);
  if (!key) return std::unexpected(std::move(key).error());
  SecretBytes iv = secret_copy(scheme.iv);
  if (iv.empty()) {
    auto derived = derive(scheme, password, KeyPurpose::iv, block, budget);
    if (!derived) return std::unexpected(std::move(derived).error());
    iv = std::move(*derived);
  }
  if (scheme.cipher == PbeScheme::Cipher::des3_cbc && key->size() == 16) {
    // Two-key triple DES: the third key is the first again.
    const SecretBytes first(key->begin(), key->begin() + des_block);
    key->insert(key->end(), first.begin(), first.end());
  }
  SecretBytes data = secret_copy(ciphertext);
  if (!run_cipher(scheme.cipher, *key, iv, data)) return fail(ErrorKind::internal, Origin::internal, "the cipher failed");
  if (!unpad(data, block)) return std::optional<SecretBytes>();
  return std::optional(std::move(data));
}

Result<std::optional<SecretBytes>> decrypt_pkcs8(ByteView encrypted, const PasswordForm& password, WorkBudget& budget) {
  bool damaged = false;
  der::Reader file(encrypted, der::Rules::ber, damaged);
  der::Reader info = file.enter(der::sequence);
  const der::Reader algorithm = info.enter(der::sequence);
  const SecretBytes ciphertext = info.read_string(der::octet_string);
  if (damaged) return refuse("the private key is damaged");
  const auto scheme = read_pbe(algorithm);
  if (!scheme) return std::unexpected(scheme.error());
  auto plaintext = decrypt(*scheme, password, ciphertext, budget);
  // A wrong password passes for padding once in 256 times, but not for a structure of exactly this length as well.
  if (plaintext && *plaintext && !is_one_sequence(**plaintext)) return std::optional<SecretBytes>();
  return plaintext;
}

bool is_one_sequence(ByteView bytes) {
  const auto element = der::first_element(bytes, der::Rules::ber);
  return element && element->tag == der::sequence && element->whole.size() == bytes.size();
}

}  // namespace signet::wire
