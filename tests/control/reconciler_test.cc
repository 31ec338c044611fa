// SPDX-License-Identifier: GPL-3.0-or-later
#include "signet/control/reconciler.h"

#include <catch2/catch_test_macros.hpp>

#include "control/admin_fixture.h"

using namespace signet::control;
using namespace signet::control::test;

TEST_CASE("a file that changes just before a write over REST is still met by the next load", "[control]") {
  Gateway gateway;
  gateway.folder.write("api.xml", "<policies/>");
  gateway.folder.write("signet.json", R"({ "listeners": [{ "address": "127.0.0.1:0" }],
    "apis": [{ "id": "file", "path": "file", "serviceUrl": "http://127.0.0.1:1/", "policyFile": "api.xml" }] })");
  gateway.start();
  REQUIRE_FALSE(gateway.reconciler->files_changed());

  gateway.folder.write("api.xml", "<policies><inbound><base/></inbound></policies>");
  SECTION("that is refused: nothing of the file is in force yet") {
    REQUIRE(gateway.put("/apis/other", {{"path", "other"}, {"backendId", "nowhere"}}).status == 400);
  }
  SECTION("that the store does not take") {
    gateway.store.fail_commits(StoreError{.kind = StoreError::Kind::unavailable, .detail = "read-only"});
    REQUIRE(gateway.put("/apis/other", {{"path", "other"}, {"serviceUrl", "http://127.0.0.1:2/"}}).status == 503);
  }
  SECTION("that is made: what is to be said of the file is said by the load") {
    REQUIRE(gateway.put("/apis/other", {{"path", "other"}, {"serviceUrl", "http://127.0.0.1:2/"}}).status == 201);
  }
  CHECK(gateway.reconciler->files_changed());
  REQUIRE(gateway.reconciler->load().snapshot != nullptr);
  CHECK_FALSE(gateway.reconciler->files_changed());
}
