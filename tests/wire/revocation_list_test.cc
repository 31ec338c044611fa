// SPDX-License-Identifier: GPL-3.0-or-later
#include "signet/wire/revocation_list.h"

#include <catch2/catch_test_macros.hpp>
#include <string>

#include "support/test_pki.h"

using namespace signet;
using namespace signet::wire;
using signet::test::TestPki;

namespace {

std::string refusal(ByteView file) {
  const auto lists = read_revocation_lists(file);
  REQUIRE_FALSE(lists.has_value());
  CHECK(lists.error().kind == ErrorKind::config);
  return lists.error().detail;
}

}  // namespace

TEST_CASE("revocation lists are read from PEM, one or several, and from DER", "[wire]") {
  const TestPki& pki = TestPki::instance();
  const std::string text = "about\n" + pki.file("root.crl.pem") + pki.file("root.pem") + pki.file("issuing.crl.pem");
  const auto several = read_revocation_lists(as_bytes(text));
  REQUIRE(several.has_value());
  REQUIRE(several->size() == 2);
  CHECK((*several)[0].der == pki.bytes("root.crl"));
  CHECK((*several)[0].issuer == pki.authority("root")->anchors()[0].subject);
  CHECK((*several)[1].der == pki.bytes("issuing.crl"));
  const auto one = read_revocation_lists(pki.bytes("issuing.crl"));
  REQUIRE(one.has_value());
  CHECK(one->at(0).der == pki.bytes("issuing.crl"));
}

TEST_CASE("a revocation list says from when to when it is good", "[wire]") {
  const auto lists = read_revocation_lists(TestPki::instance().bytes("issuing-old.crl"));
  REQUIRE(lists.has_value());
  const RevocationList& list = lists->at(0);
  CHECK(wall_time_text(list.this_update) == "2020-01-01T00:00:00Z");
  REQUIRE(list.next_update.has_value());
  CHECK(wall_time_text(*list.next_update) == "2020-02-01T00:00:00Z");
  CHECK_FALSE(list.outdated(*list.next_update));
  CHECK(list.outdated(*list.next_update + std::chrono::seconds(1)));
}

TEST_CASE("a file that is no revocation list is refused with what it is", "[wire]") {
  const TestPki& pki = TestPki::instance();
  CHECK(refusal({}) == "this is not a certificate revocation list but an empty file");
  CHECK(refusal(as_bytes(pki.file("root.pem"))).starts_with("there is no certificate revocation list in this PEM text"));
  const auto certificate = pki.certificate("client");
  CHECK(refusal(certificate->chain_der()[0]).starts_with("this is not a certificate revocation list but "));
}

TEST_CASE("a damaged revocation list is refused, wherever it breaks off", "[wire]") {
  const ByteVector list = TestPki::instance().bytes("issuing.crl");
  for (std::size_t size = 0; size < list.size(); ++size) {
    CAPTURE(size);
    CHECK_FALSE(read_revocation_lists(ByteView(list).first(size)).has_value());
  }
  ByteVector longer = list;
  longer.push_back(std::byte{0});
  CHECK_FALSE(read_revocation_lists(longer).has_value());
}
