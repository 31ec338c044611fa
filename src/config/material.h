// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include <cstddef>
#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "signet/config/config.h"
#include "signet/config/files.h"
#include "signet/config/report.h"
#include "signet/config/snapshot.h"
#include "signet/wire/certificate.h"
#include "signet/wire/identity.h"
#include "policy_scopes.h"

namespace signet::config {

/// What one certificate is made of: equal parts make an equal certificate. Wiped with the object.
struct Material::CertificateEntry {
  std::string certificates;  ///< content of the PFX or PEM file
  std::string key;           ///< content of the key's own PEM file
  std::optional<std::string> password;
  std::string friendly_name;
  bool pfx = false;
  std::shared_ptr<const wire::Certificate> certificate;

  CertificateEntry() = default;
  CertificateEntry(const CertificateEntry&) = delete;
  CertificateEntry& operator=(const CertificateEntry&) = delete;
  ~CertificateEntry();

  [[nodiscard]] bool same_parts(const CertificateEntry& other) const;
};

/// An identity with what it was made of.
struct Material::IdentityEntry {
  wire::IdentitySettings settings;  ///< as they were asked for, without the lists
  std::vector<std::shared_ptr<const std::vector<ByteVector>>> revocation_lists;
  std::shared_ptr<const wire::Identity> identity;
};

/// A policy without faults, read.
struct Material::PolicyEntry {
  std::string xml;
  std::shared_ptr<const ScopeDocument> document;
  std::shared_ptr<const PolicyReferences> references;
};

/// Reads certificates and authorities; each fault becomes a Problem that names the object: an error, or a warning where `material` has what
/// was read under that id before, which then stays in force.
class MaterialReader {
 public:
  /// `material` may be null.
  MaterialReader(Files& files, Material* material, WallTime now, Report& report)
      : files_(files), material_(material), now_(now), report_(report) {}

  /// Whom a certificate is shown to, as far as warnings go.
  enum class Use : std::uint8_t { identity, listener };

  /// Null after an error.
  [[nodiscard]] std::shared_ptr<const wire::Certificate> certificate(const Certificate& certificate, Use use);
  /// From its file, or from every file in its folder that holds PEM certificates. Null after an error.
  [[nodiscard]] std::shared_ptr<const wire::CertificateAuthority> authority(const CertificateAuthority& authority);
  /// DER, each list once. Null after an error.
  [[nodiscard]] std::shared_ptr<const std::vector<ByteVector>> revocation_lists(const CertificateRevocationList& list);
  /// The bundle of the system, read once; null (and nothing reported) if there is none.
  [[nodiscard]] std::shared_ptr<const wire::CertificateAuthority> system_authority();

  /// Under which a back end is spoken to. `use`: which it is, the same from one build to the next. `settings` without revocation lists.
  [[nodiscard]] Result<std::shared_ptr<const wire::Identity>> identity(
      const std::string& use, wire::IdentitySettings settings,
      std::vector<std::shared_ptr<const std::vector<ByteVector>>> revocation_lists);

  /// A policy, from its file if it has one: fills in its text and its references. `key`: whose it is. Null after an error.
  [[nodiscard]] std::shared_ptr<const ScopeDocument> document(PolicyDocument& policy, PolicyScope scope, const std::string& key);
  /// The same as before for the same `key`, in this build and from one to the next.
  [[nodiscard]] std::shared_ptr<RateWindow> rate_window(const std::string& key);

  /// From now on `material` remembers what was read here, and nothing else. Returns how many ids have another certificate than before,
  /// those that are new or gone included.
  std::size_t remember();

 private:
  using CertificateEntry = Material::CertificateEntry;
  using IdentityEntry = Material::IdentityEntry;
  using PolicyEntry = Material::PolicyEntry;

  [[nodiscard]] std::shared_ptr<const CertificateEntry> read_certificate(const Certificate& certificate, Report& faults);
  [[nodiscard]] std::shared_ptr<CertificateEntry> parts_of(const Certificate& certificate, Report& faults);
  [[nodiscard]] std::shared_ptr<const wire::Certificate> known(const std::string& id, const CertificateEntry& parts) const;
  [[nodiscard]] bool read_password(const Certificate& certificate, std::optional<std::string>& password, Report& faults);
  [[nodiscard]] std::shared_ptr<const wire::CertificateAuthority> read_authority(const CertificateAuthority& authority, Report& faults);
  [[nodiscard]] std::shared_ptr<const wire::CertificateAuthority> read_directory(const CertificateAuthority& authority, Report& faults);
  [[nodiscard]] std::shared_ptr<const std::vector<ByteVector>> read_lists(const CertificateRevocationList& list, Report& faults);
  [[nodiscard]] std::shared_ptr<const wire::CertificateAuthority> read_system_authority();
  [[nodiscard]] std::optional<std::string> policy_text(const PolicyDocument& document, const std::string& scope);
  [[nodiscard]] std::optional<std::string> read(const Reference& file, const std::string& object, std::size_t bytes_max, Report& faults);
  template <typename Value>
  [[nodiscard]] std::shared_ptr<const Value> in_force(std::shared_ptr<const Value> read, std::shared_ptr<const Value> before, Report faults,
                                                      std::string_view kept);

  Files& files_;
  Material* material_;
  WallTime now_;
  Report& report_;
  std::map<std::string, std::shared_ptr<const CertificateEntry>, std::less<>> certificates_;
  std::map<std::string, std::shared_ptr<const wire::CertificateAuthority>, std::less<>> authorities_;
  std::map<std::string, std::shared_ptr<const std::vector<ByteVector>>, std::less<>> revocation_lists_;
  std::map<std::string, std::shared_ptr<const std::string>, std::less<>> policies_;
  std::map<std::string, std::shared_ptr<const IdentityEntry>, std::less<>> identities_;
  std::map<std::string, std::shared_ptr<const PolicyEntry>, std::less<>> documents_;
  std::map<std::string, std::shared_ptr<RateWindow>, std::less<>> rate_windows_;
  std::optional<std::shared_ptr<const wire::CertificateAuthority>> system_;
};

}  // namespace signet::config
