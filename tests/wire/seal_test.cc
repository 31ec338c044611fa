// SPDX-License-Identifier: GPL-3.0-or-later
#include "signet/wire/seal.h"

#include <algorithm>
#include <catch2/catch_test_macros.hpp>
#include <catch2/matchers/catch_matchers_string.hpp>
#include <string>

#include "signet/wire/digest.h"

using namespace signet;
using namespace signet::wire;
using Catch::Matchers::ContainsSubstring;

namespace {

const std::string plain = "-----BEGIN PRIVATE KEY-----";

std::string opened(const SealKey& key, std::string_view context, ByteView sealed) {
  const Result<SecretBytes> secret = unseal(key, context, sealed);
  return secret ? std::string(as_text(*secret)) : "refused: " + secret.error().detail;
}

}  // namespace

TEST_CASE("seal: what was sealed opens under the same key in the same context, and only there", "[wire][seal]") {
  const SealKey key = SealKey::make();
  const ByteVector sealed = seal(key, "backends/orders", as_bytes(plain));
  CHECK(opened(key, "backends/orders", sealed) == plain);
  CHECK(opened(SealKey(key.bytes()), "backends/orders", sealed) == plain);
  CHECK_THAT(opened(key, "backends/other", sealed), ContainsSubstring("refused"));
  CHECK_THAT(opened(key, "", sealed), ContainsSubstring("refused"));
  CHECK_THAT(opened(SealKey::make(), "backends/orders", sealed), ContainsSubstring("refused"));
  CHECK(opened(key, "", seal(key, "", {})).empty());
}

TEST_CASE("seal: the sealed value shows nothing of the plaintext, and is another each time", "[wire][seal]") {
  const SealKey key = SealKey::make();
  const ByteVector first = seal(key, "a", as_bytes(plain));
  const ByteVector second = seal(key, "a", as_bytes(plain));
  CHECK(first.size() == plain.size() + seal_overhead_bytes);
  CHECK(as_text(first).find("PRIVATE") == std::string_view::npos);
  CHECK_FALSE(std::ranges::equal(std::span(first).subspan(1, 12), std::span(second).subspan(1, 12)));
  CHECK_FALSE(std::ranges::equal(std::span(first).subspan(13), std::span(second).subspan(13)));
}

TEST_CASE("seal: any changed, missing or further octet is noticed, and no refusal shows the secret", "[wire][seal]") {
  const SealKey key = SealKey::make();
  const ByteVector sealed = seal(key, "a", as_bytes(plain));
  for (std::size_t i = 0; i < sealed.size(); ++i) {
    ByteVector changed = sealed;
    changed[i] ^= std::byte{1};
    CHECK_THAT(opened(key, "a", changed), ContainsSubstring("refused"));
    CHECK_THAT(opened(key, "a", std::span(sealed).first(i)), ContainsSubstring("refused"));
  }
  ByteVector longer = sealed;
  longer.push_back(std::byte{0});
  CHECK_THAT(opened(key, "a", longer), ContainsSubstring("refused") && !ContainsSubstring("PRIVATE"));
  ByteVector other_version = sealed;
  other_version[0] = std::byte{2};
  CHECK_THAT(opened(key, "a", other_version), ContainsSubstring("has the seal format 2, expected 1"));
  CHECK_THAT(opened(key, "a", {}), ContainsSubstring("is damaged"));
}

TEST_CASE("seal: the format is AES-256-GCM as others write it", "[wire][seal]") {
  // Made with an independent implementation (Python's cryptography): key 00…1f, nonce 00…0b, additional data 01 "backends/orders".
  SecretBytes key_bytes;
  for (unsigned i = 0; i < 32; ++i) {
    key_bytes.push_back(static_cast<std::byte>(i));
  }
  const auto sealed = hex_decode("01000102030405060708090A0B3467B569A091E48321AB4333194766F41B7B692432D7");
  REQUIRE(sealed);
  CHECK(opened(SealKey(key_bytes), "backends/orders", *sealed) == "secret");
}
