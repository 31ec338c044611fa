// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include <catch2/catch_test_macros.hpp>
#include <catch2/matchers/catch_matchers_string.hpp>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <memory>
#include <string>

#include "signet/wire/certificate.h"
#include "pfx_fixtures.h"  // made by tests/fixtures/make-pfx-fixtures

/// The files that tests/fixtures/make-pfx-fixtures has made.
namespace signet::wire::test_files {

inline constexpr const char* password = "signet-test";

/// Contents of "openssl/no-mac.pfx". A program that the machine lacks fails the test by name.
inline std::string read(const std::string& name) {
  namespace fs = std::filesystem;
  const fs::path path = fs::path(SIGNET_PFX_FIXTURES) / name;
  if (std::ifstream missing(path.parent_path() / "MISSING"); missing) {
    const std::string program{std::istreambuf_iterator<char>(missing), {}};
    FAIL("scripts/fetch-dependencies test was not run; not installed: " << program);
  }
  std::ifstream file(path, std::ios::binary);
  INFO(path.string());
  REQUIRE(file.good());
  return {std::istreambuf_iterator<char>(file), {}};
}

inline ByteVector read_bytes(const std::string& name) {
  const std::string text = read(name);
  const ByteView bytes = as_bytes(text);
  return ByteVector(bytes.begin(), bytes.end());
}

inline Result<std::shared_ptr<const Certificate>> open(const std::string& name, const PfxOptions& options = {.password = password}) {
  return Certificate::from_pfx(as_bytes(read(name)), options);
}

/// REQUIREs success and gives the certificate.
inline std::shared_ptr<const Certificate> usable(const Result<std::shared_ptr<const Certificate>>& result) {
  INFO((result ? std::string() : result.error().detail));
  REQUIRE(result.has_value());
  return *result;
}

/// REQUIREs an error of the right kind and gives its sentence.
template <typename T>
std::string refusal(const Result<T>& result) {
  REQUIRE_FALSE(result.has_value());
  CHECK(result.error().kind == ErrorKind::config);
  CHECK(result.error().origin == Origin::internal);
  return result.error().detail;
}

/// Leaf and private key are the ones of pki/NAME, octet by octet, and have the thumbprints that openssl gives.
inline void check_is_pair(const Certificate& certificate, const std::string& name) {
  const std::string folder = "pki/" + name;
  CHECK(certificate.chain_der().front() == read_bytes(folder + ".der"));
  const ByteView key = certificate.private_key_der();
  CHECK(ByteVector(key.begin(), key.end()) == read_bytes(folder + ".pk8"));
  CHECK(certificate.thumbprint_sha1() == read(folder + ".sha1"));
  CHECK(certificate.thumbprint_sha256() == read(folder + ".sha256"));
}

/// The chain's common names, leaf first.
inline std::string chain_names(const Certificate& certificate) {
  std::string out;
  for (const CertificateInfo& info : certificate.chain()) {
    out += (out.empty() ? "" : " < ") + info.subject.substr(0, info.subject.find(','));
  }
  return out;
}

}  // namespace signet::wire::test_files
