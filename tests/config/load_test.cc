// SPDX-License-Identifier: GPL-3.0-or-later
#include "signet/config/load.h"

#include <catch2/catch_test_macros.hpp>
#include <chrono>
#include <string>
#include <vector>

#include "config/reader.h"

using namespace signet;
using namespace signet::config;
using namespace std::chrono_literals;

namespace {

std::vector<std::string> errors(std::string_view text) {
  std::vector<std::string> texts;
  for (const Problem& problem : parse_config("x.json", text).report.errors) {
    texts.push_back(problem.text());
  }
  return texts;
}

/// A configuration whose only listener is followed by `more`; the first byte of `more` is at 1:51.
std::string with(std::string_view more) {
  return R"({ "listeners": [{ "address": "127.0.0.1:8080" }], )" + std::string(more) + " }";
}

/// The only error of `with(more)`, without the file's name.
std::string error_of(std::string_view more) {
  const std::vector<std::string> all = errors(with(more));
  if (all.size() != 1) {
    return std::to_string(all.size()) + " errors" + (all.empty() ? "" : "; first " + all.front());
  }
  return all.front().substr(std::string("x.json:").size());
}

std::string error_of_backend(std::string_view settings) {
  return error_of(R"("backends": [{ "id": "a", "url": "https://a.example", )" + std::string(settings) + " }]");
}

/// A file that says something else than the default in every setting.
constexpr std::string_view everything = R"({
    "$schema": "signet.schema.json",
    "shards": 3,
    "listeners": [{ "address": "127.0.0.1:8080" }, { "address": "[::1]:0" }],
    "trustedProxies": ["10.0.0.0/8", "::1"],
    "limits": { "requestHeadBytes": 8192, "responseHeadBytes": 16384, "requestBodyBytes": 5000000000, "connectionsMax": 7 },
    "timeouts": { "head": "1500ms", "idle": "2m", "body": "1h" },
    "drainTimeout": "0s",
    "accessLog": "log/access",
    "stateDirectory": "state",
    "forwardedHeaders": "both",
    "errors": { "backendTlsStatus": 502 },
    "certificates": [
      { "id": "pfx", "pfxFile": "a.pfx", "passwordFile": "/secret/a.pass", "friendlyName": "one" },
      { "id": "pem", "pemFile": "../b.pem", "keyFile": "b.key", "passwordEnv": "B_PASS" }],
    "certificateAuthorities": [{ "id": "corp", "pemFile": "corp.pem" }, { "id": "many", "directory": "cas" },
                               { "id": "system", "system": true }],
    "certificateRevocationLists": [{ "id": "revoked", "file": "corp.crl" }],
    "backends": [{
      "id": "orders", "title": "T", "description": "D", "url": "https://Orders.internal:8443/v2", "protocol": "http",
      "credentials": { "certificateIds": ["pfx", "pem"] },
      "tls": { "certificateAuthorities": ["corp"], "certificateRevocationLists": ["revoked"],
               "validateCertificateChain": false, "validateCertificateName": false,
               "serverName": "Orders.example", "minVersion": "1.3", "maxVersion": "1.3", "groups": ["P-384", "P-256"],
               "lateAuthentication": "allow", "requireCertificateRequest": true, "sessionLifetime": "9s" },
      "hostHeader": "caller",
      "connections": { "max": 5, "idleMax": 0, "idleTimeout": "3s" },
      "timeouts": { "connect": "4s", "response": "5s", "total": "6s" },
      "replayBufferBytes": 7 }],
    "apis": [{ "id": "o", "displayName": "Orders", "path": "/shop/orders/", "host": ["API.example", "[::1]"], "backendId": "orders",
               "certificateId": "pem" },
             { "id": "l", "path": "", "serviceUrl": "http://10.0.0.9/", "protocols": ["https"], "policyFile": "l.xml",
               "operations": [{ "id": "get", "displayName": "Get", "method": "GET", "urlTemplate": "/x/{id}", "policyFile": "/p/get.xml",
                                "templateParameters": [{ "name": "id" }] }] }],
    "policyFile": "all.xml"
})";

