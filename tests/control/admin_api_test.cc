// SPDX-License-Identifier: GPL-3.0-or-later
#include "signet/control/admin_api.h"

#include <set>

#include "control/admin_fixture.h"

using namespace signet;
using namespace signet::control;
using namespace signet::control::test;

namespace {

constexpr std::string_view service =
    "/subscriptions/11111111-2222-3333-4444-555555555555/resourceGroups/My%20Group/providers/Microsoft.ApiManagement/service/gw";

json backend(int number) {
  return {{"url", "http://127.0.0.1:8080/" + std::to_string(number)}, {"protocol", "http"}, {"title", "T" + std::to_string(number)}};
}

/// What an answer's next page is asked for with.
std::string target_of(const std::string& link) {
  const std::string origin = "https://gateway.example:9443";
  REQUIRE(link.starts_with(origin));
  return link.substr(origin.size());
}

}  // namespace

TEST_CASE("the full form of a path is echoed in ids, in any case, and needs an api-version", "[control]") {
  Gateway gateway;
  gateway.make("/backends/orders", backend(1));
  const std::string path = std::string(service) + "/backends/orders";
  const Reply full = gateway.get(path + "?api-version=2024-05-01");
  CHECK(full.status == 200);
  CHECK(full.body["id"] == path);
  const Reply other_case = gateway.get(
      "/SUBSCRIPTIONS/x/resourcegroups/y/PROVIDERS/microsoft.apimanagement/Service/z/BACKENDS/orders"
      "?API-Version=2024-05-01");
  CHECK(other_case.status == 200);
  CHECK(other_case.body["id"] == "/subscriptions/x/resourceGroups/y/providers/Microsoft.ApiManagement/service/z/backends/orders");
  CHECK(gateway.get(path).code() == "MissingApiVersionParameter");
  CHECK(gateway.get(path + "?api-version=1999-01-01").code() == "InvalidApiVersionParameter");
  CHECK(gateway.get("/backends/orders?api-version=1999-01-01").status == 400);
  CHECK(gateway.get("/backends/orders?api-version=2024-05-01").status == 200);
  CHECK(gateway.get("/backends/ORDERS").status == 404);
}

