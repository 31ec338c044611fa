// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include <string>
#include <string_view>

#include "signet/base/bytes.h"

/// Object identifiers, as dotted text, and the names that people know them by.
namespace signet::wire::oids {

// Public keys and curves
inline constexpr std::string_view rsa = "1.2.840.113549.1.1.1";
inline constexpr std::string_view rsa_pss = "1.2.840.113549.1.1.10";
inline constexpr std::string_view ec = "1.2.840.10045.2.1";
inline constexpr std::string_view ed25519 = "1.3.101.112";
inline constexpr std::string_view p256 = "1.2.840.10045.3.1.7";
inline constexpr std::string_view p384 = "1.3.132.0.34";
inline constexpr std::string_view p521 = "1.3.132.0.35";

// Certificate extensions (RFC 5280 §4.2)
inline constexpr std::string_view subject_key_identifier = "2.5.29.14";
inline constexpr std::string_view subject_alternative_name = "2.5.29.17";
inline constexpr std::string_view basic_constraints = "2.5.29.19";
inline constexpr std::string_view authority_key_identifier = "2.5.29.35";
inline constexpr std::string_view extended_key_usage = "2.5.29.37";
inline constexpr std::string_view any_extended_key_usage = "2.5.29.37.0";
inline constexpr std::string_view user_principal_name = "1.3.6.1.4.1.311.20.2.3";

// PKCS #7 content types (RFC 2315)
inline constexpr std::string_view data = "1.2.840.113549.1.7.1";
inline constexpr std::string_view signed_data = "1.2.840.113549.1.7.2";
inline constexpr std::string_view enveloped_data = "1.2.840.113549.1.7.3";
inline constexpr std::string_view encrypted_data = "1.2.840.113549.1.7.6";

// PKCS #12 bags and attributes (RFC 7292 §4.2, RFC 2985 §5.5)
inline constexpr std::string_view key_bag = "1.2.840.113549.1.12.10.1.1";
inline constexpr std::string_view shrouded_key_bag = "1.2.840.113549.1.12.10.1.2";
inline constexpr std::string_view certificate_bag = "1.2.840.113549.1.12.10.1.3";
inline constexpr std::string_view safe_contents_bag = "1.2.840.113549.1.12.10.1.6";
inline constexpr std::string_view x509_certificate = "1.2.840.113549.1.9.22.1";
inline constexpr std::string_view friendly_name = "1.2.840.113549.1.9.20";
inline constexpr std::string_view local_key_id = "1.2.840.113549.1.9.21";

// Password-based encryption (RFC 7292 appendix C, RFC 8018, RFC 9579)
inline constexpr std::string_view pbe_sha1_3des3 = "1.2.840.113549.1.12.1.3";
inline constexpr std::string_view pbe_sha1_3des2 = "1.2.840.113549.1.12.1.4";
inline constexpr std::string_view pbe_sha1_rc2_128 = "1.2.840.113549.1.12.1.5";
inline constexpr std::string_view pbe_sha1_rc2_40 = "1.2.840.113549.1.12.1.6";
inline constexpr std::string_view pbkdf2 = "1.2.840.113549.1.5.12";
inline constexpr std::string_view pbes2 = "1.2.840.113549.1.5.13";
inline constexpr std::string_view pbmac1 = "1.2.840.113549.1.5.14";
inline constexpr std::string_view des_ede3_cbc = "1.2.840.113549.3.7";
inline constexpr std::string_view aes128_cbc = "2.16.840.1.101.3.4.1.2";
inline constexpr std::string_view aes192_cbc = "2.16.840.1.101.3.4.1.22";
inline constexpr std::string_view aes256_cbc = "2.16.840.1.101.3.4.1.42";

// Digests
inline constexpr std::string_view hmac_sha1 = "1.2.840.113549.2.7";
inline constexpr std::string_view hmac_sha224 = "1.2.840.113549.2.8";
inline constexpr std::string_view hmac_sha256 = "1.2.840.113549.2.9";
inline constexpr std::string_view hmac_sha384 = "1.2.840.113549.2.10";
inline constexpr std::string_view hmac_sha512 = "1.2.840.113549.2.11";
inline constexpr std::string_view md5 = "1.2.840.113549.2.5";
inline constexpr std::string_view sha1 = "1.3.14.3.2.26";
inline constexpr std::string_view sha224 = "2.16.840.1.101.3.4.2.4";
inline constexpr std::string_view sha256 = "2.16.840.1.101.3.4.2.1";
inline constexpr std::string_view sha384 = "2.16.840.1.101.3.4.2.2";
inline constexpr std::string_view sha512 = "2.16.840.1.101.3.4.2.3";

/// The name of an object identifier ("sha256WithRSAEncryption", "clientAuth", "AES-256-CBC"), or the dotted text itself when it has none
/// here.
[[nodiscard]] std::string name(std::string_view dotted);

/// The short name of an attribute type in a distinguished name ("CN", "O", "emailAddress"), or empty.
[[nodiscard]] std::string_view attribute_name(std::string_view dotted);

}  // namespace signet::wire::oids
