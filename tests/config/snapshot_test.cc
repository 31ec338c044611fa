// SPDX-License-Identifier: GPL-3.0-or-later
#include "signet/config/snapshot.h"

#include <algorithm>
#include <catch2/catch_test_macros.hpp>
#include <map>
#include <string>

#include "signet/config/load.h"
#include "support/test_pki.h"

using namespace signet;
using namespace signet::config;
using signet::test::TestPki;

namespace {

/// Files that exist only here; counts how often each is read.
class MemoryFiles final : public Files {
 public:
  std::map<std::string, std::string> files;
  std::map<std::string, std::string> variables;
  std::map<std::string, int> reads;

  Result<std::string> read(const std::string& path, std::size_t bytes_max) override {
    ++reads[path];
    const auto file = files.find(path);
    if (file == files.end()) {
      return fail(ErrorKind::config, Origin::internal, path + ": cannot be read: No such file or directory");
    }
    REQUIRE(file->second.size() <= bytes_max);
    return file->second;
  }

  Result<std::vector<std::string>> list(const std::string& directory, std::size_t count_max) override {
    std::vector<std::string> names;
    for (const auto& [path, content] : files) {
      if (path.starts_with(directory + "/")) {
        names.push_back(path.substr(directory.size() + 1));
      }
    }
    REQUIRE(names.size() <= count_max);
    if (names.empty()) {
      return fail(ErrorKind::config, Origin::internal, directory + ": cannot be read: No such file or directory");
    }
    return names;
  }

  std::optional<std::string> environment(const std::string& name) override {
    const auto variable = variables.find(name);
    return variable == variables.end() ? std::nullopt : std::optional<std::string>(variable->second);
  }
};

constexpr std::string_view certificates = R"(
  "certificates": [{ "id": "client", "pemFile": "client.pem", "keyFile": "client.key" },
                   { "id": "other", "pemFile": "other-client.pem", "keyFile": "other-client.key" }],
  "certificateAuthorities": [{ "id": "corp", "pemFile": "root.pem" }])";

/// Everything that a test needs to see what becomes of a configuration.
struct Setup {
  MemoryFiles files;
  Material material;
  Built built;

  Setup() {
    for (const char* name : {"client", "other-client", "client-expired"}) {
      for (const char* extension : {".pem", ".key"}) {
        files.files[std::string(name) + extension] = TestPki::instance().file(std::string(name) + extension);
      }
    }
    files.files["root.pem"] = TestPki::instance().file("root.pem");
  }

  /// `now` lies inside the validity of what is not meant to be expired.
  static WallTime now() { return TestPki::instance().certificate("client")->not_before() + std::chrono::hours(24); }

  const Snapshot& build(std::string_view settings, std::string_view listener = "127.0.0.1:8080") {
    const std::string text = "{ \"listeners\": [{ \"address\": \"" + std::string(listener) + "\" }],\n" + std::string(settings) + "}";
    Loaded loaded = parse_config("x.json", text);
    for (const Problem& problem : loaded.report.errors) {
      FAIL(problem.text());
    }
    built = build_snapshot(*loaded.config, files, {.generation = 7, .now = now(), .material = &material});
    static const Snapshot none({});
    return built.snapshot ? *built.snapshot : none;
  }

  const Snapshot& build_well(std::string_view settings) {
    const Snapshot& snapshot = build(settings);
    for (const Problem& problem : built.report.errors) {
      FAIL(problem.text());
    }
    return snapshot;
  }

  /// The only warning. Nothing is refused for it.
  std::string warning() {
    CHECK(built.snapshot != nullptr);
    REQUIRE(built.report.warnings.size() == 1);
    return built.report.warnings.front().text();
  }

  /// The only error.
  std::string error() {
    CHECK(built.snapshot == nullptr);
    if (built.report.errors.size() != 1) {
      return std::to_string(built.report.errors.size()) + " errors";
    }
    return built.report.errors.front().text();
  }
};

std::string with_backend(std::string_view backend_settings) {
  return std::string(certificates) + R"(, "backends": [{ "id": "orders", )" + std::string(backend_settings) + " }]";
}

const Upstream& first_upstream(const Snapshot& snapshot) {
  REQUIRE_FALSE(snapshot.upstreams().empty());
  return *snapshot.upstreams().front();
}

}  // namespace

