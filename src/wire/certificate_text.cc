// SPDX-License-Identifier: GPL-3.0-or-later
// What operators read about certificates.
#include <fmt/format.h>

#include <algorithm>

#include "signet/wire/certificate.h"
#include "object_identifiers.h"
#include "text_encoding.h"

namespace signet::wire {

namespace {

std::string join(std::span<const std::string> items) {
  std::string out;
  for (const std::string& item : items)
    out += (out.empty() ? "" : ", ") + item;
  return out;
}

/// "the certificate CN=orders", "the intermediate CN=Issuing CA"
void append_validity_warning(std::vector<std::string>& warnings, std::string_view role, const CertificateInfo& info, WallTime now) {
  if (info.expired(now)) {
    warnings.push_back(fmt::format("{} {} expired on {}", role, info.subject, wall_time_text(info.not_after)));
  } else if (info.not_yet_valid(now)) {
    warnings.push_back(fmt::format("{} {} is not valid before {}", role, info.subject, wall_time_text(info.not_before)));
  }
}

bool meant_for_clients(const CertificateInfo& info) {
  const auto& usages = info.extended_key_usages;
  return usages.empty() || std::any_of(usages.begin(), usages.end(), [](const std::string& usage) {
           return usage == "clientAuth" || usage == oids::name(oids::any_extended_key_usage);
         });
}

}  // namespace

std::string wall_time_text(WallTime time) {
  const auto day = std::chrono::floor<std::chrono::days>(time);
  const std::chrono::year_month_day date(day);
  const std::chrono::hh_mm_ss clock(time - day);
  return fmt::format("{:04}-{:02}-{:02}T{:02}:{:02}:{:02}Z", static_cast<int>(date.year()), static_cast<unsigned>(date.month()),
                     static_cast<unsigned>(date.day()), clock.hours().count(), clock.minutes().count(), clock.seconds().count());
}

std::vector<std::string> Certificate::warnings(WallTime now) const {
  std::vector<std::string> out;
  append_validity_warning(out, "the certificate", leaf(), now);
  for (const CertificateInfo& issuer : chain().subspan(1))
    append_validity_warning(out, "the issuer's certificate", issuer, now);
  if (!meant_for_clients(leaf())) {
    out.push_back(fmt::format("the certificate {} is not meant for client authentication: its extended key usages are {}", subject(),
                              join(leaf().extended_key_usages)));
  }
  for (const CertificateInfo& other : unrelated()) {
    out.push_back(fmt::format("the file also has the certificate {}, which is not part of the chain and is not sent", other.subject));
  }
  return out;
}

std::vector<std::string> CertificateAuthority::warnings(WallTime now) const {
  std::vector<std::string> out;
  for (const CertificateInfo& anchor : anchors())
    append_validity_warning(out, "the trust anchor", anchor, now);
  return out;
}

std::string describe(const Certificate& certificate, WallTime now) {
  const CertificateInfo& leaf = certificate.leaf();
  std::string out;
  const auto line = [&out](std::string_view label, std::string_view value) {
    if (!value.empty()) out += fmt::format("{:<19}{}\n", label, value);
  };
  line("subject", leaf.subject.empty() ? "(empty)" : leaf.subject);
  line("issuer", leaf.issuer);
  line("serial number", leaf.serial);
  line("valid from", wall_time_text(leaf.not_before));
  line("valid until", wall_time_text(leaf.not_after));
  line("thumbprint SHA-1", leaf.thumbprint_sha1);
  line("thumbprint SHA-256", leaf.thumbprint_sha256);
  line("key", leaf.key_type);
  line("signature", leaf.signature_algorithm);
  line("names", join(leaf.subject_alternative_names));
  line("key usages", join(leaf.extended_key_usages));
  line("friendly name", printable(certificate.friendly_name()));
  for (const CertificateInfo& issuer : certificate.chain().subspan(1)) {
    line("chain", fmt::format("{} (until {})", issuer.subject, wall_time_text(issuer.not_after)));
  }
  for (const std::string& warning : certificate.warnings(now))
    line("warning", warning);
  return out;
}

}  // namespace signet::wire
