// SPDX-License-Identifier: GPL-3.0-or-later
#include "signet/wire/self_signed.h"

#include <fmt/chrono.h>
#include <fmt/core.h>
#include <wolfssl/wolfcrypt/asn_public.h>
#include <wolfssl/wolfcrypt/coding.h>
#include <wolfssl/wolfcrypt/ecc.h>
#include <wolfssl/wolfcrypt/random.h>

#include <algorithm>
#include <array>
#include <chrono>
#include <cstdint>
#include <cstring>
#include <memory>
#include <span>
#include <string_view>

#include "der.h"
#include "secret_bytes.h"

namespace signet::wire {

namespace {

constexpr std::size_t certificate_der_bytes_max = 4096;
constexpr std::size_t key_der_bytes_max = 256;
constexpr std::size_t pem_line_octets = 48;  // 64 characters (RFC 7468 §2)

std::unexpected<Error> refuse(std::string_view what, int code) {
  return fail(ErrorKind::internal, Origin::internal, fmt::format("a certificate cannot be made: {} ({})", what, code));
}

class Random {
 public:
  Random() { status_ = wc_InitRng(&rng_); }
  Random(const Random&) = delete;
  Random& operator=(const Random&) = delete;
  ~Random() {
    if (status_ == 0) wc_FreeRng(&rng_);
  }
  [[nodiscard]] int status() const { return status_; }
  [[nodiscard]] WC_RNG* get() { return &rng_; }

 private:
  WC_RNG rng_{};
  int status_;
};

class EccKey {
 public:
  EccKey() { wc_ecc_init(key_.get()); }
  EccKey(const EccKey&) = delete;
  EccKey& operator=(const EccKey&) = delete;
  ~EccKey() { wc_ecc_free(key_.get()); }
  [[nodiscard]] ecc_key* get() { return key_.get(); }

