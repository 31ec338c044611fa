// SPDX-License-Identifier: GPL-3.0-or-later
#include "object_identifiers.h"

#include <algorithm>
#include <array>

namespace signet::wire::oids {

namespace {

struct Named {
  std::string_view dotted;
  std::string_view name;
};

// A few dozen short comparisons per certificate: a plain table is fast enough.
constexpr auto names = std::to_array<Named>({
    // signatures
    {"1.2.840.113549.1.1.4", "md5WithRSAEncryption"},
    {"1.2.840.113549.1.1.5", "sha1WithRSAEncryption"},
    {"1.2.840.113549.1.1.14", "sha224WithRSAEncryption"},
    {"1.2.840.113549.1.1.11", "sha256WithRSAEncryption"},
    {"1.2.840.113549.1.1.12", "sha384WithRSAEncryption"},
    {"1.2.840.113549.1.1.13", "sha512WithRSAEncryption"},
    {rsa_pss, "RSASSA-PSS"},
    {"1.2.840.10045.4.1", "ecdsa-with-SHA1"},
    {"1.2.840.10045.4.3.1", "ecdsa-with-SHA224"},
    {"1.2.840.10045.4.3.2", "ecdsa-with-SHA256"},
    {"1.2.840.10045.4.3.3", "ecdsa-with-SHA384"},
    {"1.2.840.10045.4.3.4", "ecdsa-with-SHA512"},
    {"1.2.840.10040.4.3", "dsa-with-sha1"},
    {"2.16.840.1.101.3.4.3.2", "dsa-with-sha256"},
    {"2.16.840.1.101.3.4.3.17", "ML-DSA-44"},
    {"2.16.840.1.101.3.4.3.18", "ML-DSA-65"},
    {"2.16.840.1.101.3.4.3.19", "ML-DSA-87"},
    // keys and curves
    {rsa, "RSA"},
    {ec, "EC"},
    {ed25519, "Ed25519"},
    {"1.3.101.113", "Ed448"},
    {"1.3.101.110", "X25519"},
    {"1.3.101.111", "X448"},
    {"1.2.840.10040.4.1", "DSA"},
    {"1.2.840.10046.2.1", "Diffie-Hellman"},
    {p256, "P-256"},
    {p384, "P-384"},
    {p521, "P-521"},
    {"1.2.840.10045.3.1.1", "P-192"},
    {"1.3.132.0.33", "P-224"},
    {"1.3.132.0.10", "secp256k1"},
    {"1.3.36.3.3.2.8.1.1.7", "brainpoolP256r1"},
    {"1.3.36.3.3.2.8.1.1.11", "brainpoolP384r1"},
    {"1.3.36.3.3.2.8.1.1.13", "brainpoolP512r1"},
    // extended key usages
    {"1.3.6.1.5.5.7.3.1", "serverAuth"},
    {"1.3.6.1.5.5.7.3.2", "clientAuth"},
    {"1.3.6.1.5.5.7.3.3", "codeSigning"},
    {"1.3.6.1.5.5.7.3.4", "emailProtection"},
    {"1.3.6.1.5.5.7.3.8", "timeStamping"},
    {"1.3.6.1.5.5.7.3.9", "OCSPSigning"},
    {"1.3.6.1.5.5.7.3.17", "ipsecIKE"},
    {any_extended_key_usage, "anyExtendedKeyUsage"},
    {"1.3.6.1.4.1.311.20.2.2", "smartcardLogon"},
    {"1.3.6.1.5.2.3.4", "pkinitKPClientAuth"},
    // password-based encryption
    {"1.2.840.113549.1.12.1.1", "PBE with SHA-1 and RC4-128"},
    {"1.2.840.113549.1.12.1.2", "PBE with SHA-1 and RC4-40"},
    {pbe_sha1_3des3, "PBE with SHA-1 and 3DES"},
    {pbe_sha1_3des2, "PBE with SHA-1 and 2-key 3DES"},
    {pbe_sha1_rc2_128, "PBE with SHA-1 and RC2-128"},
    {pbe_sha1_rc2_40, "PBE with SHA-1 and RC2-40"},
    {"1.2.840.113549.1.5.1", "PBE with MD2 and DES"},
    {"1.2.840.113549.1.5.3", "PBE with MD5 and DES"},
    {"1.2.840.113549.1.5.4", "PBE with MD2 and RC2"},
    {"1.2.840.113549.1.5.6", "PBE with MD5 and RC2"},
    {"1.2.840.113549.1.5.10", "PBE with SHA-1 and DES"},
    {"1.2.840.113549.1.5.11", "PBE with SHA-1 and RC2"},
    {pbkdf2, "PBKDF2"},
    {pbes2, "PBES2"},
    {pbmac1, "PBMAC1"},
    {"1.3.6.1.4.1.11591.4.11", "scrypt"},
    {"1.2.840.113549.3.2", "RC2-CBC"},
    {"1.2.840.113549.3.4", "RC4"},
    {des_ede3_cbc, "3DES-CBC"},
    {"1.3.14.3.2.7", "DES-CBC"},
    {aes128_cbc, "AES-128-CBC"},
    {aes192_cbc, "AES-192-CBC"},
    {aes256_cbc, "AES-256-CBC"},
    {"2.16.840.1.101.3.4.1.6", "AES-128-GCM"},
    {"2.16.840.1.101.3.4.1.26", "AES-192-GCM"},
    {"2.16.840.1.101.3.4.1.46", "AES-256-GCM"},
    {"1.2.392.200011.61.1.1.1.2", "Camellia-128-CBC"},
    {"1.2.392.200011.61.1.1.1.3", "Camellia-192-CBC"},
    {"1.2.392.200011.61.1.1.1.4", "Camellia-256-CBC"},
    {"1.2.410.200004.1.4", "SEED-CBC"},
    {"1.2.643.2.2.21", "GOST 28147-89"},
    // digests
    {"1.2.840.113549.2.2", "MD2"},
    {md5, "MD5"},
    {sha1, "SHA-1"},
    {sha224, "SHA-224"},
    {sha256, "SHA-256"},
    {sha384, "SHA-384"},
    {sha512, "SHA-512"},
    {"2.16.840.1.101.3.4.2.5", "SHA-512/224"},
    {"2.16.840.1.101.3.4.2.6", "SHA-512/256"},
    {"2.16.840.1.101.3.4.2.7", "SHA3-224"},
    {"2.16.840.1.101.3.4.2.8", "SHA3-256"},
    {"2.16.840.1.101.3.4.2.9", "SHA3-384"},
    {"2.16.840.1.101.3.4.2.10", "SHA3-512"},
    {"1.3.36.3.2.1", "RIPEMD-160"},
    {"1.2.643.7.1.1.2.2", "Streebog-256"},
    {"1.2.643.7.1.1.2.3", "Streebog-512"},
    {"1.2.840.113549.2.6", "HMAC-MD5"},
    {hmac_sha1, "HMAC-SHA-1"},
    {hmac_sha224, "HMAC-SHA-224"},
    {hmac_sha256, "HMAC-SHA-256"},
    {hmac_sha384, "HMAC-SHA-384"},
    {hmac_sha512, "HMAC-SHA-512"},
    {"1.2.840.113549.2.12", "HMAC-SHA-512/224"},
    {"1.2.840.113549.2.13", "HMAC-SHA-512/256"},
    // content types
    {data, "data"},
    {signed_data, "signed data"},
    {enveloped_data, "enveloped data"},
    {encrypted_data, "encrypted data"},
});

// RFC 4514 §3 names the first nine; the others are what OpenSSL and Windows users know.
constexpr auto attributes = std::to_array<Named>({
    {"2.5.4.3", "CN"},
    {"2.5.4.7", "L"},
    {"2.5.4.8", "ST"},
    {"2.5.4.10", "O"},
    {"2.5.4.11", "OU"},
    {"2.5.4.6", "C"},
    {"2.5.4.9", "STREET"},
    {"0.9.2342.19200300.100.1.25", "DC"},
    {"0.9.2342.19200300.100.1.1", "UID"},
    {"1.2.840.113549.1.9.1", "emailAddress"},
    {"1.2.840.113549.1.9.2", "unstructuredName"},
    {"2.5.4.4", "SN"},
    {"2.5.4.5", "serialNumber"},
    {"2.5.4.12", "title"},
    {"2.5.4.13", "description"},
    {"2.5.4.15", "businessCategory"},
    {"2.5.4.17", "postalCode"},
    {"2.5.4.41", "name"},
    {"2.5.4.42", "GN"},
    {"2.5.4.43", "initials"},
    {"2.5.4.44", "generationQualifier"},
    {"2.5.4.46", "dnQualifier"},
    {"2.5.4.65", "pseudonym"},
    {"2.5.4.97", "organizationIdentifier"},
    {"1.3.6.1.4.1.311.60.2.1.1", "jurisdictionL"},
    {"1.3.6.1.4.1.311.60.2.1.2", "jurisdictionST"},
    {"1.3.6.1.4.1.311.60.2.1.3", "jurisdictionC"},
});

template <std::size_t size>
std::string_view look_up(const std::array<Named, size>& table, std::string_view dotted) {
  const auto found = std::find_if(table.begin(), table.end(), [dotted](const Named& entry) { return entry.dotted == dotted; });
  return found == table.end() ? std::string_view() : found->name;
}

}  // namespace

std::string name(std::string_view dotted) {
  const std::string_view found = look_up(names, dotted);
  return std::string(found.empty() ? dotted : found);
}

std::string_view attribute_name(std::string_view dotted) {
  return look_up(attributes, dotted);
}

}  // namespace signet::wire::oids
