// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include "signet/base/bytes.h"
#include "signet/base/clock.h"
#include "signet/base/result.h"

#include <cstdint>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace signet::wire {

/// What one X.509 certificate says about itself (RFC 5280), as text for people and times for checks. A value.
struct CertificateInfo {
  std::string subject;              ///< RFC 4514, last RDN first: "CN=orders,O=Contoso"; characters outside ASCII are UTF-8
  std::string issuer;               ///< likewise
  std::string serial;               ///< upper-case hexadecimal, no separators, without a leading zero byte: "0AFF10"
  WallTime not_before{};            ///< first second of validity
  WallTime not_after{};             ///< last second of validity
  std::string thumbprint_sha1;      ///< upper-case hexadecimal over the DER, as Azure and Windows show it
  std::string thumbprint_sha256;    ///< upper-case hexadecimal over the DER
  std::string key_type;             ///< "RSA 2048", "EC P-256", "Ed25519"; for others the algorithm's name or dotted object identifier
  std::string signature_algorithm;  ///< "sha256WithRSAEncryption"; the dotted object identifier when it has no name here
  std::vector<std::string> subject_alternative_names;  ///< "DNS:a.example", "IP:10.0.0.1", "email:…", "URI:…", "UPN:…", "DirName:…"
  std::vector<std::string> extended_key_usages;        ///< "clientAuth", "serverAuth", …, or dotted; empty when the extension is absent
  bool ca = false;                                     ///< basic constraints say CA:TRUE

  [[nodiscard]] bool expired(WallTime now) const { return now > not_after; }
  [[nodiscard]] bool not_yet_valid(WallTime now) const { return now < not_before; }
};

/// How a PFX (PKCS #12, RFC 7292) is opened.
struct PfxOptions {
  /// UTF-8. Without one, and for an empty one, the two meanings of "no password" are both tried: the null and the empty password.
  std::optional<std::string> password;
  /// Chooses the private key among several by its friendlyName (an alias in Java); empty takes the only one there is.
  std::string friendly_name;
  /// Highest iteration count of a single key derivation that is carried out; the whole file may cost `pfx_derivations_max` times as much.
  /// 600,000 rounds of PBKDF2 take about 0.2 s.
  std::uint32_t iterations_max = 5'000'000;
};

/// Largest file that is looked at, in bytes.
inline constexpr std::size_t certificate_file_bytes_max = std::size_t{4} * 1024 * 1024;
/// Most certificates and most private keys in one file.
inline constexpr std::size_t certificates_in_file_max = 1000;
/// Total work of one file, in derivations of PfxOptions::iterations_max rounds each.
inline constexpr std::uint32_t pfx_derivations_max = 8;

/// A client identity (or a listener's): leaf certificate, its private key, and the intermediates that lead away from it.
///
/// Immutable after construction and safe to share between threads; the private key lives in memory that is wiped with the object.
/// An expired certificate loads: that is a warning (`warnings`), because an operator must be able to see and replace it.
///
/// Errors of the factories have kind `config`, origin `internal` and one sentence for the operator in `detail`, each failure its own: not a
/// PFX (and what it is instead), wrong password, damaged, no private key, several private keys (listed), no certificate that belongs to the
/// key, an algorithm that is not supported (named), an iteration count over the limit. `detail` names no file: the caller knows which one.
///
/// The factories may take seconds (key derivation, RSA arithmetic): never call them on a shard.
class Certificate {
 public:
  /// Reads a PFX: PBES1 and PBES2 encryption or none; password MAC by RFC 7292 appendix B or PBMAC1 (RFC 9579) or none; BER as well as DER.
  [[nodiscard]] static Result<std::shared_ptr<const Certificate>> from_pfx(ByteView file, const PfxOptions& options = {});

  /// Reads PEM text (RFC 7468). `key` may be empty when the key stands in `certificates` too, and the other way round. Keys are PKCS #8,
  /// encrypted PKCS #8, PKCS #1 (RSA) or SEC 1 (EC). `password` is for the encrypted form and ignored otherwise.
  [[nodiscard]] static Result<std::shared_ptr<const Certificate>> from_pem(std::string_view certificates, std::string_view key,
                                                                           const std::optional<std::string>& password = std::nullopt);

