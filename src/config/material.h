// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "signet/config/config.h"
#include "signet/config/files.h"
#include "signet/config/report.h"
#include "signet/config/snapshot.h"
#include "signet/wire/certificate.h"

namespace signet::config {

/// What one certificate is made of: equal parts make an equal certificate. Wiped with the object.
struct Material::Entry {
  std::string certificates;  ///< content of the PFX or PEM file
  std::string key;           ///< content of the key's own PEM file
  std::optional<std::string> password;
  std::string friendly_name;
  bool pfx = false;
  std::shared_ptr<const wire::Certificate> certificate;

  Entry() = default;
  Entry(const Entry&) = delete;
  Entry& operator=(const Entry&) = delete;
  ~Entry();

  [[nodiscard]] bool same_parts(const Entry& other) const;
};

/// Reads certificates and authorities; each fault becomes a Problem that names the object.
class MaterialReader {
 public:
  /// `material` may be null.
  MaterialReader(Files& files, Material* material, WallTime now, Report& report)
      : files_(files), material_(material), now_(now), report_(report) {}

  /// Null after an error.
  [[nodiscard]] std::shared_ptr<const wire::Certificate> certificate(const Certificate& certificate);
  [[nodiscard]] std::shared_ptr<const wire::CertificateAuthority> authority(const CertificateAuthority& authority);
  /// Of every file in its folder that holds PEM certificates. Null after an error.
  [[nodiscard]] std::shared_ptr<const wire::CertificateAuthority> directory_authority(const CertificateAuthority& authority);
  /// DER, each list once. Nothing after an error.
  [[nodiscard]] std::optional<std::vector<ByteVector>> revocation_lists(const CertificateRevocationList& list);
  /// The bundle of the system, read once; null (and nothing reported) if there is none.
  [[nodiscard]] std::shared_ptr<const wire::CertificateAuthority> system_authority();

  /// From now on `material` remembers what was read here, and nothing else.
  void remember();

 private:
  [[nodiscard]] std::unique_ptr<Material::Entry> parts_of(const Certificate& certificate);
  [[nodiscard]] bool read_password(const Certificate& certificate, std::optional<std::string>& password);
  [[nodiscard]] std::optional<std::string> read(const Reference& file, const std::string& object, std::size_t bytes_max);

  Files& files_;
  Material* material_;
  WallTime now_;
  Report& report_;
  std::vector<std::unique_ptr<const Material::Entry>> used_;
  std::optional<std::shared_ptr<const wire::CertificateAuthority>> system_;
};

}  // namespace signet::config