TEST_CASE("each API's calls go to its back end under the certificate that was chosen for it", "[config]") {
  Setup setup;
  const Snapshot& snapshot = setup.build_well(std::string(certificates) + R"(,
    "backends": [{ "id": "a", "url": "https://a.example:8443/v2", "credentials": { "certificateIds": ["client", "other"] },
                   "tls": { "certificateAuthorities": ["corp"] } },
                 { "id": "b", "url": "https://b.example", "credentials": { "certificateIds": ["other"] },
                   "tls": { "certificateAuthorities": ["corp"], "serverName": "c.example" } },
                 { "id": "plain", "url": "http://10.0.0.9:81" }],
    "apis": [{ "id": "api-a", "path": "a", "backendId": "a" }, { "id": "api-b", "path": "", "host": ["b"], "backendId": "b" },
             { "id": "api-plain", "path": "plain", "backendId": "plain" }])");
  CHECK(snapshot.generation() == 7);
  const Route* a = snapshot.route("any", "/a/1");
  REQUIRE(a != nullptr);
  CHECK(a->api_id == "api-a");
  CHECK(a->plan->destinations.front().upstream->id == "a");
  CHECK(a->plan->destinations.front().upstream->host == "a.example");
  CHECK(a->plan->destinations.front().upstream->port == 8443);
  CHECK(a->plan->destinations.front().upstream->authority == "a.example:8443");
  CHECK(a->plan->destinations.front().upstream->certificate_id == "client");
  REQUIRE(a->plan->destinations.front().upstream->identity != nullptr);
  const wire::IdentitySettings& settings = a->plan->destinations.front().upstream->identity->settings();
  CHECK(settings.certificate->thumbprint_sha256() == TestPki::instance().certificate("client")->thumbprint_sha256());
  CHECK(settings.certificate == a->plan->destinations.front().upstream->certificate);
  CHECK(settings.server_name == "a.example");
  CHECK(settings.validate_chain == wire::Check::on);
  CHECK(settings.validate_name == wire::Check::on);
  REQUIRE(settings.authorities.size() == 1);
  const Route* b = snapshot.route("B:80", "/");
  REQUIRE(b != nullptr);
  CHECK(b->plan->destinations.front().upstream->certificate_id == "other");
  CHECK(b->plan->destinations.front().upstream->identity->settings().certificate->thumbprint_sha256() ==
        TestPki::instance().certificate("other-client")->thumbprint_sha256());
  CHECK(b->plan->destinations.front().upstream->identity->settings().server_name == "c.example");
  const Route* plain = snapshot.route("", "/plain");
  REQUIRE(plain != nullptr);
  CHECK(plain->plan->destinations.front().upstream->identity == nullptr);
  CHECK(plain->plan->destinations.front().upstream->certificate == nullptr);
  CHECK(snapshot.identity_keys().size() == 3);
  CHECK(std::ranges::count(snapshot.identity_keys(), wire::IdentityKey{}) == 1);
}

TEST_CASE("every TLS setting of a back end reaches its identity", "[config]") {
  Setup setup;
  const Snapshot& snapshot = setup.build_well(with_backend(R"("url": "https://a.example", "tls": {
      "certificateAuthorities": ["corp"], "validateCertificateChain": false, "validateCertificateName": false, "minVersion": "1.3",
      "maxVersion": "1.3", "groups": ["P-256"], "lateAuthentication": "allow", "requireCertificateRequest": true,
      "sessionLifetime": "2m" })"));
  const wire::IdentitySettings& settings = first_upstream(snapshot).identity->settings();
  CHECK(settings.validate_chain == wire::Check::off);
  CHECK(settings.validate_name == wire::Check::off);
  CHECK(settings.min_version == wire::TlsVersion::tls13);
  CHECK(settings.max_version == wire::TlsVersion::tls13);
  CHECK(settings.groups == std::vector{wire::TlsGroup::secp256r1});
  CHECK(settings.late_authentication == wire::LateAuthentication::allow);
  CHECK(settings.require_certificate_request == wire::Check::on);
  CHECK(settings.session_lifetime == std::chrono::minutes(2));
}

