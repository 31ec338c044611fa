// SPDX-License-Identifier: GPL-3.0-or-later
// Certificate files come from anywhere: whatever they hold, reading them ends soon, in a certificate or in a sentence.
#include <cstddef>
#include <cstdint>
#include <span>

#include "signet/base/check.h"
#include "signet/wire/certificate.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace signet;
  const ByteView file = std::as_bytes(std::span(data, size));
  // Low, so that an input costs milliseconds at most; the seeds' counts are lower still.
  const wire::PfxOptions options{.password = "signet-test", .iterations_max = 1000};
  if (const auto certificate = wire::Certificate::from_file(file, options)) {
    SIGNET_CHECK(!wire::describe(**certificate, (*certificate)->not_after()).empty());
    SIGNET_CHECK(!(*certificate)->private_key_der().empty());
  } else {
    SIGNET_CHECK(certificate.error().kind == ErrorKind::config && !certificate.error().detail.empty());
  }
  if (const auto anchors = wire::CertificateAuthority::from_file(file)) SIGNET_CHECK(!(*anchors)->anchors_der().empty());
  if (const auto info = wire::certificate_info(file)) SIGNET_CHECK(info->thumbprint_sha256.size() == 64);
  return 0;
}
