// SPDX-License-Identifier: GPL-3.0-or-later
// What back ends' certificates are judged by, beside the authorities in one file: authorities in a folder, and revocation lists.
#include <fmt/core.h>

#include <algorithm>
#include <string_view>
#include <utility>

#include "signet/base/bytes.h"
#include "signet/wire/revocation_list.h"
#include "material.h"

namespace signet::config {

namespace {

/// A folder of authorities: files in it, and their bytes in all.
constexpr std::size_t directory_files_max = 1000;
constexpr std::size_t directory_bytes_max = std::size_t{32} * 1024 * 1024;

bool holds_pem_certificates(std::string_view text) {
  return text.find("-----BEGIN CERTIFICATE-----") != std::string_view::npos ||
         text.find("-----BEGIN X509 CERTIFICATE-----") != std::string_view::npos;
}

/// The anchors of several files, each once.
class Anchors {
 public:
  void add(const wire::CertificateAuthority& authority) {
    for (std::size_t at = 0; at < authority.anchors().size(); ++at) {
      if (std::ranges::find(der_, authority.anchors_der()[at]) == der_.end()) {
        infos_.push_back(authority.anchors()[at]);
        der_.push_back(authority.anchors_der()[at]);
      }
    }
  }

  /// Null for none.
  [[nodiscard]] std::shared_ptr<const wire::CertificateAuthority> take() {
    return infos_.empty() ? nullptr : std::make_shared<const wire::CertificateAuthority>(std::move(infos_), std::move(der_));
  }

 private:
  std::vector<wire::CertificateInfo> infos_;
  std::vector<ByteVector> der_;
};

}  // namespace

/// Null after an error.
std::shared_ptr<const wire::CertificateAuthority> MaterialReader::read_directory(const CertificateAuthority& authority, Report& faults) {
  const std::string object = fmt::format("certificate authority \"{}\"", authority.id);
  const std::string& directory = authority.directory.value;
  const auto refuse = [&](const std::string& reason) {
    faults.error(authority.directory.source, fmt::format("{}: {}", object, reason));
    return nullptr;
  };
  const Result<std::vector<std::string>> names = files_.list(directory, directory_files_max);
  if (!names) {
    return refuse(names.error().detail);
  }
  Anchors anchors;
  std::size_t bytes = 0;
  for (const std::string& name : *names) {
    const std::string path = fmt::format("{}{}{}", directory, directory.ends_with('/') ? "" : "/", name);
    const Result<std::string> content = files_.read(path, wire::certificate_file_bytes_max);
    if (!content) {
      return refuse(content.error().detail);
    }
    bytes += content->size();
    if (bytes > directory_bytes_max) {
      return refuse(fmt::format("{}: more than the {} bytes that are read", directory, directory_bytes_max));
    }
    if (!holds_pem_certificates(*content)) {
      continue;
    }
    const Result<std::shared_ptr<const wire::CertificateAuthority>> made = wire::CertificateAuthority::from_pem(*content);
    if (!made) {
      return refuse(fmt::format("{}: {}", path, made.error().detail));
    }
    anchors.add(**made);
  }
  std::shared_ptr<const wire::CertificateAuthority> made = anchors.take();
  if (!made) {
    return refuse(fmt::format("{}: no file in this folder holds PEM certificates", directory));
  }
  return made;
}

/// Null after an error.
std::shared_ptr<const std::vector<ByteVector>> MaterialReader::read_lists(const CertificateRevocationList& list, Report& faults) {
  const std::string object = fmt::format("certificate revocation list \"{}\"", list.id);
  const std::optional<std::string> content = read(list.file, object, wire::revocation_file_bytes_max, faults);
  if (!content) {
    return nullptr;
  }
  Result<std::vector<wire::RevocationList>> lists = wire::read_revocation_lists(as_bytes(*content));
  if (!lists) {
    faults.error(list.file.source, fmt::format("{}: {}: {}", object, list.file.value, lists.error().detail));
    return nullptr;
  }
  std::vector<ByteVector> der;
  for (wire::RevocationList& each : *lists) {
    if (each.outdated(now_)) {
      faults.warning(list.file.source,
                     fmt::format("{}: {}: the list of \"{}\" is out of date since {}: back ends whose certificates it covers are refused",
                                 object, list.file.value, each.issuer, wire::wall_time_text(*each.next_update)));
    }
    der.push_back(std::move(each.der));
  }
  return std::make_shared<const std::vector<ByteVector>>(std::move(der));
}

}  // namespace signet::config