TEST_CASE("pins switch both checks on", "[config]") {
  Setup setup;
  const std::string thumbprint(64, 'A');
  const Snapshot& snapshot = setup.build_well(with_backend(R"("url": "https://a.example", "tls": { "validateCertificateChain": false,
      "validateCertificateName": false, "serverCertificateThumbprints": [")" +
                                                           thumbprint + R"("], "serverX509Names": [{ "name": "n" }] })"));
  const wire::IdentitySettings& settings = first_upstream(snapshot).identity->settings();
  CHECK(settings.validate_chain == wire::Check::on);
  CHECK(settings.validate_name == wire::Check::on);
  CHECK(settings.server_certificate_thumbprints.size() == 1);
  REQUIRE(settings.server_x509_names.size() == 1);
  CHECK(settings.server_x509_names[0].common_name == "n");
}

TEST_CASE("a certificate may be named by its thumbprint", "[config]") {
  Setup setup;
  const std::string thumbprint = TestPki::instance().certificate("other-client")->thumbprint_sha1();
  const Snapshot& snapshot = setup.build_well(
      with_backend(R"("url": "https://a.example", "tls": { "certificateAuthorities": ["corp"] }, "credentials": { "certificate": [")" +
                   thumbprint + "\"] }"));
  CHECK(first_upstream(snapshot).certificate_id == "other");
  setup.build(with_backend(R"("url": "https://a.example", "tls": { "certificateAuthorities": ["corp"] }, "credentials": {
      "certificate": ["0123456789ABCDEF0123456789ABCDEF01234567"] })"));
  CHECK(setup.error() ==
        "x.json:6:23: /backends/0/credentials/certificate/0: no certificate has the thumbprint "
        "0123456789ABCDEF0123456789ABCDEF01234567");
}

