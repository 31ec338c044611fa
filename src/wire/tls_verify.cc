// SPDX-License-Identifier: GPL-3.0-or-later
#include "tls_verify.h"

#include <fmt/core.h>
#include <wolfssl/ssl.h>
#include <wolfssl/wolfcrypt/asn.h>
#include <wolfssl/wolfcrypt/hash.h>
#include <wolfssl/wolfcrypt/settings.h>
#include <wolfssl/wolfcrypt/sha512.h>

#include <algorithm>
#include <array>
#include <cstring>
#include <iterator>
#include <string>
#include <string_view>
#include <vector>

#include "signet/base/check.h"
#include "signet/base/limits.h"
#include "name_constraints.h"
#include "text_encoding.h"
#include "wolfssl_bytes.h"
#include "wolfssl_error.h"

namespace signet::wire {

namespace {

/// A certificate taken apart by wolfSSL, as long as its bytes live.
class Decoded {
 public:
  explicit Decoded(ByteView der) { wc_InitDecodedCert(&certificate_, wolfssl_bytes(der), wolfssl_size(der), nullptr); }
  Decoded(const Decoded&) = delete;
  Decoded& operator=(const Decoded&) = delete;
  ~Decoded() { wc_FreeDecodedCert(&certificate_); }

  /// `how`: NO_VERIFY, or VERIFY_SKIP_DATE for the signature by an issuer in `manager`.
  [[nodiscard]] bool parse(int how = NO_VERIFY, WOLFSSL_CERT_MANAGER* manager = nullptr) {
    return wc_ParseCert(&certificate_, CERT_TYPE, how, manager) == 0;
  }

  const DecodedCert* operator->() const { return &certificate_; }
  const DecodedCert& operator*() const { return certificate_; }

 private:
  DecodedCert certificate_{};
};

class CertManager {
 public:
  CertManager() : manager_(wolfSSL_CertManagerNew()) { SIGNET_CHECK(manager_ != nullptr); }
  CertManager(const CertManager&) = delete;
  CertManager& operator=(const CertManager&) = delete;
  ~CertManager() { wolfSSL_CertManagerFree(manager_); }
  [[nodiscard]] WOLFSSL_CERT_MANAGER* get() const { return manager_; }

