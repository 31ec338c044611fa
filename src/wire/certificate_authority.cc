// SPDX-License-Identifier: GPL-3.0-or-later
#include <algorithm>
#include <utility>

#include "signet/base/check.h"
#include "signet/wire/certificate.h"
#include "file_kind.h"
#include "pem.h"
#include "x509.h"

namespace signet::wire {

namespace {

std::unexpected<Error> refuse(std::string detail) {
  return fail(ErrorKind::config, Origin::internal, std::move(detail));
}

std::unexpected<Error> too_large(std::size_t size) {
  return refuse("it is too large: " + std::to_string(size) + " bytes, over the limit of " + std::to_string(certificate_file_bytes_max));
}

}  // namespace

CertificateAuthority::CertificateAuthority(std::vector<CertificateInfo> anchors, std::vector<ByteVector> anchors_der)
    : anchors_(std::move(anchors)), anchors_der_(std::move(anchors_der)) {
  SIGNET_CHECK(!anchors_.empty() && anchors_.size() == anchors_der_.size());
}

Result<std::shared_ptr<const CertificateAuthority>> CertificateAuthority::from_pem(std::string_view text) {
  if (text.size() > certificate_file_bytes_max) return too_large(text.size());
  if (!looks_like_pem(text)) {
    const bool der = looks_like_certificate(as_bytes(text));
    return refuse("this is not PEM text but " + (der ? "a DER certificate" : file_kind(as_bytes(text))));
  }
  auto blocks = read_pem(text);
  if (!blocks) return std::unexpected(std::move(blocks).error());
  std::vector<CertificateInfo> anchors;
  std::vector<ByteVector> anchors_der;
  std::size_t number = 0;
  for (const PemBlock& block : *blocks) {
    if (block.label != "CERTIFICATE" && block.label != "X509 CERTIFICATE") continue;
    ++number;
    auto certificate = read_x509(block.content);
    if (!certificate) return refuse("certificate " + std::to_string(number) + " in it cannot be used: " + certificate.error().detail);
    if (std::find(anchors_der.begin(), anchors_der.end(), certificate->der) != anchors_der.end()) continue;
    anchors.push_back(std::move(certificate->info));
    anchors_der.push_back(std::move(certificate->der));
  }
  if (anchors.empty()) return refuse("there is no certificate in this PEM text, only \"" + blocks->front().label + "\"");
  return std::make_shared<const CertificateAuthority>(std::move(anchors), std::move(anchors_der));
}

Result<std::shared_ptr<const CertificateAuthority>> CertificateAuthority::from_der(ByteView der) {
  if (der.size() > certificate_file_bytes_max) return too_large(der.size());
  if (!looks_like_certificate(der)) return refuse("this is not a certificate but " + file_kind(der));
  auto certificate = read_x509(der);
  if (!certificate) return std::unexpected(std::move(certificate).error());
  std::vector<CertificateInfo> anchors;
  anchors.push_back(std::move(certificate->info));
  std::vector<ByteVector> anchors_der;
  anchors_der.push_back(std::move(certificate->der));
  return std::make_shared<const CertificateAuthority>(std::move(anchors), std::move(anchors_der));
}

Result<std::shared_ptr<const CertificateAuthority>> CertificateAuthority::from_file(ByteView file) {
  return looks_like_pem(as_text(file)) && !starts_like_pfx(file) ? from_pem(as_text(file)) : from_der(file);
}

}  // namespace signet::wire