Config everything_read() {
  Loaded loaded = parse_config("conf/x.json", everything);
  for (const Problem& problem : loaded.report.errors) {
    FAIL_CHECK(problem.text());
  }
  REQUIRE(loaded.config.has_value());
  return std::move(*loaded.config);
}

}  // namespace

TEST_CASE("every setting of the gateway arrives in the configuration", "[config]") {
  const Config config = everything_read();
  CHECK(config.file == "conf/x.json");
  CHECK(config.shards == 3);
  REQUIRE(config.listeners.size() == 2);
  CHECK(config.listeners[0].address.text() == "127.0.0.1:8080");
  CHECK(config.listeners[1].address.text() == "[::1]:0");
  REQUIRE(config.trusted_proxies.size() == 2);
  CHECK(config.trusted_proxies[0].text() == "10.0.0.0/8");
  CHECK(config.limits.request_head_bytes == 8192);
  CHECK(config.limits.response_head_bytes == 16384);
  CHECK(config.limits.request_body_bytes == 5'000'000'000);
  CHECK(config.limits.connections_max == 7);
  CHECK(config.timeouts.head == 1500ms);
  CHECK(config.timeouts.idle == 2min);
  CHECK(config.timeouts.body == 1h);
  CHECK(config.drain_timeout == 0s);
  CHECK(config.access_log == "conf/log/access");
  CHECK(config.state_directory.value == "conf/state");
  CHECK(config.forwarded_headers == ForwardedHeaders::both);
  CHECK(config.backend_tls_status == 502);
}

TEST_CASE("every setting of certificates and authorities arrives in the configuration", "[config]") {
  const Config config = everything_read();
  REQUIRE(config.certificates.size() == 2);
  CHECK(config.certificates[0].id == "pfx");
  CHECK(config.certificates[0].pfx_file.value == "conf/a.pfx");
  CHECK(config.certificates[0].password_file.value == "/secret/a.pass");
  CHECK(config.certificates[0].friendly_name == "one");
  CHECK(config.certificates[1].pem_file.value == "conf/../b.pem");
  CHECK(config.certificates[1].key_file.value == "conf/b.key");
  CHECK(config.certificates[1].password_env.value == "B_PASS");
  REQUIRE(config.certificate_authorities.size() == 3);
  CHECK(config.certificate_authorities[0].id == "corp");
  CHECK(config.certificate_authorities[0].pem_file.value == "conf/corp.pem");
  CHECK(config.certificate_authorities[1].directory.value == "conf/cas");
  CHECK(config.certificate_authorities[2].system);
  REQUIRE(config.certificate_revocation_lists.size() == 1);
  CHECK(config.certificate_revocation_lists[0].id == "revoked");
  CHECK(config.certificate_revocation_lists[0].file.value == "conf/corp.crl");
}

TEST_CASE("every setting of a back end arrives in the configuration", "[config]") {
  const Config config = everything_read();
  REQUIRE(config.backends.size() == 1);
  const Backend& backend = config.backends[0];
  CHECK(backend.id == "orders");
  CHECK(backend.title == "T");
  CHECK(backend.description == "D");
  CHECK(backend.url == Url{Scheme::https, "orders.internal", 8443, "/v2", "orders.internal:8443"});
  REQUIRE(backend.credentials.certificate_ids.size() == 2);
  CHECK(backend.credentials.certificate_ids[0].value == "pfx");
  REQUIRE(backend.tls.certificate_authorities.size() == 1);
  CHECK(backend.tls.certificate_authorities[0].value == "corp");
  REQUIRE(backend.tls.certificate_revocation_lists.size() == 1);
  CHECK(backend.tls.certificate_revocation_lists[0].value == "revoked");
  CHECK_FALSE(backend.tls.validate_certificate_chain);
  CHECK_FALSE(backend.tls.validate_certificate_name);
  CHECK(backend.tls.server_name == "orders.example");
  CHECK(backend.tls.min_version == wire::TlsVersion::tls13);
  CHECK(backend.tls.max_version == wire::TlsVersion::tls13);
  CHECK(backend.tls.groups == std::vector{wire::TlsGroup::secp384r1, wire::TlsGroup::secp256r1});
  CHECK(backend.tls.late_authentication == wire::LateAuthentication::allow);
  CHECK(backend.tls.require_certificate_request);
  CHECK(backend.tls.session_lifetime == 9s);
  CHECK(backend.host_header == HostHeader::caller);
  CHECK(backend.connections.max == 5);
  CHECK(backend.connections.idle_max == 0);
  CHECK(backend.connections.idle_timeout == 3s);
  CHECK(backend.timeouts.connect == 4s);
  CHECK(backend.timeouts.response == 5s);
  CHECK(backend.timeouts.total == 6s);
  CHECK(backend.replay_buffer_bytes == 7);
}

TEST_CASE("every setting of an API arrives in the configuration", "[config]") {
  const Config config = everything_read();
  REQUIRE(config.apis.size() == 2);
  CHECK(config.apis[0].id == "o");
  CHECK(config.apis[0].display_name == "Orders");
  CHECK(config.apis[0].path == "shop/orders");
  CHECK(config.apis[0].hosts == std::vector<std::string>{"api.example", "[::1]"});
  CHECK(config.apis[0].backend_id.value == "orders");
  CHECK(config.apis[0].certificate_id.value == "pem");
  CHECK(config.apis[1].path.empty());
  CHECK(config.apis[1].service_url.value == "http://10.0.0.9/");
}

TEST_CASE("checks of a back end's server certificate are on unless the file says otherwise", "[config]") {
  const Loaded loaded = parse_config("x.json", with(R"("backends": [{ "id": "a", "url": "https://a.example" }])"));
  REQUIRE(loaded.config.has_value());
  CHECK(loaded.config->backends.at(0).tls.validate_certificate_chain);
  CHECK(loaded.config->backends.at(0).tls.validate_certificate_name);
  CHECK(loaded.config->limits.request_head_bytes == 64 * 1024);
  CHECK(loaded.config->backend_tls_status == 500);
}

TEST_CASE("an unknown setting is an error at its place, with the nearest name", "[config]") {
  CHECK(error_of(R"("backend": [])") == R"(1:51: /backend: unknown setting "backend"; did you mean "backends"?)");
  CHECK(error_of(R"("timeouts": { "idel": "1s" })") == R"(1:65: /timeouts/idel: unknown setting "idel"; did you mean "idle"?)");
  CHECK(error_of(R"("timeouts": { "read": "1s" })") == R"(1:65: /timeouts/read: unknown setting "read"; did you mean "head"?)");
  CHECK(error_of(R"("errors": { "colour/~": 1 })") == R"(1:63: /errors/colour~1~0: unknown setting "colour/~"; expected backendTlsStatus)");
  CHECK(error_of_backend(R"("tls": { "server_name": "b" })") ==
        R"(1:114: /backends/0/tls/server_name: unknown setting "server_name"; did you mean "serverName"?)");
}

TEST_CASE("a repeated key is an error that names both places", "[config]") {
  CHECK(error_of("\"shards\": 1,\n  \"shards\": 2") == R"(2:3: /shards: "shards" stands here a second time; the first is on line 1)");
}

TEST_CASE("one run shows every error, in the order of the file", "[config]") {
  const std::vector<std::string> all = errors(R"({
    "shards": -1,
    "listeners": [{ "address": "localhost:80" }, 7],
    "apis": [{ "id": "a", "path": "a/../b", "backendId": "x" }],
    "colour": true,
    "drainTimeout": 30
  })");
  REQUIRE(all.size() == 6);
  CHECK(all[0] == "x.json:2:15: /shards: expected a whole number from 0 to 1024, found -1");
  CHECK(all[1].starts_with("x.json:3:32: /listeners/0/address: expected an IP address and a port"));
  CHECK(all[2] == "x.json:3:50: /listeners/1: expected an object, found 7");
  CHECK(all[3].starts_with("x.json:4:35: /apis/0/path: expected a path such as"));
  CHECK(all[4].starts_with("x.json:5:5: /colour: unknown setting \"colour\""));
  CHECK(all[5] == "x.json:6:21: /drainTimeout: expected a string, found 30");
}

TEST_CASE("errors beyond those shown are counted", "[config]") {
  std::string text = R"("trustedProxies": [)";
  for (std::size_t i = 0; i < report_errors_max + 3; ++i) {
    text += i == 0 ? "0" : ", 0";
  }
  const Loaded loaded = parse_config("x.json", with(text + "]"));
  CHECK_FALSE(loaded.config.has_value());
  CHECK(loaded.report.errors.size() == report_errors_max);
  CHECK(loaded.report.errors_left_out == 3);
}

TEST_CASE("a value of the wrong type, range or form is told what was expected", "[config]") {
  CHECK(error_of(R"("shards": 1.5)") == "1:61: /shards: expected a whole number from 0 to 1024, found 1.5");
  CHECK(error_of(R"("shards": null)") == "1:61: /shards: expected a number, found null");
  CHECK(error_of(R"("shards": "1")") == R"(1:61: /shards: expected a number, found "1")");
  CHECK(error_of(R"("timeouts": { "head": "30" })") ==
        R"(1:73: /timeouts/head: expected a time such as "500ms", "30s", "2m" or "1h", found "30")");
  CHECK(error_of(R"("timeouts": { "head": "2h" })") == R"(1:73: /timeouts/head: expected a time from 1ms to 1h, found "2h")");
  CHECK(error_of(R"("forwardedHeaders": "x")") ==
        R"(1:71: /forwardedHeaders: expected one of "none", "x-forwarded", "forwarded", "both", found "x")");
  CHECK(error_of(R"("errors": { "backendTlsStatus": 503 })") == "1:83: /errors/backendTlsStatus: expected 500 or 502, found 503");
  CHECK(error_of(R"("trustedProxies": ["10.0.0.1/8"])").starts_with("1:70: /trustedProxies/0: expected an IP address or a block"));
  CHECK(error_of(R"("limits": [])") == "1:61: /limits: expected an object, found an array");
  CHECK(error_of(R"("limits": { "requestHeadBytes": 4294967296 })").starts_with("1:83: /limits/requestHeadBytes: expected a whole number"));
  CHECK(errors("[]") == std::vector<std::string>{"x.json:1:1: expected an object, found an array"});
}

TEST_CASE("a text that is not JSON is one error at the place where it breaks", "[config]") {
  CHECK(errors("{\n  \"shards\": 1,\n}") == std::vector<std::string>{"x.json:2:14: expected no comma behind the last member, found ','"});
}

TEST_CASE("a gateway without a listener is not configured", "[config]") {
  CHECK(errors("{}") == std::vector<std::string>{"x.json:1:1: \"listeners\" is missing"});
  CHECK(errors(R"({"listeners": []})") == std::vector<std::string>{"x.json:1:15: /listeners: expected at least one listener"});
  CHECK(error_of(R"("shards": 1)") == "0 errors");
  CHECK(errors(R"({"listeners": [{"address": "127.0.0.1:1"}, {"address": "127.0.0.1:1"}]})") ==
        std::vector<std::string>{"x.json:1:56: /listeners/1/address: another listener has this address"});
}

TEST_CASE("a certificate comes from one source, and its secrets by reference", "[config]") {
  const auto refusal = [](const std::string& settings) { return error_of(R"("certificates": [{ "id": "c")" + settings + " }]"); };
  CHECK(refusal("") == "1:68: /certificates/0: expected either pfxFile, or pemFile with keyFile");
  CHECK(refusal(R"(, "pfxFile": "a", "pemFile": "b")")
            .ends_with("/certificates/0/pemFile: expected either pfxFile, or pemFile with keyFile"));
  CHECK(refusal(R"(, "pfxFile": "a", "keyFile": "b")").find("/certificates/0/keyFile: expected keyFile only beside pemFile") !=
        std::string::npos);
  CHECK(refusal(R"(, "pfxFile": "a", "password": "b")").find("/password: expected no secret in this file") != std::string::npos);
  CHECK(refusal(R"(, "pfxFile": "a", "passwordFile": "b", "passwordEnv": "C")").find("not both") != std::string::npos);
  CHECK(refusal(R"(, "pemFile": "a", "friendlyName": "b")").find("friendlyName only beside pfxFile") != std::string::npos);
  CHECK(refusal(R"(, "pfxFile": "")").find("/pfxFile: expected a text of 1 to 4096 characters, found 0") != std::string::npos);
  CHECK(refusal(R"(, "pfxFile": "a\u0000b")").find("expected a text without NUL") != std::string::npos);
  CHECK(refusal(R"(, "pfxFile": "a")") == "0 errors");
}

TEST_CASE("an authority has one source", "[config]") {
  const auto refusal = [](const std::string& settings) { return error_of(R"("certificateAuthorities": [{ "id": "a")" + settings + " }]"); };
  const std::string one = ": /certificateAuthorities/0: expected exactly one of pemFile, directory and \"system\": true";
  CHECK(refusal("").ends_with(one));
  CHECK(refusal(R"(, "pemFile": "a", "directory": "b")").ends_with(one));
  CHECK(refusal(R"(, "directory": "b", "system": true)").ends_with(one));
  CHECK(refusal(R"(, "system": false)").ends_with("/system: expected true, or pemFile or directory in its place"));
  CHECK(refusal(R"(, "directory": "b")") == "0 errors");
  CHECK(refusal(R"(, "system": true)") == "0 errors");
}

TEST_CASE("revocation lists without a check of the chain are warned about", "[config]") {
  const Loaded loaded = parse_config("x.json", with(R"("backends": [{ "id": "a", "url": "https://a.example", "tls": {
      "validateCertificateChain": false, "certificateRevocationLists": ["revoked"] } }])"));
  REQUIRE(loaded.report.warnings.size() == 1);
  CHECK(loaded.report.warnings[0].text().ends_with("/certificateRevocationLists: has no effect: validateCertificateChain is off"));
}