 private:
  WOLFSSL_CERT_MANAGER* manager_;
};

Error refused(ErrorKind kind, std::string detail) {
  return Error{.kind = kind, .origin = Origin::backend, .detail = std::move(detail)};
}

/// Names of a certificate for a log line, not more than fit there.
std::string names_text(const CertificateInfo& leaf) {
  if (leaf.subject_alternative_names.empty()) {
    return "it has no subject alternative name";
  }
  std::string text = "it is for ";
  bool first = true;
  for (const std::string& name : leaf.subject_alternative_names) {
    if (text.size() + name.size() > limits::log_value_bytes_max) {
      return text + ", …";
    }
    text.append(first ? "" : ", ").append(name);
    first = false;
  }
  return text;
}

bool matches_name(const ServerName& name, const Decoded& leaf) {
  for (const DNS_entry* entry = leaf->altNames; entry != nullptr; entry = entry->next) {
    const std::string_view value(entry->name, static_cast<std::size_t>(entry->len));
    if (entry->type == ASN_DNS_TYPE ? name.matches_dns_name(value) : entry->type == ASN_IP_TYPE && name.matches_address(as_bytes(value))) {
      return true;
    }
  }
  return false;
}

bool has_thumbprint(const CertificateInfo& certificate, ByteView der, std::string_view thumbprint) {
  constexpr std::size_t sha512_digits = std::size_t{WC_SHA512_DIGEST_SIZE} * 2;
  if (thumbprint.size() != sha512_digits) {
    return thumbprint == certificate.thumbprint_sha256 || thumbprint == certificate.thumbprint_sha1;
  }
  std::array<std::byte, WC_SHA512_DIGEST_SIZE> digest{};
  return wc_Sha512Hash(wolfssl_bytes(der), wolfssl_size(der), reinterpret_cast<std::uint8_t*>(digest.data())) == 0 &&
         thumbprint == hex_upper(digest);
}

/// Is `leaf` signed by the key of `issuer`? Whether `issuer` may sign, and when, is not asked: the pin names exactly this one.
bool is_signed_by(ByteView leaf, ByteView issuer) {
  const CertManager manager;
  if (wolfSSL_CertManagerLoadCABuffer_ex(manager.get(), wolfssl_bytes(issuer), static_cast<long>(issuer.size()), WOLFSSL_FILETYPE_ASN1, 0,
                                         WOLFSSL_LOAD_FLAG_DATE_ERR_OKAY) != WOLFSSL_SUCCESS) {
    return false;
  }
  Decoded certificate(leaf);
  return certificate.parse(VERIFY_SKIP_DATE, manager.get());
}

bool matches_issuer(const Identity& identity, std::string_view thumbprint, SentChain chain) {
  for (const ByteView certificate : chain) {
    const Result<CertificateInfo> info = certificate_info(certificate);
    if (info && has_thumbprint(*info, certificate, thumbprint)) {
      return is_signed_by(chain.front(), certificate);
    }
  }
  for (const auto& authority : identity.settings().authorities) {
    for (std::size_t at = 0; at < authority->anchors().size(); ++at) {
      if (has_thumbprint(authority->anchors()[at], authority->anchors_der()[at], thumbprint)) {
        return is_signed_by(chain.front(), authority->anchors_der()[at]);
      }
    }
  }
  return false;
}

bool matches_pins(const Identity& identity, const CertificateInfo& leaf, const Decoded& decoded, SentChain chain) {
  const IdentitySettings& settings = identity.settings();
  for (const std::string& thumbprint : settings.server_certificate_thumbprints) {
    if (has_thumbprint(leaf, chain.front(), thumbprint)) {
      return true;
    }
  }
  const std::string_view common_name = decoded->subjectCN == nullptr
                                           ? std::string_view()
                                           : std::string_view(decoded->subjectCN, static_cast<std::size_t>(decoded->subjectCNLen));
  return std::any_of(settings.server_x509_names.begin(), settings.server_x509_names.end(), [&](const ServerX509Name& pin) {
    return pin.common_name == common_name && (pin.issuer_thumbprint.empty() || matches_issuer(identity, pin.issuer_thumbprint, chain));
  });
}

bool is_anchor(const Identity& identity, ByteView certificate) {
  for (const auto& authority : identity.settings().authorities) {
    for (const ByteVector& anchor : authority->anchors_der()) {
      if (std::ranges::equal(anchor, certificate)) {
        return true;
      }
    }
  }
  return false;
}

/// The certificate of the chain that issued `subject`: by its name and by the signature, or else a second one of that name could stand in
/// for one that is revoked. Empty if there is none.
ByteView issuer_in(SentChain chain, ByteView subject) {
  Decoded decoded(subject);
  if (!decoded.parse()) {
    return {};
  }
  for (const ByteView candidate : chain) {
    Decoded issuer(candidate);
    if (issuer.parse() && std::memcmp(issuer->subjectHash, decoded->issuerHash, KEYID_SIZE) == 0 && candidate.data() != subject.data() &&
        is_signed_by(subject, candidate)) {
      return candidate;
    }
  }
  return {};
}

/// The trust anchors that may have issued `subject`, by the name as far as it can be read.
std::vector<ByteView> anchors_above(const Identity& identity, ByteView subject) {
  std::vector<ByteView> anchors;
  const Result<CertificateInfo> info = certificate_info(subject);
  for (const auto& authority : identity.settings().authorities) {
    for (std::size_t at = 0; at < authority->anchors().size(); ++at) {
      if (!info || authority->anchors()[at].subject == info->issuer) {
        anchors.emplace_back(authority->anchors_der()[at]);
      }
    }
  }
  return anchors;
}

bool may_issue_servers(const Decoded& authority) {
  return !authority->extExtKeyUsageSet || (authority->extExtKeyUsage & (EXTKEYUSE_SERVER_AUTH | EXTKEYUSE_ANY)) != 0;
}

/// Can check_path find anything? What the direct issuer of the leaf constrains, wolfSSL has judged.
bool has_restrictions(const Identity& identity, SentChain chain) {
  return std::ranges::any_of(chain.subspan(1), [&](ByteView sent) {
    Decoded intermediate(sent);
    return !intermediate.parse() || intermediate->extNameConstraintSet || !may_issue_servers(intermediate) ||
           std::ranges::any_of(anchors_above(identity, sent), [](ByteView der) {
             Decoded anchor(der);
             return !anchor.parse() || anchor->extNameConstraintSet;
           });
  });
}

/// The first certificate of `path`, the leaf foremost, with a name that `authority` above it does not allow; empty if there is none.
/// RFC 5280 §6.1.3 (b) spares the authorities that issued themselves a new key. wolfSSL does not, and nor does this: that is the safe side.
ByteView outside_of(const Decoded& authority, SentChain path) {
  for (const ByteView der : path) {
    Decoded below(der);
    if (!below.parse() || !names_allowed(*authority, *below, der.data() == path.front().data())) {
      return der;
    }
  }
  return {};
}

struct Fault {
  ErrorKind kind;
  const char* text;
};

Fault fault_of(int code) {
  switch (code) {
    case ASN_NO_SIGNER_E: return {ErrorKind::tls_untrusted, "its issuer is not trusted"};
    case ASN_SELF_SIGNED_E: return {ErrorKind::tls_untrusted, "it is signed by itself and not trusted"};
    case ASN_SIG_CONFIRM_E: return {ErrorKind::tls_untrusted, "its signature is not its issuer's"};
    case ASN_AFTER_DATE_E: return {ErrorKind::tls_expired, "it has expired"};
    case ASN_BEFORE_DATE_E: return {ErrorKind::tls_expired, "it is not valid yet"};
    case ASN_PATHLEN_INV_E:
    case ASN_PATHLEN_SIZE_E: return {ErrorKind::tls_certificate, "the chain is longer than a certificate authority in it allows"};
    case ASN_NAME_INVALID_E: return {ErrorKind::tls_certificate, "a certificate authority's name constraints do not allow its names"};
    case ASN_CRIT_EXT_E: return {ErrorKind::tls_certificate, "it has a critical extension that is not understood"};
    case KEYUSE_SIGNATURE_E:
    case KEYUSE_ENCIPHER_E: return {ErrorKind::tls_certificate, "its key usage does not allow TLS"};
    case EXTKEYUSE_AUTH_E: return {ErrorKind::tls_certificate, "its extended key usage is for something else"};
    case CRL_CERT_REVOKED: return {ErrorKind::tls_certificate, "it is revoked"};
    case CRL_MISSING: return {ErrorKind::tls_certificate, "no usable revocation list covers it"};
    case CRL_CERT_DATE_ERR: return {ErrorKind::tls_certificate, "the revocation list that covers it is out of date"};
    case MAX_CHAIN_ERROR: return {ErrorKind::tls_certificate, "the chain is too long"};
    case RSA_KEY_SIZE_E:
    case ECC_KEY_SIZE_E: return {ErrorKind::tls_certificate, "its key is too short"};
    case PEER_KEY_ERROR: return {ErrorKind::tls_certificate, "its key cannot be used"};
    default: return {ErrorKind::tls_certificate, nullptr};
  }
}

}  // namespace

Error chain_error(Side side, int code, int depth, ByteView certificate) {
  const char* const peer = side == Side::client ? "server" : "caller";
  std::string what =
      depth == 0 ? fmt::format("the {}'s certificate", peer) : fmt::format("certificate {} of the {}'s chain", depth + 1, peer);
  const Result<CertificateInfo> info = certificate_info(certificate);
  if (info) {
    what += fmt::format(" \"{}\" (issuer \"{}\", valid from {} to {})", info->subject, info->issuer, wall_time_text(info->not_before),
                        wall_time_text(info->not_after));
  }
  const Fault fault = fault_of(code);
  return Error{.kind = fault.kind,
               .origin = side == Side::client ? Origin::backend : Origin::caller,
               .detail = fmt::format("{} is refused: {}", what, fault.text != nullptr ? std::string(fault.text) : wolfssl_reason(code))};
}

std::optional<Error> check_server(const Identity& identity, const CertificateInfo& leaf, SentChain chain) {
  const IdentitySettings& settings = identity.settings();
  const bool has_pins = !settings.server_certificate_thumbprints.empty() || !settings.server_x509_names.empty();
  if (settings.validate_name == Check::off && !has_pins) {
    return std::nullopt;
  }
  Decoded decoded(chain.front());
  if (!decoded.parse()) {
    return refused(ErrorKind::tls_certificate, fmt::format("the server's certificate \"{}\" cannot be read", leaf.subject));
  }
  if (settings.validate_name == Check::on && !matches_name(*identity.server_name(), decoded)) {
    return refused(ErrorKind::tls_name_mismatch, fmt::format("the server's certificate \"{}\" is not for \"{}\": {}", leaf.subject,
                                                             identity.server_name()->text(), names_text(leaf)));
  }
  if (has_pins && !matches_pins(identity, leaf, decoded, chain)) {
    return refused(ErrorKind::tls_certificate, fmt::format("the server's certificate \"{}\" (SHA-1 {}, SHA-256 {}) matches no pin",
                                                           leaf.subject, leaf.thumbprint_sha1, leaf.thumbprint_sha256));
  }
  return std::nullopt;
}

std::optional<Error> check_path(const Identity& identity, SentChain chain, WOLFSSL_CERT_MANAGER* manager) {
  if (!has_restrictions(identity, chain)) {
    return std::nullopt;
  }
  const auto fault = [chain](int code, ByteView certificate) {
    const auto at = std::ranges::find_if(chain, [&](ByteView sent) { return sent.data() == certificate.data(); });
    return chain_error(Side::client, code, static_cast<int>(at - chain.begin()), certificate);
  };
  std::vector<ByteView> unused;  // the sent certificates that lead to an anchor
  std::ranges::copy_if(chain.subspan(1), std::back_inserter(unused), [&](ByteView der) { return Decoded(der).parse(VERIFY, manager); });
  std::vector<ByteView> path = {chain.front()};
  while (!is_anchor(identity, path.back())) {
    const ByteView anchor = issuer_in(anchors_above(identity, path.back()), path.back());
    const ByteView issuer = anchor.empty() ? issuer_in(unused, path.back()) : anchor;
    Decoded authority(issuer);
    if (issuer.empty() || !authority.parse()) {
      return fault(ASN_NO_SIGNER_E, path.back());
    }
    if (anchor.empty() && !may_issue_servers(authority)) {
      return fault(EXTKEYUSE_AUTH_E, issuer);
    }
    const ByteView outside = authority->extNameConstraintSet ? outside_of(authority, path) : ByteView();
    if (!outside.empty()) {
      return fault(ASN_NAME_INVALID_E, outside);
    }
    if (!anchor.empty()) {
      break;
    }
    path.push_back(issuer);
    std::erase_if(unused, [&](ByteView der) { return der.data() == issuer.data(); });
  }
  return std::nullopt;
}

std::optional<Error> check_revocation(const Identity& identity, SentChain chain, WOLFSSL_CERT_MANAGER* manager) {
  // The lists are loaded anew for every chain: wolfSSL checks a list's signature when it is loaded, and the certificate that signed it may
  // be one of the intermediates, which only the chain brings.
  if (wolfSSL_CertManagerEnableCRL(manager, WOLFSSL_CRL_CHECK) != WOLFSSL_SUCCESS) {
    return Error{.detail = "revocation lists cannot be used"};
  }
  bool outdated = false;
  for (const ByteVector& list : identity.settings().revocation_lists) {
    const int loaded =
        wolfSSL_CertManagerLoadCRLBuffer(manager, wolfssl_bytes(list), static_cast<long>(list.size()), WOLFSSL_FILETYPE_ASN1);
    outdated = outdated || loaded == CRL_CERT_DATE_ERR || loaded == ASN_AFTER_DATE_E;
  }
  std::optional<Error> error;
  ByteView certificate = chain.front();
  for (std::size_t depth = 0; depth < chain.size() && !certificate.empty() && !is_anchor(identity, certificate); ++depth) {
    const int checked = wolfSSL_CertManagerCheckCRL(manager, wolfssl_bytes(certificate), static_cast<int>(certificate.size()));
    if (checked != WOLFSSL_SUCCESS) {
      error =
          chain_error(Side::client, checked == CRL_MISSING && outdated ? CRL_CERT_DATE_ERR : checked, static_cast<int>(depth), certificate);
      break;
    }
    certificate = issuer_in(chain, certificate);
  }
  wolfSSL_CertManagerFreeCRL(manager);
  wolfSSL_CertManagerDisableCRL(manager);
  return error;
}

bool is_revocation_list(ByteView der) {
  const CertManager manager;
  const int loaded =
      wolfSSL_CertManagerLoadCRLBuffer(manager.get(), wolfssl_bytes(der), static_cast<long>(der.size()), WOLFSSL_FILETYPE_ASN1);
  return loaded == WOLFSSL_SUCCESS || loaded == ASN_CRL_NO_SIGNER_E || loaded == CRL_CERT_DATE_ERR;
}

}  // namespace signet::wire
