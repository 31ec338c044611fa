// SPDX-License-Identifier: GPL-3.0-or-later
#include "signet/wire/certificate.h"

#include <utility>

#include "signet/base/check.h"
#include "certificate_parts.h"
#include "chain.h"
#include "file_kind.h"
#include "pbe.h"
#include "pem.h"
#include "pfx.h"
#include "private_key.h"
#include "text_encoding.h"

namespace signet::wire {

namespace {

std::unexpected<Error> refuse(std::string detail) {
  return fail(ErrorKind::config, Origin::internal, std::move(detail));
}

std::unexpected<Error> too_large(std::size_t size) {
  return refuse("it is too large: " + std::to_string(size) + " bytes, over the limit of " + std::to_string(certificate_file_bytes_max));
}

Result<std::shared_ptr<const Certificate>> make(Result<std::unique_ptr<const Certificate::Parts>> parts) {
  if (!parts) return std::unexpected(std::move(parts).error());
  return std::make_shared<const Certificate>(std::move(*parts));
}

/// Everything that the blocks of one or two PEM texts hold.
struct PemContents {
  std::vector<FoundCertificate> certificates;
  std::vector<PemBlock> keys;
};

Result<void> sort_block(PemBlock block, PemContents& contents) {
  if (block.label == "CERTIFICATE" || block.label == "X509 CERTIFICATE") {
    auto certificate = read_x509(block.content);
    if (!certificate) {
      return refuse("certificate " + std::to_string(contents.certificates.size() + 1) +
                    " in it cannot be used: " + certificate.error().detail);
    }
    contents.certificates.push_back({.x509 = std::move(*certificate), .friendly_name = {}, .local_key_id = {}});
  } else if (block.label.ends_with("PRIVATE KEY")) {
    contents.keys.push_back(std::move(block));
  }
  return {};
}

Result<PrivateKey> open_encrypted(const PemBlock& block, const std::optional<std::string>& password, std::uint32_t iterations_max) {
  if (!password) return refuse("the private key is encrypted, and no password is given");
  WorkBudget budget(iterations_max);
  for (const PasswordForm& form : password_forms(password)) {
    const auto info = decrypt_pkcs8(block.content, form, budget);
    if (!info) return std::unexpected(info.error());
    if (*info) return read_pkcs8(**info);
  }
  return refuse("the password is wrong or the private key is damaged: it does not open");
}

Result<PrivateKey> read_key(const PemBlock& block, const std::optional<std::string>& password, std::uint32_t iterations_max) {
  if (block.has_headers) {
    return refuse(
        "the encryption of the private key is not supported: the old OpenSSL form (DEK-Info); \"openssl pkcs8 -topk8\" converts it");
  }
  if (block.label == "PRIVATE KEY") return read_pkcs8(block.content);
  if (block.label == "ENCRYPTED PRIVATE KEY") return open_encrypted(block, password, iterations_max);
  if (block.label == "RSA PRIVATE KEY") return read_rsa_private_key(block.content);
  if (block.label == "EC PRIVATE KEY") return read_ec_private_key(block.content);
  return refuse("the private key's format is not supported: " + printable(block.label));
}

Result<std::unique_ptr<const Certificate::Parts>> read_pem_identity(std::string_view certificates, std::string_view key,
                                                                    const std::optional<std::string>& password,
                                                                    std::uint32_t iterations_max) {
  PemContents contents;
  for (const std::string_view text : {certificates, key}) {
    if (text.size() > certificate_file_bytes_max) return too_large(text.size());
    if (!text.empty() && !looks_like_pem(text)) return refuse("this is not PEM text but " + file_kind(as_bytes(text)));
    auto blocks = read_pem(text);
    if (!blocks) return std::unexpected(std::move(blocks).error());
    for (PemBlock& block : *blocks) {
      if (auto sorted = sort_block(std::move(block), contents); !sorted) return std::unexpected(std::move(sorted).error());
    }
  }
  if (contents.keys.empty() && contents.certificates.empty()) return refuse("there is neither a certificate nor a private key in it");
  if (contents.keys.empty()) return refuse("there is no private key in it");
  if (contents.keys.size() > 1) {
    return refuse("there are " + std::to_string(contents.keys.size()) + " private keys in it; PEM text must have exactly one");
  }
  auto private_key = read_key(contents.keys.front(), password, iterations_max);
  if (!private_key) return std::unexpected(std::move(private_key).error());
  return assemble(std::move(contents.certificates), FoundKey{.key = std::move(*private_key), .friendly_name = {}, .local_key_id = {}});
}

}  // namespace

Certificate::Certificate(std::unique_ptr<const Parts> parts) : parts_(std::move(parts)) {
  SIGNET_CHECK(!parts_->chain.empty() && parts_->chain.size() == parts_->chain_der.size());
}

Certificate::~Certificate() = default;

Result<std::shared_ptr<const Certificate>> Certificate::from_pfx(ByteView file, const PfxOptions& options) {
  if (file.size() > certificate_file_bytes_max) return too_large(file.size());
  if (!starts_like_pfx(file)) return refuse("this is not a PFX (PKCS #12) file but " + file_kind(file));
  return make(read_pfx(file, options));
}

Result<std::shared_ptr<const Certificate>> Certificate::from_pem(std::string_view certificates, std::string_view key,
                                                                 const std::optional<std::string>& password) {
  return make(read_pem_identity(certificates, key, password, PfxOptions{}.iterations_max));
}

Result<std::shared_ptr<const Certificate>> Certificate::from_file(ByteView file, const PfxOptions& options) {
  const std::string_view text = as_text(file);
  if (starts_like_pfx(file) || !looks_like_pem(text)) return from_pfx(file, options);
  return make(read_pem_identity(text, {}, options.password, options.iterations_max));
}

const CertificateInfo& Certificate::leaf() const {
  return parts_->chain.front();
}

std::span<const CertificateInfo> Certificate::chain() const {
  return parts_->chain;
}

std::span<const ByteVector> Certificate::chain_der() const {
  return parts_->chain_der;
}

std::span<const CertificateInfo> Certificate::unrelated() const {
  return parts_->unrelated;
}

ByteView Certificate::private_key_der() const {
  return parts_->private_key;
}

const std::string& Certificate::friendly_name() const {
  return parts_->friendly_name;
}

}  // namespace signet::wire
