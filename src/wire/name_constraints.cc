// SPDX-License-Identifier: GPL-3.0-or-later
// wolfSSL declares its matchers for others under this name only. (Its judge of a whole certificate takes the direct issuer alone.)
#define WOLFSSL_VIS_FOR_TESTS
#include "name_constraints.h"

#include <wolfssl/ssl.h>
#include <wolfssl/wolfcrypt/asn.h>
#include <wolfssl/wolfcrypt/settings.h>

#include <cstdint>
#include <string_view>

namespace signet::wire {

namespace {

enum class Subtree : std::uint8_t { permitted, excluded };

const std::uint8_t* octets(std::string_view text) {
  return reinterpret_cast<const std::uint8_t*>(text.data());
}

/// An expanded wildcard must be inside for sure if `base` is permitted, and may not be possibly inside if it is excluded.
bool is_inside(int type, std::string_view name, std::string_view base, Subtree subtree) {
  const int name_size = static_cast<int>(name.size());
  const int base_size = static_cast<int>(base.size());
  switch (type) {
    case ASN_OTHER_TYPE:
    case ASN_RID_TYPE: return name == base;
    case ASN_IP_TYPE: return wolfssl_local_MatchIpSubnet(octets(name), name_size, octets(base), base_size) == 1;
    case ASN_URI_TYPE: return wolfssl_local_MatchUriNameConstraint(name.data(), name_size, base.data(), base_size) == 1;
    default: break;
  }
  if (base.empty()) {
    return true;  // the root of every tree
  }
  if (type == ASN_DNS_TYPE && name.find('*') != std::string_view::npos) {
    const int permitted = subtree == Subtree::permitted ? 1 : 0;
    return wolfssl_local_MatchDnsConstraintWildcard(name.data(), name_size, base.data(), base_size, permitted) == 1;
  }
  return wolfssl_local_MatchBaseName(type, name.data(), name_size, base.data(), base_size) == 1;
}

bool is_allowed(const DecodedCert& authority, int type, std::string_view name) {
  for (const Base_entry* base = authority.excludedNames; base != nullptr; base = base->next) {
    if (base->type == type && is_inside(type, name, {base->name, static_cast<std::size_t>(base->nameSz)}, Subtree::excluded)) {
      return false;
    }
  }
  bool is_constrained = false;
  for (const Base_entry* base = authority.permittedNames; base != nullptr; base = base->next) {
    if (base->type == type) {
      if (is_inside(type, name, {base->name, static_cast<std::size_t>(base->nameSz)}, Subtree::permitted)) {
        return true;
      }
      is_constrained = true;
    }
  }
  return !is_constrained;
}

bool is_subject_allowed(const DecodedCert& authority, int type, const void* name, int size) {
  return name == nullptr || size <= 0 || is_allowed(authority, type, {static_cast<const char*>(name), static_cast<std::size_t>(size)});
}

}  // namespace

bool names_allowed(const DecodedCert& authority, const DecodedCert& certificate, bool leaf) {
  if (authority.extNameConstraintHasUnsupported && authority.extNameConstraintCrit) {
    return false;
  }
  for (const DNS_entry* names : {certificate.altNames, certificate.altEmailNames, certificate.altDirNames, certificate.altOtherNamesRaw}) {
    for (; names != nullptr; names = names->next) {
      if (!is_allowed(authority, names->type, {names->name, static_cast<std::size_t>(names->len)})) {
        return false;
      }
    }
  }
  const bool named_by_subject = leaf && certificate.altNames == nullptr;
  return is_subject_allowed(authority, ASN_DIR_TYPE, certificate.subjectRaw, certificate.subjectRawLen) &&
         is_subject_allowed(authority, ASN_RFC822_TYPE, certificate.subjectEmail, certificate.subjectEmailLen) &&
         (!named_by_subject || is_subject_allowed(authority, ASN_DNS_TYPE, certificate.subjectCN, certificate.subjectCNLen));
}

}  // namespace signet::wire