  /// Reads either: text with a PEM header as PEM (with `options.password` for its key), anything else as PFX.
  [[nodiscard]] static Result<std::shared_ptr<const Certificate>> from_file(ByteView file, const PfxOptions& options = {});

  Certificate(const Certificate&) = delete;
  Certificate& operator=(const Certificate&) = delete;
  ~Certificate();

  /// The leaf. `subject()` and the rest are short for `leaf().…`.
  [[nodiscard]] const CertificateInfo& leaf() const;
  [[nodiscard]] const std::string& subject() const { return leaf().subject; }
  [[nodiscard]] const std::string& issuer() const { return leaf().issuer; }
  [[nodiscard]] const std::string& serial() const { return leaf().serial; }
  [[nodiscard]] WallTime not_before() const { return leaf().not_before; }
  [[nodiscard]] WallTime not_after() const { return leaf().not_after; }
  [[nodiscard]] const std::string& thumbprint_sha1() const { return leaf().thumbprint_sha1; }
  [[nodiscard]] const std::string& thumbprint_sha256() const { return leaf().thumbprint_sha256; }
  [[nodiscard]] const std::string& key_type() const { return leaf().key_type; }
  [[nodiscard]] std::span<const std::string> subject_alternative_names() const { return leaf().subject_alternative_names; }
  [[nodiscard]] bool expired(WallTime now) const { return leaf().expired(now); }

  /// The chain, leaf first, each certificate followed by its issuer as far as the file has it; never empty. Same order in both.
  [[nodiscard]] std::span<const CertificateInfo> chain() const;
  [[nodiscard]] std::span<const ByteVector> chain_der() const;

  /// Certificates of the file that are not part of the leaf's chain and therefore are not sent.
  [[nodiscard]] std::span<const CertificateInfo> unrelated() const;

  /// The private key, unencrypted PKCS #8 DER (RFC 5958). Valid as long as this object; do not copy it into memory that is not wiped.
  [[nodiscard]] ByteView private_key_der() const;

  /// The leaf's friendlyName in the PFX, or empty.
  [[nodiscard]] const std::string& friendly_name() const;

  /// What an operator should know at `now`, one sentence each: expired or not yet valid (leaf or chain), not meant for client
  /// authentication, unrelated certificates in the file.
  [[nodiscard]] std::vector<std::string> warnings(WallTime now) const;

  struct Parts;  ///< for the implementation
  explicit Certificate(std::unique_ptr<const Parts> parts);

 private:
  std::unique_ptr<const Parts> parts_;
};

/// One or several trust anchors for judging a back end's server certificate (or a caller's). Immutable, safe to share between threads.
class CertificateAuthority {
 public:
  /// Every CERTIFICATE block of the text; other blocks are passed over. Errors as for Certificate, with a sentence of its own for a text
  /// without a certificate, a PFX, and a certificate that is not PEM.
  [[nodiscard]] static Result<std::shared_ptr<const CertificateAuthority>> from_pem(std::string_view text);
  /// Exactly one DER certificate.
  [[nodiscard]] static Result<std::shared_ptr<const CertificateAuthority>> from_der(ByteView der);
  /// Either, by content.
  [[nodiscard]] static Result<std::shared_ptr<const CertificateAuthority>> from_file(ByteView file);

  /// In the file's order, without repetitions; never empty. Same order in both.
  [[nodiscard]] std::span<const CertificateInfo> anchors() const { return anchors_; }
  [[nodiscard]] std::span<const ByteVector> anchors_der() const { return anchors_der_; }

  /// Expired or not yet valid anchors, one sentence each.
  [[nodiscard]] std::vector<std::string> warnings(WallTime now) const;

  CertificateAuthority(std::vector<CertificateInfo> anchors, std::vector<ByteVector> anchors_der);

 private:
  std::vector<CertificateInfo> anchors_;
  std::vector<ByteVector> anchors_der_;
};

/// Reads one DER certificate. Bytes behind it are an error.
[[nodiscard]] Result<CertificateInfo> certificate_info(ByteView der);

/// "2027-01-31T23:59:59Z"
[[nodiscard]] std::string wall_time_text(WallTime time);

/// Several lines for people: subject, issuer, serial, validity, thumbprints, key, names, chain, warnings at `now`. Never the key.
[[nodiscard]] std::string describe(const Certificate& certificate, WallTime now);

}  // namespace signet::wire
