// SPDX-License-Identifier: GPL-3.0-or-later
#include "signet/wire/digest.h"

#include <algorithm>
#include <array>
#include <catch2/catch_test_macros.hpp>
#include <string>
#include <string_view>
#include <utility>

using namespace signet;
using namespace signet::wire;

namespace {

std::string text_of(const std::optional<SecretBytes>& bytes) {
  return bytes ? std::string(as_text(*bytes)) : std::string("(refused)");
}

}  // namespace

TEST_CASE("digest: SHA-256 gives the values of FIPS 180-4", "[wire][digest]") {
  CHECK(hex_upper(sha256({})) == "E3B0C44298FC1C149AFBF4C8996FB92427AE41E4649B934CA495991B7852B855");
  CHECK(hex_upper(sha256(as_bytes("abc"))) == "BA7816BF8F01CFEA414140DE5DAE2223B00361A396177A9CB410FF61F20015AD");
}

TEST_CASE("digest: base64 gives the values of RFC 4648 both ways", "[wire][digest]") {
  for (const auto& [plain, encoded] : {std::pair<std::string_view, std::string_view>{"f", "Zg=="},
                                       {"fo", "Zm8="},
                                       {"foo", "Zm9v"},
                                       {"foob", "Zm9vYg=="},
                                       {"fooba", "Zm9vYmE="},
                                       {"foobar", "Zm9vYmFy"}}) {
    CHECK(base64_encode(as_bytes(plain)) == encoded);
    CHECK(text_of(base64_decode(encoded)) == plain);
  }
  CHECK(base64_encode({}).empty());
  CHECK(text_of(base64_decode(" Zm9v\r\n\tYmFy ")) == "foobar");
  for (const std::string_view bad : {"", "Zg", "Zg=", "Z===", "Zm9v!mFy", "Zm9vYg==Zm9v", "====", "Zg=a", "Zm9v=mFy"}) {
    CHECK(text_of(base64_decode(bad)) == "(refused)");
  }
  const std::string large(100'000, '\xf7');
  CHECK(text_of(base64_decode(base64_encode(as_bytes(large)))) == large);
}

TEST_CASE("digest: hexadecimal is written in upper case and read in either", "[wire][digest]") {
  CHECK(hex_upper(as_bytes("\x01\xfe")) == "01FE");
  CHECK(text_of(hex_decode("01fE")) == "\x01\xfe");
  CHECK(text_of(hex_decode("")).empty());
  for (const std::string_view bad : {"0", "0g", "g0", "0x", "\xb0\xb0", "@0", "`0", "/0", ":0"}) {
    CHECK(text_of(hex_decode(bad)) == "(refused)");
  }
}

TEST_CASE("digest: random bytes fill the whole block and are never the same", "[wire][digest]") {
  std::array<std::byte, 1000> first{};
  std::array<std::byte, 1000> second{};
  fill_random(first);
  fill_random(second);
  CHECK(first != second);
  CHECK(std::ranges::count(first, std::byte{0}) < 100);
  CHECK_FALSE(std::ranges::all_of(std::span(first).last(32), [](std::byte octet) { return octet == std::byte{0}; }));
}

TEST_CASE("digest: the comparison in constant time compares", "[wire][digest]") {
  CHECK(equal_in_constant_time(as_bytes("token"), as_bytes("token")));
  CHECK(equal_in_constant_time({}, {}));
  CHECK_FALSE(equal_in_constant_time(as_bytes("token"), as_bytes("tokem")));
  CHECK_FALSE(equal_in_constant_time(as_bytes("token"), as_bytes("Token")));
  CHECK_FALSE(equal_in_constant_time(as_bytes("token"), as_bytes("toke")));
}
