// SPDX-License-Identifier: GPL-3.0-or-later
#include "material.h"

#include <fmt/core.h>

#include <algorithm>
#include <array>
#include <string_view>
#include <utility>

#include "signet/base/bytes.h"
#include "signet/config/policy.h"
#include "signet/wire/secret_bytes.h"

namespace signet::config {

namespace {

constexpr std::size_t password_file_bytes_max = std::size_t{64} * 1024;

/// Debian and relatives, Fedora and relatives, SUSE, Alpine.
constexpr std::array<std::string_view, 4> system_bundles{
    "/etc/ssl/certs/ca-certificates.crt",
    "/etc/pki/tls/certs/ca-bundle.crt",
    "/etc/ssl/ca-bundle.pem",
    "/etc/ssl/cert.pem",
};

/// Editors and `echo` end a file with a newline; no password does.
void strip_newline(std::string& text) {
  if (text.ends_with('\n')) {
    text.pop_back();
  }
  if (text.ends_with('\r')) {
    text.pop_back();
  }
}

/// Of one that back ends are not shown: whether it would do for them is not asked.
std::vector<std::string> validity_warnings(const wire::Certificate& certificate, WallTime now) {
  std::vector<std::string> warnings;
  for (const wire::CertificateInfo& info : certificate.chain()) {
    const std::string_view role = &info == &certificate.leaf() ? "the certificate" : "the issuer's certificate";
    if (info.expired(now)) {
      warnings.push_back(fmt::format("{} {} expired on {}", role, info.subject, wire::wall_time_text(info.not_after)));
    } else if (info.not_yet_valid(now)) {
      warnings.push_back(fmt::format("{} {} is not valid before {}", role, info.subject, wire::wall_time_text(info.not_before)));
    }
  }
  return warnings;
}

/// `before`, if that is the same.
std::shared_ptr<const wire::CertificateAuthority> same_or(std::shared_ptr<const wire::CertificateAuthority> read,
                                                          const std::shared_ptr<const wire::CertificateAuthority>& before) {
  return read && before && std::ranges::equal(read->anchors_der(), before->anchors_der()) ? before : read;
}

template <typename Value>
std::shared_ptr<const Value> find(const std::map<std::string, std::shared_ptr<const Value>, std::less<>>& known, const std::string& id) {
  const auto place = known.find(id);
  return place == known.end() ? nullptr : place->second;
}

}  // namespace

Material::Material() = default;
Material::~Material() = default;

Material::CertificateEntry::~CertificateEntry() {
  wire::wipe(certificates);
  wire::wipe(key);
  if (password) {
    wire::wipe(*password);
  }
}

bool Material::CertificateEntry::same_parts(const CertificateEntry& other) const {
  return pfx == other.pfx && certificates == other.certificates && key == other.key && password == other.password &&
         friendly_name == other.friendly_name;
}

/// What was read; if that has failed, what was `before`, and the faults are warnings that say what is `kept`; if there was nothing, null.
template <typename Value>
std::shared_ptr<const Value> MaterialReader::in_force(std::shared_ptr<const Value> read, std::shared_ptr<const Value> before, Report faults,
                                                      std::string_view kept) {
  if (read || !before) {
    report_.append(std::move(faults));
    return read;
  }
  for (const Problem& fault : faults.errors) {
    report_.warning(fault.source, fmt::format("{}; {}", fault.message, kept));
  }
  return before;
}

std::shared_ptr<const wire::Certificate> MaterialReader::certificate(const Certificate& certificate, Use use) {
  if (certificate.loaded) {
    auto entry = std::make_shared<CertificateEntry>();
    entry->certificate = certificate.loaded;
    certificates_[certificate.id] = std::move(entry);
    if (use == Use::listener) {
      for (const std::string& warning : validity_warnings(*certificate.loaded, now_)) {
        report_.warning(certificate.source, fmt::format("certificate \"{}\": {}", certificate.id, warning));
      }
    }
    return certificate.loaded;
  }
  const Reference& file = certificate.pfx_file.value.empty() ? certificate.pem_file : certificate.pfx_file;
  Report faults;
  std::shared_ptr<const CertificateEntry> entry = read_certificate(certificate, faults);
  std::string kept;
  const auto before = material_ == nullptr ? nullptr : find(material_->certificates_, certificate.id);
  if (before) {
    kept = fmt::format("the certificate read before stays in force (serial {}, expires {})", before->certificate->serial(),
                       wire::wall_time_text(before->certificate->not_after()));
    if (entry && entry->certificate->expired(now_) && !before->certificate->expired(now_)) {
      faults.error(file.source, fmt::format("certificate \"{}\": {}: expired on {}", certificate.id, file.value,
                                            wire::wall_time_text(entry->certificate->not_after())));
      entry = nullptr;
    }
  }
  entry = in_force(std::move(entry), before, std::move(faults), kept);
  if (!entry) {
    return nullptr;
  }
  for (const std::string& warning :
       use == Use::listener ? validity_warnings(*entry->certificate, now_) : entry->certificate->warnings(now_)) {
    report_.warning(file.source, fmt::format("certificate \"{}\": {}", certificate.id, warning));
  }
  certificates_[certificate.id] = entry;
  return entry->certificate;
}

/// Null after an error.
std::shared_ptr<const Material::CertificateEntry> MaterialReader::read_certificate(const Certificate& certificate, Report& faults) {
  std::shared_ptr<CertificateEntry> parts = parts_of(certificate, faults);
  if (!parts) {
    return nullptr;
  }
  parts->certificate = known(certificate.id, *parts);
  if (parts->certificate) {
    return parts;
  }
  const Reference& file = parts->pfx ? certificate.pfx_file : certificate.pem_file;
  Result<std::shared_ptr<const wire::Certificate>> made =
      parts->pfx ? wire::Certificate::from_pfx(as_bytes(parts->certificates),
                                               wire::PfxOptions{.password = parts->password, .friendly_name = parts->friendly_name})
                 : wire::Certificate::from_pem(parts->certificates, parts->key, parts->password);
  if (!made) {
    faults.error(file.source, fmt::format("certificate \"{}\": {}: {}", certificate.id, file.value, made.error().detail));
    return nullptr;
  }
  parts->certificate = std::move(*made);
  return parts;
}

/// One that the last build made of the same parts, most likely under the same id.
std::shared_ptr<const wire::Certificate> MaterialReader::known(const std::string& id, const CertificateEntry& parts) const {
  if (material_ == nullptr) {
    return nullptr;
  }
  if (const std::shared_ptr<const CertificateEntry> before = find(material_->certificates_, id); before && before->same_parts(parts)) {
    return before->certificate;
  }
  for (const auto& [other, entry] : material_->certificates_) {
    if (entry->same_parts(parts)) {
      return entry->certificate;
    }
  }
  return nullptr;
}

std::shared_ptr<Material::CertificateEntry> MaterialReader::parts_of(const Certificate& certificate, Report& faults) {
  const std::string object = fmt::format("certificate \"{}\"", certificate.id);
  auto parts = std::make_shared<CertificateEntry>();
  parts->pfx = !certificate.pfx_file.value.empty();
  parts->friendly_name = certificate.friendly_name;
  std::optional<std::string> content =
      read(parts->pfx ? certificate.pfx_file : certificate.pem_file, object, wire::certificate_file_bytes_max, faults);
  std::optional<std::string> key = certificate.key_file.value.empty()
                                       ? std::optional<std::string>("")
                                       : read(certificate.key_file, object, wire::certificate_file_bytes_max, faults);
  const bool password = read_password(certificate, parts->password, faults);
  if (!content || !key || !password) {
    return nullptr;
  }
  parts->certificates = std::move(*content);
  parts->key = std::move(*key);
  return parts;
}

/// False after an error.
bool MaterialReader::read_password(const Certificate& certificate, std::optional<std::string>& password, Report& faults) {
  const std::string object = fmt::format("certificate \"{}\"", certificate.id);
  if (!certificate.password_file.value.empty()) {
    password = read(certificate.password_file, object, password_file_bytes_max, faults);
    if (password) {
      strip_newline(*password);
    }
    return password.has_value();
  }
  if (!certificate.password_env.value.empty()) {
    password = files_.environment(certificate.password_env.value);
    if (!password) {
      faults.error(certificate.password_env.source,
                   fmt::format("{}: the environment has no variable {}", object, certificate.password_env.value));
    }
    return password.has_value();
  }
  return true;
}

std::optional<std::string> MaterialReader::read(const Reference& file, const std::string& object, std::size_t bytes_max, Report& faults) {
  Result<std::string> content = files_.read(file.value, bytes_max);
  if (!content) {
    faults.error(file.source, fmt::format("{}: {}", object, content.error().detail));
    return std::nullopt;
  }
  return std::move(*content);
}

std::shared_ptr<const wire::CertificateAuthority> MaterialReader::authority(const CertificateAuthority& authority) {
  const Reference& place = authority.directory.value.empty() ? authority.pem_file : authority.directory;
  Report faults;
  std::shared_ptr<const wire::CertificateAuthority> read = read_authority(authority, faults);
  const auto expired = [this](const wire::CertificateAuthority& whole) {
    return std::ranges::all_of(whole.anchors(), [this](const wire::CertificateInfo& anchor) { return anchor.expired(now_); });
  };
  const auto before = material_ == nullptr ? nullptr : find(material_->authorities_, authority.id);
  if (read && before && expired(*read) && !expired(*before)) {
    faults.error(place.source, fmt::format("certificate authority \"{}\": {}: every certificate is expired", authority.id, place.value));
    read = nullptr;
  }
  read = in_force(same_or(std::move(read), before), before, std::move(faults), "the authority read before stays in force");
  if (!read) {
    return nullptr;
  }
  for (const std::string& warning : read->warnings(now_)) {
    report_.warning(place.source, fmt::format("certificate authority \"{}\": {}", authority.id, warning));
  }
  authorities_[authority.id] = read;
  return read;
}

/// Null after an error.
std::shared_ptr<const wire::CertificateAuthority> MaterialReader::read_authority(const CertificateAuthority& authority, Report& faults) {
  if (!authority.directory.value.empty()) {
    return read_directory(authority, faults);
  }
  const std::string object = fmt::format("certificate authority \"{}\"", authority.id);
  const std::optional<std::string> content = read(authority.pem_file, object, wire::certificate_file_bytes_max, faults);
  if (!content) {
    return nullptr;
  }
  Result<std::shared_ptr<const wire::CertificateAuthority>> made = wire::CertificateAuthority::from_file(as_bytes(*content));
  if (!made) {
    faults.error(authority.pem_file.source, fmt::format("{}: {}: {}", object, authority.pem_file.value, made.error().detail));
    return nullptr;
  }
  return std::move(*made);
}

std::shared_ptr<const std::vector<ByteVector>> MaterialReader::revocation_lists(const CertificateRevocationList& list) {
  Report faults;
  std::shared_ptr<const std::vector<ByteVector>> read = read_lists(list, faults);
  const auto before = material_ == nullptr ? nullptr : find(material_->revocation_lists_, list.id);
  if (read && before && *read == *before) {
    read = before;
  }
  read = in_force(std::move(read), before, std::move(faults), "the revocation list read before stays in force");
  if (read) {
    revocation_lists_[list.id] = read;
  }
  return read;
}

std::shared_ptr<const wire::CertificateAuthority> MaterialReader::system_authority() {
  if (!system_) {
    system_ = same_or(read_system_authority(), material_ == nullptr ? nullptr : material_->system_authority_);
  }
  return *system_;
}

/// Null if there is none.
std::shared_ptr<const wire::CertificateAuthority> MaterialReader::read_system_authority() {
  std::vector<std::string> paths(system_bundles.begin(), system_bundles.end());
  if (std::optional<std::string> chosen = files_.environment("SSL_CERT_FILE")) {
    paths = {std::move(*chosen)};
  }
  for (const std::string& path : paths) {
    const Result<std::string> content = files_.read(path, wire::certificate_file_bytes_max);
    if (!content) {
      continue;
    }
    if (Result<std::shared_ptr<const wire::CertificateAuthority>> made = wire::CertificateAuthority::from_file(as_bytes(*content))) {
      return std::move(*made);
    }
  }
  return nullptr;
}

Result<std::shared_ptr<const wire::Identity>> MaterialReader::identity(
    const std::string& use, wire::IdentitySettings settings, std::vector<std::shared_ptr<const std::vector<ByteVector>>> revocation_lists) {
  std::shared_ptr<const IdentityEntry> entry = material_ == nullptr ? nullptr : find(material_->identities_, use);
  if (!entry || entry->settings != settings || entry->revocation_lists != revocation_lists) {
    auto made = std::make_shared<IdentityEntry>();
    made->settings = settings;
    for (const auto& lists : revocation_lists) {
      settings.revocation_lists.insert(settings.revocation_lists.end(), lists->begin(), lists->end());
    }
    made->revocation_lists = std::move(revocation_lists);
    Result<std::shared_ptr<const wire::Identity>> identity = wire::Identity::make(std::move(settings));
    if (!identity) {
      return identity;
    }
    made->identity = std::move(*identity);
    entry = std::move(made);
  }
  identities_[use] = entry;
  return entry->identity;
}

std::shared_ptr<const ScopeDocument> MaterialReader::document(PolicyDocument& policy, PolicyScope scope, const std::string& key) {
  std::optional<std::string> text = policy_text(policy, key);
  if (!text) {
    return nullptr;
  }
  policy.xml = std::move(*text);
  std::shared_ptr<const PolicyEntry> entry = material_ == nullptr ? nullptr : find(material_->documents_, key);
  if (!entry || entry->xml != policy.xml || entry->document->source != source_of(policy)) {
    Report faults;
    auto made = std::make_shared<PolicyEntry>();
    made->xml = policy.xml;
    made->document = read_scope(policy, scope, key, faults);
    made->references = std::make_shared<const PolicyReferences>(references_of(made->document->steps));
    entry = std::move(made);
    if (!faults.errors.empty() || !faults.warnings.empty()) {
      report_.append(std::move(faults));
      return entry->document;  // not to be taken over: the next build is to say it too
    }
  }
  policy.references = entry->references;
  documents_[key] = entry;
  return entry->document;
}

std::optional<std::string> MaterialReader::policy_text(const PolicyDocument& document, const std::string& scope) {
  if (document.file.value.empty()) {
    return document.xml;
  }
  Report faults;
  std::optional<std::string> content = read(document.file, fmt::format("policy of {}", scope), policy_bytes_max, faults);
  std::shared_ptr<const std::string> text = content ? std::make_shared<const std::string>(std::move(*content)) : nullptr;
  const auto before = material_ == nullptr ? nullptr : find(material_->policies_, scope);
  text = in_force(std::move(text), before, std::move(faults), "the policy read before stays in force");
  if (!text) {
    return std::nullopt;
  }
  policies_[scope] = text;
  return *text;
}

std::shared_ptr<RateWindow> MaterialReader::rate_window(const std::string& key) {
  std::shared_ptr<RateWindow>& window = rate_windows_[key];
  if (!window && material_ != nullptr) {
    const auto before = material_->rate_windows_.find(key);
    window = before == material_->rate_windows_.end() ? nullptr : before->second;
  }
  if (!window) {
    window = std::make_shared<RateWindow>();
  }
  return window;
}

std::size_t MaterialReader::remember() {
  if (material_ == nullptr) {
    return 0;
  }
  std::size_t changed = 0;
  for (const auto& [id, entry] : certificates_) {
    const std::shared_ptr<const CertificateEntry> before = find(material_->certificates_, id);
    if (!before || !std::ranges::equal(before->certificate->chain_der(), entry->certificate->chain_der())) {
      ++changed;
    }
  }
  for (const auto& [id, entry] : material_->certificates_) {
    if (!certificates_.contains(id)) {
      ++changed;
    }
  }
  material_->certificates_ = std::move(certificates_);
  material_->authorities_ = std::move(authorities_);
  material_->revocation_lists_ = std::move(revocation_lists_);
  material_->policies_ = std::move(policies_);
  material_->identities_ = std::move(identities_);
  material_->documents_ = std::move(documents_);
  material_->rate_windows_ = std::move(rate_windows_);
  if (system_) {
    material_->system_authority_ = *system_;
  }
  return changed;
}

}  // namespace signet::config
