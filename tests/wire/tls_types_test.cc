// SPDX-License-Identifier: GPL-3.0-or-later
#include "signet/wire/tls_types.h"

#include <catch2/catch_test_macros.hpp>

using signet::wire::alert_name;
using signet::wire::TlsGroup;
using signet::wire::TlsVersion;

TEST_CASE("versions, groups and alerts have the names of the standards", "[wire]") {
  CHECK(to_string(TlsVersion::tls12) == "TLSv1.2");
  CHECK(to_string(TlsVersion::tls13) == "TLSv1.3");
  CHECK(to_string(TlsGroup::x25519) == "X25519");
  CHECK(to_string(TlsGroup::secp256r1) == "P-256");
  CHECK(to_string(TlsGroup::secp384r1) == "P-384");
  CHECK(to_string(TlsGroup::x25519_mlkem768) == "X25519MLKEM768");
  CHECK(alert_name(42) == "bad_certificate");
  CHECK(alert_name(48) == "unknown_ca");
  CHECK(alert_name(116) == "certificate_required");
  CHECK(alert_name(40) == "handshake_failure");
  CHECK(alert_name(1) == "unknown");
  CHECK(alert_name(255) == "unknown");
}