 private:
  std::unique_ptr<ecc_key> key_ = std::make_unique<ecc_key>();
};

/// GeneralNames (RFC 5280 §4.2.1.6).
SecretBytes alternative_names(const SelfSignedOptions& options) {
  SecretBytes names;
  for (const std::string& name : options.dns_names) {
    der::write(names, der::context(2), as_bytes(name));
  }
  for (const Endpoint& endpoint : options.addresses) {
    const std::size_t size = endpoint.family == Endpoint::Family::ipv4 ? 4 : 16;
    der::write(names, der::context(7), std::as_bytes(std::span(endpoint.address).first(size)));
  }
  SecretBytes sequence;
  der::write(sequence, der::sequence, names);
  return sequence;
}

/// Time (RFC 5280 §4.1.2.5): UTCTime before 2050, then GeneralizedTime.
int write_time(WallTime time, std::span<byte, CTC_DATE_SIZE> out) {
  const std::string full = fmt::format("{:%Y%m%d%H%M%SZ}", fmt::gmtime(std::chrono::system_clock::to_time_t(time)));
  SecretBytes encoded;
  if (full < "2050") {
    der::write(encoded, der::utc_time, as_bytes(std::string_view(full).substr(2)));
  } else {
    der::write(encoded, der::generalized_time, as_bytes(full));
  }
  std::memcpy(out.data(), encoded.data(), encoded.size());
  return static_cast<int>(encoded.size());
}

/// Base64 in lines, straight into the text: no copy of a key is left behind.
std::string pem(std::string_view label, ByteView der) {
  std::string text;
  text.reserve(der.size() * 2 + 2 * label.size() + 64);
  text.append("-----BEGIN ").append(label).append("-----\n");
  for (; !der.empty(); der = der.subspan(std::min(pem_line_octets, der.size()))) {
    const ByteView line = der.first(std::min(pem_line_octets, der.size()));
    std::array<byte, 80> encoded{};
    word32 size = encoded.size();
    if (Base64_Encode_NoNl(raw(line), static_cast<word32>(line.size()), encoded.data(), &size) != 0) {
      return {};
    }
    text.append(reinterpret_cast<const char*>(encoded.data()), size).append("\n");
    explicit_bzero(encoded.data(), encoded.size());
  }
  return text.append("-----END ").append(label).append("-----\n");
}

/// What the certificate says. The structure is some 10 KiB, therefore on the heap.
Result<std::unique_ptr<Cert>> describe(const SelfSignedOptions& options, Random& random, EccKey& key) {
  auto cert = std::make_unique<Cert>();
  if (const int code = wc_InitCert(cert.get()); code != 0) {
    return refuse("setting up", code);
  }
  if (options.common_name.empty() || options.common_name.size() >= CTC_NAME_SIZE) {
    return refuse("its common name is empty or too long", 0);
  }
  std::memcpy(cert->subject.commonName, options.common_name.c_str(), options.common_name.size() + 1);
  cert->subject.commonNameEnc = CTC_UTF8;
  constexpr int serial_octets = 16;
  if (const int code = wc_RNG_GenerateBlock(random.get(), cert->serial, serial_octets); code != 0) {
    return refuse("no randomness", code);
  }
  cert->serial[0] = static_cast<byte>((cert->serial[0] & 0x7fU) | 0x40U);  // positive, and never shorter
  cert->serialSz = serial_octets;
  cert->sigType = CTC_SHA256wECDSA;
  cert->isCA = 0;
  cert->basicConstSet = 1;
  cert->selfSigned = 1;
  const SecretBytes names = alternative_names(options);
  if (names.size() > sizeof(cert->altNames)) {
    return refuse("it has too many names", 0);
  }
  std::memcpy(cert->altNames, names.data(), names.size());
  cert->altNamesSz = static_cast<int>(names.size());
  cert->beforeDateSz = write_time(options.not_before, cert->beforeDate);
  cert->afterDateSz = write_time(options.not_after, cert->afterDate);
  if (const int code = wc_SetKeyUsage(cert.get(), "digitalSignature"); code != 0) {
    return refuse("its key usage", code);
  }
  if (const int code = wc_SetExtKeyUsage(cert.get(), "serverAuth"); code != 0) {
    return refuse("its extended key usage", code);
  }
  if (const int code = wc_SetSubjectKeyIdFromPublicKey_ex(cert.get(), ECC_TYPE, key.get()); code != 0) {
    return refuse("its subject key identifier", code);
  }
  return cert;
}

}  // namespace

SelfSigned::~SelfSigned() {
  explicit_bzero(key.data(), key.capacity());
}

Result<SelfSigned> make_self_signed(const SelfSignedOptions& options) {
  Random random;
  EccKey key;
  if (random.status() != 0) {
    return refuse("no randomness", random.status());
  }
  if (const int code = wc_ecc_make_key_ex(random.get(), 32, key.get(), ECC_SECP256R1); code != 0) {
    return refuse("its key", code);
  }
  Result<std::unique_ptr<Cert>> cert = describe(options, random, key);
  if (!cert) {
    return std::unexpected(std::move(cert.error()));
  }
  std::array<byte, certificate_der_bytes_max> der{};
  const int body = wc_MakeCert_ex(cert->get(), der.data(), der.size(), ECC_TYPE, key.get(), random.get());
  if (body < 0) {
    return refuse("its content", body);
  }
  const int size = wc_SignCert_ex(body, CTC_SHA256wECDSA, der.data(), der.size(), ECC_TYPE, key.get(), random.get());
  if (size < 0) {
    return refuse("its signature", size);
  }
  SecretBytes pkcs8(key_der_bytes_max);
  word32 pkcs8_size = key_der_bytes_max;
  if (const int code = wc_EccKeyToPKCS8(key.get(), raw_out(pkcs8), &pkcs8_size); code < 0) {
    return refuse("the form of its key", code);
  }
  SelfSigned made;
  made.certificate = pem("CERTIFICATE", std::as_bytes(std::span(der)).first(static_cast<std::size_t>(size)));
  made.key = pem("PRIVATE KEY", ByteView(pkcs8).first(pkcs8_size));
  if (made.certificate.empty() || made.key.empty()) {
    return refuse("its text", 0);
  }
  return made;
}

}  // namespace signet::wire
