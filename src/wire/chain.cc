// SPDX-License-Identifier: GPL-3.0-or-later
#include "chain.h"

#include <algorithm>
#include <optional>

namespace signet::wire {

namespace {

std::unexpected<Error> none_belongs(const std::vector<FoundCertificate>& certificates, const PublicKey& key) {
  constexpr std::size_t shown_max = 5;
  std::string list;
  for (std::size_t i = 0; i < std::min(certificates.size(), shown_max); ++i) {
    const CertificateInfo& info = certificates[i].x509.info;
    list += (i == 0 ? "" : "; ") + info.subject + " (" + info.key_type + ")";
  }
  if (certificates.size() > shown_max) list += "; and " + std::to_string(certificates.size() - shown_max) + " more";
  return fail(ErrorKind::config, Origin::internal,
              "the private key (" + key.type + ") does not match any certificate of the file; there are: " + list);
}

/// Files often hold a certificate twice. The first copy stays, with what attributes either has.
void drop_repetitions(std::vector<FoundCertificate>& certificates) {
  std::vector<FoundCertificate> kept;
  for (FoundCertificate& certificate : certificates) {
    const auto same =
        std::find_if(kept.begin(), kept.end(), [&](const FoundCertificate& other) { return other.x509.der == certificate.x509.der; });
    if (same == kept.end()) {
      kept.push_back(std::move(certificate));
      continue;
    }
    if (same->friendly_name.empty()) same->friendly_name = std::move(certificate.friendly_name);
    if (same->local_key_id.empty()) same->local_key_id = std::move(certificate.local_key_id);
  }
  certificates = std::move(kept);
}

std::optional<std::size_t> find_leaf(const std::vector<FoundCertificate>& certificates, const FoundKey& key) {
  std::optional<std::size_t> best;
  const auto rank = [&](std::size_t i) {
    const bool named = !key.local_key_id.empty() && certificates[i].local_key_id == key.local_key_id;
    return std::pair(named, certificates[i].x509.info.not_after);
  };
  for (std::size_t i = 0; i < certificates.size(); ++i) {
    if (certificates[i].x509.public_key == key.key.public_key && (!best || rank(i) > rank(*best))) best = i;
  }
  return best;
}

/// Among certificates of the issuer's name (a CA that changed its key has several), the one whose key identifier is asked for; one with
/// another identifier is none. Of those left, the one that is valid longest.
std::optional<std::size_t> find_issuer(const std::vector<FoundCertificate>& certificates, const std::vector<bool>& used, const X509& of) {
  std::optional<std::size_t> best;
  const auto rank = [&](std::size_t i) {
    const X509& issuer = certificates[i].x509;
    return std::pair(!of.authority_key_id.empty() && issuer.subject_key_id == of.authority_key_id, issuer.info.not_after);
  };
  for (std::size_t i = 0; i < certificates.size(); ++i) {
    const X509& issuer = certificates[i].x509;
    if (used[i] || issuer.subject != of.issuer) continue;
    if (!of.authority_key_id.empty() && !issuer.subject_key_id.empty() && of.authority_key_id != issuer.subject_key_id) continue;
    if (!best || rank(i) > rank(*best)) best = i;
  }
  return best;
}

}  // namespace

Result<std::unique_ptr<const Certificate::Parts>> assemble(std::vector<FoundCertificate> certificates, FoundKey key) {
  if (certificates.empty()) return fail(ErrorKind::config, Origin::internal, "there is a private key but no certificate");
  drop_repetitions(certificates);
  const auto leaf = find_leaf(certificates, key);
  if (!leaf) return none_belongs(certificates, key.key.public_key);

  std::vector<bool> used(certificates.size());
  std::vector<std::size_t> order;
  for (auto next = leaf; next;) {
    used[*next] = true;
    order.push_back(*next);
    const X509& last = certificates[*next].x509;
    next = last.self_issued() ? std::nullopt : find_issuer(certificates, used, last);
  }

  auto parts = std::make_unique<Certificate::Parts>();
  parts->friendly_name =
      certificates[*leaf].friendly_name.empty() ? std::move(key.friendly_name) : std::move(certificates[*leaf].friendly_name);
  parts->private_key = std::move(key.key.pkcs8);
  for (const std::size_t i : order) {
    parts->chain.push_back(std::move(certificates[i].x509.info));
    parts->chain_der.push_back(std::move(certificates[i].x509.der));
  }
  for (std::size_t i = 0; i < certificates.size(); ++i) {
    if (!used[i]) parts->unrelated.push_back(std::move(certificates[i].x509.info));
  }
  return parts;
}

}  // namespace signet::wire