TEST_CASE("a reference without an object is an error at its place, with the nearest id", "[config]") {
  Setup setup;
  setup.build(with_backend(R"("url": "https://a.example", "tls": { "certificateAuthorities": ["corp"] },
    "credentials": { "certificateIds": ["client", "othr"] })"));
  CHECK(setup.error() ==
        "x.json:6:51: /backends/0/credentials/certificateIds/1: no certificate has the id \"othr\"; did you mean \"other\"?");
  setup.build(with_backend(R"("url": "https://a.example", "tls": { "certificateAuthorities": ["crop"] })"));
  CHECK(setup.error().ends_with("/certificateAuthorities/0: no certificate authority has the id \"crop\"; did you mean \"corp\"?"));
  setup.build(R"("apis": [{ "id": "a", "path": "a", "backendId": "zzz" }])");
  CHECK(setup.error() == "x.json:2:49: /apis/0/backendId: no backend has the id \"zzz\"");
}

TEST_CASE("a client certificate for an http back end is an error: it would never be shown", "[config]") {
  Setup setup;
  setup.build(with_backend(R"("url": "http://a.example", "credentials": { "certificateIds": ["client"] })"));
  CHECK(setup.error().find("/backends/0/credentials/certificateIds/0: a client certificate for an http:// back end") != std::string::npos);
}

TEST_CASE("a certificate that cannot be used is an error that names it, and nothing comes into force", "[config]") {
  Setup setup;
  setup.files.files["client.key"] = TestPki::instance().file("other-client.key");
  setup.build(certificates);
  CHECK(setup.error().starts_with("x.json:3:49: /certificates/0/pemFile: certificate \"client\": client.pem: "));
  setup.files.files.erase("client.key");
  setup.build(certificates);
  CHECK(setup.error() ==
        "x.json:3:74: /certificates/0/keyFile: certificate \"client\": client.key: cannot be read: No such file or directory");
}

TEST_CASE("an authority that cannot be read is an error that names it", "[config]") {
  Setup setup;
  setup.files.files["root.pem"] = "no certificate";
  setup.build(certificates);
  CHECK(setup.error().find("/certificateAuthorities/0/pemFile: certificate authority \"corp\": root.pem: ") != std::string::npos);
}

TEST_CASE("an expired certificate is a warning that names it", "[config]") {
  Setup setup;
  setup.build_well(R"("certificates": [{ "id": "old", "pemFile": "client-expired.pem", "keyFile": "client-expired.key" }])");
  REQUIRE_FALSE(setup.built.report.warnings.empty());
  const std::string warning = setup.built.report.warnings.front().text();
  CHECK(warning.starts_with("x.json:2:44: /certificates/0/pemFile: certificate \"old\": "));
  CHECK(warning.find("expired") != std::string::npos);
}

TEST_CASE("a back end without authorities is checked against the system's, and refused if there are none", "[config]") {
  Setup setup;
  setup.build(R"("backends": [{ "id": "a", "url": "https://a.example" }])");
  CHECK(setup.error().starts_with("x.json:2:14: /backends/0: no authority to check the back end's certificate against"));
  setup.files.files["/etc/ssl/certs/ca-certificates.crt"] = TestPki::instance().file("other-root.pem");
  CHECK(first_upstream(setup.build_well(R"("backends": [{ "id": "a", "url": "https://a.example" }])"))
            .identity->settings()
            .authorities.size() == 1);
  setup.files.variables["SSL_CERT_FILE"] = "/nowhere";
  setup.build(R"("backends": [{ "id": "a", "url": "https://a.example" }])");
  CHECK(setup.error().find("no authority") != std::string::npos);
}

TEST_CASE("a back end with authorities of its own does not trust the system's", "[config]") {
  Setup setup;
  setup.files.files["/etc/ssl/certs/ca-certificates.crt"] = TestPki::instance().file("other-root.pem");
  const Snapshot& snapshot = setup.build_well(with_backend(R"("url": "https://a.example", "tls": { "certificateAuthorities": ["corp"] })"));
  const auto& authorities = first_upstream(snapshot).identity->settings().authorities;
  REQUIRE(authorities.size() == 1);
  CHECK(authorities[0]->anchors()[0].thumbprint_sha256 == TestPki::instance().authority("root")->anchors()[0].thumbprint_sha256);
}

TEST_CASE("an authority may be a folder: every file in it that holds PEM certificates", "[config]") {
  Setup setup;
  const std::string settings = R"("certificateAuthorities": [{ "id": "many", "directory": "cas" }],
      "backends": [{ "id": "a", "url": "https://a.example", "tls": { "certificateAuthorities": ["many"] } }])";
  const TestPki& pki = TestPki::instance();
  setup.build(settings);
  CHECK(setup.error() ==
        "x.json:2:57: /certificateAuthorities/0/directory: certificate authority \"many\": cas: cannot be read: No such file or directory");
  setup.files.files["cas/README"] = "about these files";
  setup.build(settings);
  CHECK(setup.error().ends_with("certificate authority \"many\": cas: no file in this folder holds PEM certificates"));
  setup.files.files["cas/a.pem"] = pki.file("root.pem");
  setup.files.files["cas/again.pem"] = pki.file("root.pem");
  setup.files.files["cas/b.pem"] = pki.file("other-root.pem");
  const auto& authorities = first_upstream(setup.build_well(settings)).identity->settings().authorities;
  REQUIRE(authorities.size() == 1);
  REQUIRE(authorities[0]->anchors().size() == 2);
  CHECK(authorities[0]->anchors()[0].thumbprint_sha256 == pki.authority("root")->anchors()[0].thumbprint_sha256);
  CHECK(authorities[0]->anchors()[1].thumbprint_sha256 == pki.authority("other-root")->anchors()[0].thumbprint_sha256);
  setup.files.files["cas/c.pem"] = "-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n";
  setup.build(settings);
  CHECK(setup.warning().find("certificate authority \"many\": cas/c.pem: ") != std::string::npos);
  CHECK(setup.warning().ends_with("; the authority read before stays in force"));
}

TEST_CASE("the system's authorities can be named, beside others", "[config]") {
  Setup setup;
  const std::string settings = R"("certificateAuthorities": [{ "id": "corp", "pemFile": "root.pem" }, { "id": "system", "system": true }],
      "backends": [{ "id": "a", "url": "https://a.example", "tls": { "certificateAuthorities": ["corp", "system"] } }])";
  setup.build(settings);
  CHECK(setup.error() == "x.json:2:69: /certificateAuthorities/1: certificate authority \"system\": this system has no bundle of its own");
  setup.files.files["/etc/ssl/certs/ca-certificates.crt"] = TestPki::instance().file("other-root.pem");
  CHECK(first_upstream(setup.build_well(settings)).identity->settings().authorities.size() == 2);
}

TEST_CASE("a backend's revocation lists reach its identity, from PEM and DER", "[config]") {
  Setup setup;
  const TestPki& pki = TestPki::instance();
  setup.files.files["two.pem"] = pki.file("root.crl.pem") + pki.file("issuing.crl.pem");
  setup.files.files["root.crl"] = pki.file("root.crl");
  const auto with_lists = [](const std::string& names) {
    return R"("certificateAuthorities": [{ "id": "corp", "pemFile": "root.pem" }],
      "certificateRevocationLists": [{ "id": "two", "file": "two.pem" }, { "id": "root", "file": "root.crl" }],
      "backends": [{ "id": "a", "url": "https://a.example", "tls": { "certificateAuthorities": ["corp"],
        "certificateRevocationLists": )" +
           names + "} }]";
  };
  CHECK(first_upstream(setup.build_well(with_lists(R"(["two"])"))).identity->settings().revocation_lists ==
        std::vector<ByteVector>{pki.bytes("root.crl"), pki.bytes("issuing.crl")});
  CHECK(first_upstream(setup.build_well(with_lists(R"(["root"])"))).identity->settings().revocation_lists ==
        std::vector<ByteVector>{pki.bytes("root.crl")});
  CHECK(setup.built.report.warnings.empty());
  setup.build(with_lists(R"(["tow"])"));
  CHECK(setup.error().ends_with("/certificateRevocationLists/0: no certificate revocation list has the id \"tow\"; did you mean \"two\"?"));
  setup.files.files["root.crl"] = pki.file("root.pem");
  setup.build(with_lists(R"(["two"])"));
  CHECK(setup.warning().find("/certificateRevocationLists/1/file: certificate revocation list \"root\": root.crl: there is no ") !=
        std::string::npos);
  CHECK(setup.warning().ends_with("; the revocation list read before stays in force"));
}

TEST_CASE("a revocation list that is out of date is a warning that names it", "[config]") {
  Setup setup;
  setup.files.files["old.crl"] = TestPki::instance().file("issuing-old.crl");
  setup.build_well(R"("certificateRevocationLists": [{ "id": "old", "file": "old.crl" }])");
  REQUIRE(setup.built.report.warnings.size() == 1);
  const std::string warning = setup.built.report.warnings.front().text();
  CHECK(
      warning.starts_with("x.json:2:55: /certificateRevocationLists/0/file: certificate revocation list \"old\": old.crl: the list of \""));
  CHECK(warning.find("is out of date since 2020-02-01T00:00:00Z") != std::string::npos);
}

TEST_CASE("a serviceUrl borrows the TLS checks of the backend whose URL is its longest prefix, never the certificate", "[config]") {
  Setup setup;
  const auto server_name = [&setup](const std::string& service_url) {
    const Snapshot& snapshot = setup.build_well(std::string(certificates) + R"(, "backends": [
        { "id": "host", "url": "https://a.example/", "credentials": { "certificateIds": ["client"] },
          "tls": { "certificateAuthorities": ["corp"], "serverName": "host.example" } },
        { "id": "path", "url": "https://a.example/v2", "tls": { "certificateAuthorities": ["corp"], "serverName": "path.example" } },
        { "id": "tie1", "url": "https://tie.example", "tls": { "validateCertificateChain": false, "serverName": "one.example" } },
        { "id": "tie2", "url": "https://tie.example/", "tls": { "validateCertificateChain": false, "serverName": "two.example" } }],
      "apis": [{ "id": "s", "path": "", "serviceUrl": ")" +
                                                service_url + "\" }]");
    const Upstream& upstream = *snapshot.route("", "/")->plan->destinations.front().upstream;
    CHECK(upstream.id.empty());
    CHECK(upstream.certificate == nullptr);
    CHECK(upstream.identity->settings().certificate == nullptr);
    return upstream.identity->settings().server_name;
  };
  setup.files.files["/etc/ssl/certs/ca-certificates.crt"] = TestPki::instance().file("root.pem");
  CHECK(server_name("https://a.example/v2/x") == "path.example");
  CHECK(server_name("https://A.example:443/v2") == "path.example");
  CHECK(server_name("https://a.example/v20") == "host.example");
  CHECK(server_name("https://a.example") == "host.example");
  CHECK(server_name("https://a.example:8443/v2") == "a.example");
  CHECK(server_name("https://b.example/v2") == "b.example");
  CHECK(server_name("https://tie.example/x") == "tie.example");
}

TEST_CASE("an API's own certificate wins over the backend's, whose other settings apply", "[config]") {
  Setup setup;
  const Snapshot& snapshot = setup.build_well(with_backend(R"("url": "https://a.example:8443/v2", "hostHeader": "caller",
      "credentials": { "certificateIds": ["client"] }, "connections": { "max": 7, "idleMax": 6, "idleTimeout": "5s" },
      "replayBufferBytes": 8,
      "timeouts": { "connect": "1s", "response": "2s", "total": "3s" },
      "tls": { "certificateAuthorities": ["corp"], "serverName": "b.example", "minVersion": "1.3" } }],
    "apis": [{ "id": "own", "path": "own", "backendId": "orders" },
             { "id": "other", "path": "other", "backendId": "orders", "certificateId": "other" },
             { "id": "third", "path": "third", "backendId": "orders", "certificateId": "other" },
             { "id": "same", "path": "same", "backendId": "orders", "certificateId": "client")"));
  const Upstream* own = snapshot.route("", "/own")->plan->destinations.front().upstream;
  const Upstream* other = snapshot.route("", "/other")->plan->destinations.front().upstream;
  REQUIRE(own != other);
  CHECK(own->certificate_id == "client");
  CHECK(other->certificate_id == "other");
  CHECK(other->certificate->thumbprint_sha256() == TestPki::instance().certificate("other-client")->thumbprint_sha256());
  CHECK(other->identity->settings().certificate == other->certificate);
  CHECK(other->identity->key() != own->identity->key());
  CHECK(snapshot.route("", "/third")->plan->destinations.front().upstream == other);
  CHECK(snapshot.route("", "/same")->plan->destinations.front().upstream == own);
  CHECK(snapshot.upstreams().size() == 2);
  CHECK(snapshot.identity_keys().size() == 2);
  for (const Upstream* upstream : {own, other}) {
    CHECK(upstream->id == "orders");
    CHECK(upstream->authority == "a.example:8443");
    CHECK(upstream->base_path == "/v2");
    CHECK(upstream->host_header == HostHeader::caller);
    CHECK(upstream->identity->settings().server_name == "b.example");
    CHECK(upstream->identity->settings().min_version == wire::TlsVersion::tls13);
    CHECK(upstream->identity->settings().authorities.size() == 1);
    CHECK(upstream->connections_max == 7);
    CHECK(upstream->replay_buffer_bytes == 8);
    CHECK(upstream->idle_connections_max == 6);
    CHECK(upstream->idle_timeout == std::chrono::seconds(5));
    CHECK(upstream->connect_timeout == std::chrono::seconds(1));
    CHECK(upstream->response_timeout == std::chrono::seconds(2));
    CHECK(upstream->total_timeout == std::chrono::seconds(3));
  }
}

TEST_CASE("an API with a serviceUrl shows its own certificate under the TLS checks that are lent to it", "[config]") {
  Setup setup;
  const Snapshot& snapshot = setup.build_well(with_backend(R"("url": "https://a.example/", "credentials": { "certificateIds": ["client"] },
      "tls": { "certificateAuthorities": ["corp"], "serverName": "b.example" } }],
    "apis": [{ "id": "s", "path": "", "serviceUrl": "https://a.example/v2", "certificateId": "other")"));
  const Upstream& upstream = *snapshot.route("", "/")->plan->destinations.front().upstream;
  CHECK(upstream.id.empty());
  CHECK(upstream.certificate_id == "other");
  CHECK(upstream.identity->settings().certificate == upstream.certificate);
  CHECK(upstream.identity->settings().server_name == "b.example");
}

TEST_CASE("an API's certificate that cannot be shown is an error at its place", "[config]") {
  Setup setup;
  const auto error = [&setup](std::string_view api) {
    setup.build(with_backend(R"("url": "http://a.example" }, { "id": "tls", "url": "https://a.example",
        "tls": { "certificateAuthorities": ["corp"] } }], "apis": [{ "id": "a", "path": "a", )" +
                             std::string(api)));
    return setup.error();
  };
  const std::string missing = "/apis/0/certificateId: no certificate has the id \"othr\"; did you mean \"other\"?";
  CHECK(error(R"("backendId": "tls", "certificateId": "othr")").ends_with(missing));
  CHECK(error(R"("serviceUrl": "https://a.example/", "certificateId": "othr")").ends_with(missing));
  const std::string plain =
      "/apis/0/certificateId: a client certificate for an http:// back end: expected an https:// URL, or no certificate";
  CHECK(error(R"("backendId": "orders", "certificateId": "other")").ends_with(plain));
  CHECK(error(R"("serviceUrl": "http://a.example/", "certificateId": "other")").ends_with(plain));
}

TEST_CASE("a backend that cannot be reached is told once, however many certificates its APIs choose", "[config]") {
  Setup setup;
  setup.build(with_backend(R"("url": "https://a.example", "tls": { "certificateAuthorities": ["crop"] } }],
    "apis": [{ "id": "a", "path": "a", "backendId": "orders", "certificateId": "other")"));
  CHECK(setup.error().find("/backends/0/tls/certificateAuthorities/0: ") != std::string::npos);
}

TEST_CASE("two APIs cannot take the same path of the same host", "[config]") {
  Setup setup;
  const std::string start = R"("apis": [{ "id": "a", "path": "x", "serviceUrl": "http://a", "host": ["h", "i"] },)";
  setup.build(start + R"({ "id": "b", "path": "/x/", "serviceUrl": "http://a", "host": ["I"] }])");
  CHECK(setup.error().ends_with(": /apis/1: API \"b\" has the same path \"x\" on host i as API \"a\""));
  setup.build(R"("apis": [{ "id": "a", "path": "", "serviceUrl": "http://a" }, { "id": "b", "path": "/", "serviceUrl": "http://a" }])");
  CHECK(setup.error().ends_with(": /apis/1: API \"b\" has the same path \"\" as API \"a\""));
  setup.build_well(start + R"({ "id": "b", "path": "x", "serviceUrl": "http://a" }])");
}

TEST_CASE("a certificate is opened again only when its files have changed", "[config]") {
  Setup setup;
  const auto certificate = [&setup] {
    return first_upstream(setup.build_well(with_backend(R"("url": "https://a.example", "credentials": { "certificateIds": ["client"] },
        "tls": { "certificateAuthorities": ["corp"] })")))
        .certificate;
  };
  const auto first = certificate();
  CHECK(certificate() == first);
  setup.files.files["client.pem"] = TestPki::instance().file("other-client.pem");
  setup.files.files["client.key"] = TestPki::instance().file("other-client.key");
  const auto second = certificate();
  CHECK(second->thumbprint_sha1() == TestPki::instance().certificate("other-client")->thumbprint_sha1());
  setup.files.files["client.pem"] = TestPki::instance().file("client.pem");
  setup.files.files["client.key"] = TestPki::instance().file("client.key");
  const auto third = certificate();
  CHECK(third != first);
  CHECK(third->thumbprint_sha1() == first->thumbprint_sha1());
}

TEST_CASE("a listener that is not loopback is warned about once a certificate can be borrowed through it", "[config]") {
  Setup setup;
  const std::string borrowed = with_backend(R"("url": "https://a.example", "credentials": { "certificateIds": ["client"] },
      "tls": { "certificateAuthorities": ["corp"] })");
  setup.build(borrowed, "0.0.0.0:8080");
  REQUIRE(setup.built.report.ok());
  REQUIRE(setup.built.report.warnings.size() == 1);
  CHECK(setup.built.report.warnings[0].text().starts_with("x.json:1:30: /listeners/0/address: 0.0.0.0:8080 is not loopback"));
  setup.build(borrowed, "127.0.0.1:8080");
  CHECK(setup.built.report.warnings.empty());
  setup.build(certificates, "0.0.0.0:8080");
  CHECK(setup.built.report.warnings.empty());
}

TEST_CASE("only a peer inside trustedProxies may say who the caller is", "[config]") {
  Setup setup;
  const Snapshot& snapshot = setup.build_well(R"("trustedProxies": ["10.0.0.0/8", "::1"])");
  CHECK(snapshot.is_trusted_proxy(*parse_endpoint("10.9.9.9:1")));
  CHECK(snapshot.is_trusted_proxy(*parse_endpoint("[::1]:1")));
  CHECK_FALSE(snapshot.is_trusted_proxy(*parse_endpoint("127.0.0.1:1")));
  CHECK_FALSE(setup.build_well("\"shards\": 1").is_trusted_proxy(*parse_endpoint("10.9.9.9:1")));
}

namespace {

/// One back end under "client", in a configuration that is built again and again.
struct Rebuilding : Setup {
  const std::string settings =
      with_backend(R"("url": "https://a", "credentials": { "certificateIds": ["client"] }, "tls": { "certificateAuthorities": ["corp"] })");

  /// Under which identity the back end is called from now on.
  const wire::Identity& rebuild() { return *first_upstream(build_well(settings)).identity; }

  void put_client(const std::string& name) {
    files.files["client.pem"] = TestPki::instance().file(name + ".pem");
    files.files["client.key"] = TestPki::instance().file(name + ".key");
  }

  /// The only warning that says that something stays in force.
  std::string kept() const {
    std::string text;
    for (const Problem& problem : built.report.warnings) {
      if (problem.message.find("stays in force") != std::string::npos) {
        CHECK(text.empty());
        text = problem.text();
      }
    }
    return text;
  }
};

}  // namespace

TEST_CASE("a certificate whose files cannot be used keeps the one that was read before, with a warning", "[config][reload]") {
  Rebuilding setup;
  const wire::IdentityKey before = setup.rebuild().key();
  std::string reason;
  SECTION("a file is gone") {
    setup.files.files.erase("client.key");
    reason = "client.key: cannot be read: No such file or directory";
  }
  SECTION("a file is written in part") {
    setup.files.files["client.pem"].resize(200);
    reason = "client.pem: ";
  }
  SECTION("the key is another certificate's") {
    setup.files.files["client.key"] = TestPki::instance().file("other-client.key");
    reason = "client.pem: ";
  }
  SECTION("the new one is expired") {
    setup.put_client("client-expired");
    reason = "client.pem: expired on ";
  }
  CHECK(setup.rebuild().key() == before);
  CHECK(setup.built.certificates_changed == 0);
  const std::string warning = setup.kept();
  CAPTURE(warning);
  CHECK(warning.starts_with("x.json:3:"));
  CHECK(warning.find("/certificates/0/") != std::string::npos);
  CHECK(warning.find("certificate \"client\": ") != std::string::npos);
  CHECK(warning.find(reason) != std::string::npos);
  CHECK(warning.find("; the certificate read before stays in force (serial ") != std::string::npos);

  setup.put_client("other-client");
  CHECK(setup.rebuild().key() != before);
  CHECK(setup.built.certificates_changed == 1);
  CHECK(setup.kept().empty());
}

TEST_CASE("an expired certificate that came first is replaced by any other", "[config][reload]") {
  Rebuilding setup;
  setup.put_client("client-expired");
  const wire::IdentityKey before = setup.rebuild().key();
  setup.put_client("client");
  CHECK(setup.rebuild().key() != before);
  CHECK(setup.kept().empty());
}

TEST_CASE("an authority whose file cannot be used keeps the one that was read before", "[config][reload]") {
  Rebuilding setup;
  const wire::IdentityKey before = setup.rebuild().key();
  setup.files.files["root.pem"].resize(100);
  CHECK(setup.rebuild().key() == before);
  CHECK(setup.kept().find("certificate authority \"corp\": root.pem: ") != std::string::npos);
  setup.files.files["root.pem"] = TestPki::instance().file("client.pem");
  CHECK(setup.rebuild().key() != before);
}

TEST_CASE("a certificate that never was good is an error even when another was read before", "[config][reload]") {
  Rebuilding setup;
  setup.rebuild();
  setup.build(R"("certificates": [{ "id": "new", "pemFile": "nowhere.pem" }])");
  CHECK(setup.error().find("certificate \"new\": nowhere.pem: cannot be read") != std::string::npos);
}

TEST_CASE("a build that fails leaves what is kept as it was", "[config][reload]") {
  Rebuilding setup;
  const wire::IdentityKey before = setup.rebuild().key();
  setup.put_client("other-client");
  setup.build(setup.settings + R"(, "apis": [{ "id": "a", "path": "a", "backendId": "nobody" }])");
  CHECK(setup.built.snapshot == nullptr);
  setup.files.files.erase("client.pem");
  CHECK(setup.rebuild().key() == before);
}

TEST_CASE("certificates that are new, gone or replaced are counted as changed", "[config][reload]") {
  Rebuilding setup;
  setup.rebuild();
  CHECK(setup.built.certificates_changed == 2);
  setup.rebuild();
  CHECK(setup.built.certificates_changed == 0);
  setup.build_well(R"("certificates": [{ "id": "renamed", "pemFile": "client.pem", "keyFile": "client.key" }])");
  CHECK(setup.built.certificates_changed == 3);
}