TEST_CASE("an error never shows a password that stands in the file", "[config]") {
  for (const std::string& text : errors(with(R"("certificates": [{ "id": "c", "pfxFile": "a", "password": "hunter2" }])"))) {
    CHECK(text.find("hunter2") == std::string::npos);
  }
}

TEST_CASE("an error is one line, whatever the file holds", "[config]") {
  CHECK(error_of("\"a\\nb\": 1").find('\n') == std::string::npos);
  const Problem problem{.source = {.file = "a\nb", .line = 1, .column = 2, .pointer = "/\x7f"}, .message = "m\r"};
  CHECK(problem.text() == "a\\x0ab:1:2: /\\x7f: m\\x0d");
}

TEST_CASE("two objects of a kind cannot have the same id", "[config]") {
  CHECK(error_of("\"certificateAuthorities\": [{ \"id\": \"a\", \"pemFile\": \"x\" },\n { \"id\": \"a\", \"pemFile\": \"y\" }]") ==
        "2:2: /certificateAuthorities/1: the id \"a\" is taken by the object on line 1");
}

TEST_CASE("TLS settings of a back end that contradict each other are refused", "[config]") {
  CHECK(error_of_backend(R"("tls": { "minVersion": "1.3", "maxVersion": "1.2" })").ends_with("minVersion is above maxVersion"));
  CHECK(error_of_backend(R"("tls": { "minVersion": "1.1" })").ends_with(R"(expected one of "1.2", "1.3", found "1.1")"));
  CHECK(error_of_backend(R"("tls": { "groups": [] })").ends_with("/groups: expected at least one group, and none twice"));
  CHECK(error_of_backend(R"("tls": { "groups": ["P-256", "P-256"] })").ends_with("/groups: expected at least one group, and none twice"));
  CHECK(error_of_backend(R"("tls": { "serverName": "https://a" })").find("/serverName: expected a DNS name") != std::string::npos);
  CHECK(error_of_backend(R"("tls": { "serverCertificateThumbprints": ["12"] })").find("expected a thumbprint of 40") != std::string::npos);
  CHECK(error_of(R"("backends": [{ "id": "a", "url": "http://a.example", "tls": {} }])").find("TLS settings for an http:// back end") !=
        std::string::npos);
}

TEST_CASE("pins switch both checks on, and a switch that says otherwise is warned about", "[config]") {
  const Loaded loaded = parse_config("x.json", with(R"("backends": [{ "id": "a", "url": "https://a.example", "tls": {
      "validateCertificateChain": false, "serverX509Names": [{ "name": "a" }] } }])"));
  REQUIRE(loaded.config.has_value());
  REQUIRE(loaded.report.warnings.size() == 1);
  CHECK(loaded.report.warnings[0].text().starts_with("x.json:2:35: /backends/0/tls/validateCertificateChain: has no effect"));
}

TEST_CASE("an API goes to one place", "[config]") {
  const auto refusal = [](const std::string& settings) { return error_of(R"("apis": [{ "id": "a", "path": "a")" + settings + " }]"); };
  CHECK(refusal("") == "1:60: /apis/0: expected either backendId or serviceUrl");
  CHECK(
      refusal(R"(, "backendId": "b", "serviceUrl": "https://b")").ends_with("/apis/0/serviceUrl: expected either backendId or serviceUrl"));
  CHECK(refusal(R"(, "serviceUrl": "b")").find("/apis/0/serviceUrl: expected a URL that starts with") != std::string::npos);
  CHECK(refusal(R"(, "backendId": "b", "host": [])").find("/apis/0/host: expected at least one host") != std::string::npos);
  CHECK(refusal(R"(, "backendId": "b", "host": ["a:80"])").find("without port and wildcard") != std::string::npos);
}

TEST_CASE("a back end's replay buffer holds 64 KiB unless the file says otherwise, and no more than 16 MiB", "[config]") {
  const auto bytes = [](const std::string& settings) {
    const Loaded loaded = parse_config("x.json", with(R"("backends": [{ "id": "a", "url": "https://a.example")" + settings + " }]"));
    return loaded.config.value().backends.at(0).replay_buffer_bytes;
  };
  CHECK(bytes("") == 65536);
  CHECK(bytes(R"(, "replayBufferBytes": 0)") == 0);
  CHECK(bytes(R"(, "replayBufferBytes": 16777216)") == 16777216);
  CHECK(error_of_backend(R"("replayBufferBytes": 16777217)")
            .ends_with("/replayBufferBytes: expected a whole number from 0 to 16777216, found 16777217"));
}

TEST_CASE("a TLS session may be resumed for an hour unless the file says otherwise, and never longer than a week", "[config]") {
  const auto lifetime = [](const std::string& settings) {
    const Loaded loaded =
        parse_config("x.json", with(R"("backends": [{ "id": "a", "url": "https://a.example", "tls": { )" + settings + " } }]"));
    return loaded.config.value().backends.at(0).tls.session_lifetime;
  };
  CHECK(lifetime("") == 1h);
  CHECK(lifetime(R"("sessionLifetime": "0s")") == 0s);
  CHECK(lifetime(R"("sessionLifetime": "168h")") == 168h);
  CHECK(error_of_backend(R"("tls": { "sessionLifetime": "169h" })").ends_with(R"(expected a time from 0s to 168h, found "169h")"));
  CHECK(error_of_backend(R"("tls": { "sessionLifetime": "1500ms" })").ends_with("/sessionLifetime: expected a time of whole seconds"));
}

TEST_CASE("a setting that this version does not carry out is refused, not passed over", "[config]") {
  CHECK(error_of_backend(R"("proxy": {})").ends_with(R"(/backends/0/proxy: "proxy" is not available in this version)"));
}

TEST_CASE("times are written with a unit and read back the same", "[config]") {
  for (const char* text : {"0s", "1ms", "1500ms", "30s", "2m", "90s", "1h", "36h"}) {
    CAPTURE(text);
    CHECK(duration_text(parse_duration(text)) == text);
  }
  CHECK(parse_duration("60s") == 1min);
  const std::vector<std::pair<const char*, Duration>> iso = {
      {"PT10S", 10s},
      {"PT2M", 2min},
      {"PT1H30M5S", 5405s},
      {"P1D", 24h},
      {"P2W", 336h},
      {"P1DT12H", 36h},
      {"PT0S", 0s},
      {"PT0.5S", 500ms},
      {"PT1.25S", 1250ms},
      {"PT0.001S", 1ms},
      {"PT1000000000S", 1'000'000'000s},
  };
  for (const auto& [text, time] : iso) {
    CAPTURE(text);
    CHECK(parse_time(text) == time);
  }
  for (const char* text : {"P",
                           "PT",
                           "P1",
                           "PT1",
                           "P1Y",
                           "P1M",
                           "PT1S1M",
                           "PT1M1M",
                           "P1H",
                           "PT1D",
                           "P-1D",
                           "PT-1S",
                           "PT+1S",
                           "PT1.S",
                           "PT.5S",
                           "PT1.5M",
                           "PT0.0001S",
                           "pt1s",
                           "PT1s",
                           "P1DT",
                           "PT1S ",
                           "P99999999999999999999D",
                           "PT1000000001S",
                           "P1000000000W"}) {
    CAPTURE(text);
    CHECK_FALSE(parse_time(text).has_value());
  }
  for (const char* text : {"", "s", "5", "-1s", "+1s", "1.5s", "1 s", "1S", "1d", "1sx", "99999999999999999999s", "3000000000h"}) {
    CAPTURE(text);
    CHECK(parse_duration(text) < 0s);
  }
}

TEST_CASE("a file that cannot be read is the only error and is named", "[config]") {
  SystemFiles files;
  const Loaded loaded = load_config("/nonexistent/x.json", files);
  CHECK_FALSE(loaded.config.has_value());
  REQUIRE(loaded.report.errors.size() == 1);
  CHECK(loaded.report.errors[0].text() == "/nonexistent/x.json: cannot be read: No such file or directory");
}

TEST_CASE("policies, operations and protocols arrive in the configuration", "[config]") {
  const Config config = everything_read();
  CHECK(config.policy->file.value == "conf/all.xml");
  REQUIRE(config.apis.size() == 2);
  CHECK(config.apis[0].takes_http);
  CHECK(config.apis[0].takes_https);
  CHECK_FALSE(config.apis[0].policy);
  CHECK_FALSE(config.apis[1].takes_http);
  CHECK(config.apis[1].takes_https);
  CHECK(config.apis[1].policy->file.value == "conf/l.xml");
  REQUIRE(config.apis[1].operations.size() == 1);
  const Operation& operation = config.apis[1].operations[0];
  CHECK(operation.id == "get");
  CHECK(operation.display_name == "Get");
  CHECK(operation.method == "GET");
  CHECK(operation.url_template == "/x/{id}");
  CHECK(operation.policy->file.value == "/p/get.xml");
}

TEST_CASE("operations and protocols that mean nothing are refused", "[config]") {
  const auto error = [](std::string_view settings) {
    return error_of(R"("apis": [{ "id": "a", "path": "a", "serviceUrl": "http://a", )" + std::string(settings) + " }]");
  };
  const auto operation = [&error](std::string_view method, std::string_view url_template) {
    return error(R"("operations": [{ "id": "o", "method": ")" + std::string(method) + R"(", "urlTemplate": ")" + std::string(url_template) +
                 "\" }]");
  };
  CHECK(error(R"("protocols": [])").ends_with(R"(expected "http", "https" or both; leave "protocols" out for both)"));
  CHECK(error(R"("protocols": ["http", "ftp"])").find("/apis/0/protocols/1: ") != std::string::npos);
  CHECK(operation("GET IT", "/").ends_with(R"(/operations/0/method: expected a method such as "GET")"));
  CHECK(operation("GET", "a").find("/operations/0/urlTemplate: expected a template that begins with a slash") != std::string::npos);
  CHECK(error(R"("operations": [{ "id": "o", "method": "GET", "urlTemplate": "/a" }, { "id": "o", "method": "GET", "urlTemplate": "/b" }])")
            .ends_with("the id \"o\" is taken by another operation of this API"));
  CHECK(error(R"("policyFile": "")").find("/apis/0/policyFile: ") != std::string::npos);
}
