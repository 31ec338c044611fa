// SPDX-License-Identifier: GPL-3.0-or-later
#include "material.h"

#include <fmt/core.h>
#include <string.h>

#include <array>
#include <string_view>
#include <utility>

#include "signet/base/bytes.h"

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

void wipe(std::string& text) {
  ::explicit_bzero(text.data(), text.size());
}

/// Editors and `echo` end a file with a newline; no password does.
void strip_newline(std::string& text) {
  if (text.ends_with('\n')) {
    text.pop_back();
  }
  if (text.ends_with('\r')) {
    text.pop_back();
  }
}

}  // namespace

Material::Material() = default;
Material::~Material() = default;

Material::Entry::~Entry() {
  wipe(certificates);
  wipe(key);
  if (password) {
    wipe(*password);
  }
}

bool Material::Entry::same_parts(const Entry& other) const {
  return pfx == other.pfx && certificates == other.certificates && key == other.key && password == other.password &&
         friendly_name == other.friendly_name;
}

std::shared_ptr<const wire::Certificate> MaterialReader::certificate(const Certificate& certificate) {
  std::unique_ptr<Material::Entry> parts = parts_of(certificate);
  if (!parts) {
    return nullptr;
  }
  const Reference& file = parts->pfx ? certificate.pfx_file : certificate.pem_file;
  if (material_ != nullptr) {
    for (const std::unique_ptr<const Material::Entry>& known : material_->entries_) {
      if (known->same_parts(*parts)) {
        parts->certificate = known->certificate;
      }
    }
  }
  if (!parts->certificate) {
    Result<std::shared_ptr<const wire::Certificate>> made =
        parts->pfx ? wire::Certificate::from_pfx(as_bytes(parts->certificates),
                                                 wire::PfxOptions{.password = parts->password, .friendly_name = parts->friendly_name})
                   : wire::Certificate::from_pem(parts->certificates, parts->key, parts->password);
    if (!made) {
      report_.error(file.source, fmt::format("certificate \"{}\": {}: {}", certificate.id, file.value, made.error().detail));
      return nullptr;
    }
    parts->certificate = std::move(*made);
  }
  for (const std::string& warning : parts->certificate->warnings(now_)) {
    report_.warning(file.source, fmt::format("certificate \"{}\": {}", certificate.id, warning));
  }
  used_.push_back(std::move(parts));
  return used_.back()->certificate;
}

std::unique_ptr<Material::Entry> MaterialReader::parts_of(const Certificate& certificate) {
  const std::string object = fmt::format("certificate \"{}\"", certificate.id);
  auto parts = std::make_unique<Material::Entry>();
  parts->pfx = !certificate.pfx_file.value.empty();
  parts->friendly_name = certificate.friendly_name;
  std::optional<std::string> content =
      read(parts->pfx ? certificate.pfx_file : certificate.pem_file, object, wire::certificate_file_bytes_max);
  std::optional<std::string> key = certificate.key_file.value.empty()
                                       ? std::optional<std::string>("")
                                       : read(certificate.key_file, object, wire::certificate_file_bytes_max);
  const bool password = read_password(certificate, parts->password);
  if (!content || !key || !password) {
    return nullptr;
  }
  parts->certificates = std::move(*content);
  parts->key = std::move(*key);
  return parts;
}

/// False after an error.
bool MaterialReader::read_password(const Certificate& certificate, std::optional<std::string>& password) {
  const std::string object = fmt::format("certificate \"{}\"", certificate.id);
  if (!certificate.password_file.value.empty()) {
    password = read(certificate.password_file, object, password_file_bytes_max);
    if (password) {
      strip_newline(*password);
    }
    return password.has_value();
  }
  if (!certificate.password_env.value.empty()) {
    password = files_.environment(certificate.password_env.value);
    if (!password) {
      report_.error(certificate.password_env.source,
                    fmt::format("{}: the environment has no variable {}", object, certificate.password_env.value));
    }
    return password.has_value();
  }
  return true;
}

std::optional<std::string> MaterialReader::read(const Reference& file, const std::string& object, std::size_t bytes_max) {
  Result<std::string> content = files_.read(file.value, bytes_max);
  if (!content) {
    report_.error(file.source, fmt::format("{}: {}", object, content.error().detail));
    return std::nullopt;
  }
  return std::move(*content);
}

std::shared_ptr<const wire::CertificateAuthority> MaterialReader::authority(const CertificateAuthority& authority) {
  const std::string object = fmt::format("certificate authority \"{}\"", authority.id);
  const std::optional<std::string> content = read(authority.pem_file, object, wire::certificate_file_bytes_max);
  if (!content) {
    return nullptr;
  }
  Result<std::shared_ptr<const wire::CertificateAuthority>> made = wire::CertificateAuthority::from_file(as_bytes(*content));
  if (!made) {
    report_.error(authority.pem_file.source, fmt::format("{}: {}: {}", object, authority.pem_file.value, made.error().detail));
    return nullptr;
  }
  for (const std::string& warning : (*made)->warnings(now_)) {
    report_.warning(authority.pem_file.source, fmt::format("{}: {}", object, warning));
  }
  return std::move(*made);
}

std::shared_ptr<const wire::CertificateAuthority> MaterialReader::system_authority() {
  if (system_) {
    return *system_;
  }
  system_.emplace();
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
      system_ = std::move(*made);
      break;
    }
  }
  return *system_;
}

void MaterialReader::remember() {
  if (material_ != nullptr) {
    material_->entries_ = std::move(used_);
  }
}

}  // namespace signet::config