TEST_CASE("odd paths are refused with a mistake of the caller, whatever the method", "[control]") {
  Gateway gateway;
  const std::vector<std::string> pieces{"",     "/", "//",     "?",        "%2F",        "%",      "%zz",          "%00",  "%ff",
                                        "..",   "a", "#",      "policies", "policy",     "apis",   "backends",     "&&=&", "certificates",
                                        "$top", "=", "%25%32", ";rev=1",   "operations", "status", "subscriptions"};
  for (const std::string& first : pieces) {
    for (const std::string& second : pieces) {
      for (const std::string& third : pieces) {
        for (const char* const method : {"GET", "PUT", "DELETE", "POST", "BREW"}) {
          const std::string target = "/" + first + "/" + second + third;
          const Reply reply = gateway.call(method, target, R"({"properties":{}})");
          INFO(method << ' ' << target << ": " << reply.text);
          REQUIRE((reply.status == 200 || reply.status == 204 || (reply.status >= 400 && reply.status < 500)));
        }
      }
    }
  }
  CHECK(gateway.get("/backends/" + std::string(20'000, 'a')).status == 414);
  CHECK(gateway.get("backends").status == 400);
  CHECK(gateway.get("").status == 400);
}

TEST_CASE("ids are checked by the limits of the specification", "[control]") {
  Gateway gateway;
  CHECK(gateway.put("/backends/" + std::string(80, 'b'), backend(1)).status == 201);
  const Reply refused = gateway.put("/backends/" + std::string(81, 'b'), backend(1));
  CHECK(refused.status == 400);
  CHECK(refused.target() == "backendId");
  for (const char* const id : {"a*b", "a%23b", "a&b", "a%2Bb", "a:b", "a%3Cb", "a%3Eb", "a%3Fb"}) {
    INFO(id);
    CHECK(gateway.put(std::string("/certificates/") + id, json::object()).target() == "certificateId");
  }
}

TEST_CASE("a known path says which methods it has", "[control]") {
  Gateway gateway;
  const Reply list = gateway.call("PUT", "/certificates");
  CHECK(list.status == 405);
  CHECK(list.allow == "GET");
  CHECK(gateway.call("PATCH", "/certificates/a").allow == "GET, HEAD, PUT, DELETE");
  CHECK(gateway.call("POST", "/backends/a").allow == "GET, HEAD, PUT, PATCH, DELETE");
  CHECK(gateway.get("/backends/a/reconnect").allow == "POST");
  CHECK(gateway.get("/nothing").status == 404);
}

TEST_CASE("a token that may only read changes nothing", "[control]") {
  Gateway gateway;
  const std::string body = json{{"properties", backend(1)}}.dump();
  for (const char* const method : {"PUT", "PATCH", "DELETE"}) {
    CHECK(gateway.call(method, "/backends/a", body, "*", Role::read).status == 403);
  }
  CHECK(gateway.call("POST", "/backends/a/reconnect", {}, {}, Role::read).status == 403);
  CHECK(gateway.call("GET", "/backends", {}, {}, Role::read).status == 200);
  CHECK(gateway.call("HEAD", "/backends/a", {}, {}, Role::read).status == 404);
  CHECK(gateway.call("GET", "/status", {}, {}, Role::read).body["version"] == "test");
  CHECK(gateway.call("GET", "/refusals", {}, {}, Role::read).body == json::array());
}

TEST_CASE("a list comes in pages, and nextLink leads through all of it once", "[control]") {
  Gateway gateway;
  for (int number = 0; number < 7; ++number) {
    gateway.make("/backends/b" + std::to_string(number), backend(number));
  }
  std::string target = std::string(service) + "/backends?api-version=2024-05-01&%24top=3";
  std::vector<std::string> names;
  std::size_t pages = 0;
  while (!target.empty()) {
    const Reply page = gateway.get(target);
    REQUIRE(page.status == 200);
    CHECK(page.body["count"] == 7);
    for (const json& item : page.body["value"]) {
      names.push_back(item["name"]);
    }
    target = page.body.contains("nextLink") ? target_of(page.body["nextLink"]) : std::string();
    ++pages;
  }
  CHECK(pages == 3);
  CHECK(names == std::vector<std::string>{"b0", "b1", "b2", "b3", "b4", "b5", "b6"});
  CHECK_FALSE(gateway.get("/backends?$top=7").body.contains("nextLink"));
  CHECK(gateway.get("/backends?$skip=100").body["value"].empty());
  for (const char* const query : {"$top=0", "$top=-1", "$top=x", "$top=", "$skip=-1", "$skip=1.5", "$top=99999999999999999999"}) {
    INFO(query);
    const Reply refused = gateway.get(std::string("/backends?") + query);
    CHECK(refused.status == 400);
    CHECK(refused.target() == std::string(query).substr(0, std::string(query).find('=')));
  }
}

TEST_CASE("a list is narrowed by $filter before it is cut into pages", "[control]") {
  Gateway gateway;
  for (int number = 0; number < 5; ++number) {
    gateway.make("/backends/b" + std::to_string(number), backend(number));
  }
  const Reply page = gateway.get("/backends?$filter=name%20ge%20'b1'%20and%20title+ne+'T3'&$top=2");
  INFO(page.text);
  CHECK(page.body["count"] == 3);
  REQUIRE(page.body["value"].size() == 2);
  CHECK(page.body["value"][1]["name"] == "b2");
  const Reply next = gateway.get(target_of(page.body["nextLink"]));
  REQUIRE(next.body["value"].size() == 1);
  CHECK(next.body["value"][0]["name"] == "b4");
  CHECK_FALSE(next.body.contains("nextLink"));
  const Reply wrong = gateway.get("/backends?$filter=colour%20eq%20'red'");
  CHECK(wrong.status == 400);
  CHECK(wrong.target() == "$filter");

  gateway.make("/certificates/client", pfx("openssl/key-p256.pfx"));
  gateway.make("/certificates/old", pfx("openssl/expired.pfx"));
  const std::string now = wire::wall_time_text(std::chrono::floor<std::chrono::seconds>(std::chrono::system_clock::now()));
  const Reply expiring = gateway.get("/certificates?$filter=expirationDate%20lt%20datetime'" + now + "'");
  INFO(expiring.text);
  REQUIRE(expiring.body["count"] == 1);
  CHECK(expiring.body["value"][0]["name"] == "old");
  CHECK(gateway.get("/certificates?isKeyVaultRefreshFailed=true").body["count"] == 0);
  CHECK(gateway.get("/certificates?isKeyVaultRefreshFailed=false").body["count"] == 2);
  CHECK(gateway.get("/certificates?isKeyVaultRefreshFailed=maybe").status == 400);
}

TEST_CASE("without a store nothing is changed, and that is no reason to try again", "[control]") {
  TemporaryFolder folder;
  folder.write("signet.json", Gateway::plain_file);
  Reconciler reconciler((folder / "signet.json").string());
  REQUIRE(reconciler.load().snapshot != nullptr);
  AdminApi api(reconciler, {});
  AdminRequest request;
  request.method = "PUT";
  request.target = "/backends/b";
  request.body = json{{"properties", backend(1)}}.dump();
  request.role = Role::write;
  const AdminResponse refused = api.handle(request);
  CHECK(refused.status == 409);
  CHECK(refused.body.find("stateDirectory") != std::string::npos);
  request.method = "GET";
  request.target = "/backends";
  CHECK(api.handle(request).status == 200);
}

TEST_CASE("a write among a thousand objects looks at each of them a few times, not at each pair", "[control]") {
  Gateway gateway;
  const std::string chain_and_key = gateway.put("/certificates/c", pfx("openssl/key-p256.pfx")).etag;
  REQUIRE_FALSE(chain_and_key.empty());
  const auto certificate = *gateway.store.get("certificates/c");
  Batch batch;
  for (int number = 0; number < 1000; ++number) {
    const std::string id = std::to_string(number);
    batch.puts.push_back({.key = "certificates/c" + id, .value = certificate->value, .secret = certificate->secret});
    batch.puts.push_back({.key = "apis/a" + id,
                          .value = json{{"displayName", id}, {"path", "a" + id}, {"serviceUrl", "http://127.0.0.1:8080"}}.dump(),
                          .secret = {}});
  }
  REQUIRE(gateway.store.commit(batch).has_value());
  gateway.start();
  CHECK(gateway.get("/certificates").body["count"] == 1001);
  CHECK(gateway.put("/backends/b", backend(1)).status == 201);
  CHECK(gateway.patch("/apis/a7", {{"displayName", "seven"}}).status == 200);
  CHECK(gateway.remove("/certificates/c").status == 200);
}
