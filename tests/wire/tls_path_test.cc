// SPDX-License-Identifier: GPL-3.0-or-later
// Path validation (RFC 5280 §6, RFC 9525): one chain per rule, as in the x509-limbo collection.
#include <catch2/catch_test_macros.hpp>
#include <catch2/generators/catch_generators.hpp>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <string>

#include "openssl_server.h"
#include "support/tls_test_contexts.h"

using namespace signet;
using namespace signet::wire;
using namespace signet::test;

namespace {

constexpr std::string_view script = R"sh(
set -e
certificate() {  # name subject issuer days extensions
  openssl req -new -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -keyout $1.key -subj "$2" -out $1.csr
  printf "$5" > $1.ext
  serial=$((serial + 1))
  signer="-CA $3.pem -CAkey $3.key"
  if [ "$3" = self ]; then signer="-signkey $1.key"; fi
  openssl x509 -req -in $1.csr $signer -set_serial $serial -days $4 ${5:+-extfile $1.ext} -out $1.pem
}
serial=1
usage='keyUsage=critical,keyCertSign,cRLSign\nsubjectKeyIdentifier=hash\n'
ca="basicConstraints=critical,CA:TRUE\n$usage"
leaf='extendedKeyUsage=serverAuth\nkeyUsage=critical,digitalSignature\nsubjectAltName=DNS:orders.internal,IP:10.1.2.3\n'
certificate root '/CN=Root' self 300 "$ca"
path() {  # name, extensions of the intermediate, extensions of the leaf, [days of the intermediate]
  certificate $1-ca "/CN=$1 CA" root ${4:-300} "$2"
  certificate $1 '/CN=Orders' $1-ca 200 "$3"
  cp $1-ca.pem $1.chain
}
path good "$ca" "$leaf"
path permitted-dns "${ca}nameConstraints=critical,permitted;DNS:internal\n" "$leaf"
path not-permitted-dns "${ca}nameConstraints=critical,permitted;DNS:example.org\n" "$leaf"
path excluded-dns "${ca}nameConstraints=critical,excluded;DNS:internal\n" "$leaf"
path permitted-ip "${ca}nameConstraints=critical,permitted;IP:10.0.0.0/255.0.0.0\n" "$leaf"
path not-permitted-ip "${ca}nameConstraints=critical,permitted;IP:192.168.0.0/255.255.0.0\n" "$leaf"
path excluded-ip "${ca}nameConstraints=critical,excluded;IP:10.1.0.0/255.255.0.0\n" "$leaf"
path excluded-other-ip "${ca}nameConstraints=critical,excluded;IP:10.2.0.0/255.255.0.0\n" "$leaf"
path not-permitted-directory "${ca}nameConstraints=critical,permitted;dirName:dn\n[dn]\nO=Contoso\n" "$leaf"
path no-certificate-sign 'basicConstraints=critical,CA:TRUE\nkeyUsage=critical,digitalSignature,cRLSign\n' "$leaf"
path no-key-usage 'basicConstraints=critical,CA:TRUE\n' "$leaf"
path not-ca "basicConstraints=critical,CA:FALSE\n$usage" "$leaf"
path no-basic-constraints "$usage" "$leaf"
path version-1 '' "$leaf"
path ca-for-clients "${ca}extendedKeyUsage=clientAuth\n" "$leaf"
path ca-for-servers "${ca}extendedKeyUsage=serverAuth\n" "$leaf"
path ca-critical "${ca}1.2.3.4=critical,DER:0500\n" "$leaf"
path ca-expired "$ca" "$leaf" -1
path leaf-critical "$ca" "${leaf}1.2.3.4=critical,DER:0500\n"
path leaf-any-usage "$ca" 'extendedKeyUsage=anyExtendedKeyUsage\nsubjectAltName=DNS:orders.internal\n'
path leaf-no-usage "$ca" 'subjectAltName=DNS:orders.internal\n'
path leaf-for-clients "$ca" 'extendedKeyUsage=clientAuth\nsubjectAltName=DNS:orders.internal\n'
path leaf-for-code "$ca" 'extendedKeyUsage=codeSigning\nsubjectAltName=DNS:orders.internal\n'
path leaf-encrypts-only "$ca" 'keyUsage=critical,keyAgreement\nsubjectAltName=DNS:orders.internal\n'
path two-labels "$ca" 'subjectAltName=DNS:*.*.internal\n'
path bare-wildcard "$ca" 'subjectAltName=DNS:*\n'
path partial-wildcard "$ca" 'subjectAltName=DNS:o*.internal\n'
path top-wildcard "$ca" 'subjectAltName=DNS:*.internal\n'
path inner-wildcard "$ca" 'subjectAltName=DNS:orders.*\n'
path trailing-dot "$ca" 'subjectAltName=DNS:orders.internal.\n'
path upper-case "$ca" 'subjectAltName=DNS:ORDERS.Internal\n'
path address-as-dns "$ca" 'subjectAltName=DNS:10.1.2.3\n'
path name-as-uri "$ca" 'subjectAltName=URI:https://orders.internal/,email:a@orders.internal\n'
path zero-length "${ca}basicConstraints=critical,CA:TRUE,pathlen:0\n" "$leaf"
certificate deep-ca '/CN=deep CA' zero-length-ca 300 "$ca"
certificate too-deep '/CN=Orders' deep-ca 200 "$leaf"
cat deep-ca.pem zero-length-ca.pem > too-deep.chain
certificate self-issued-ca '/CN=zero-length CA' zero-length-ca 300 "$ca"
certificate self-issued '/CN=Orders' self-issued-ca 200 "$leaf"
cat self-issued-ca.pem zero-length-ca.pem > self-issued.chain
certificate under-excluded-ca '/CN=under CA' excluded-dns-ca 300 "$ca"
certificate under-excluded '/CN=Orders' under-excluded-ca 200 "$leaf"
cat under-excluded-ca.pem excluded-dns-ca.pem > under-excluded.chain
certificate under-clients-ca '/CN=under clients CA' ca-for-clients-ca 300 "$ca"
certificate under-clients '/CN=Orders' under-clients-ca 200 "$leaf"
cat under-clients-ca.pem ca-for-clients-ca.pem > under-clients.chain
certificate no-subject / good-ca 200 'subjectAltName=critical,DNS:orders.internal\n'
cp good-ca.pem no-subject.chain
)sh";

/// Its certificates, made once.
const std::filesystem::path& directory() {
  struct Made {
    Made() {
      std::string name = (std::filesystem::temp_directory_path() / "signet-test-paths-XXXXXX").string();
      REQUIRE(mkdtemp(name.data()) != nullptr);
      path = name;
      make_certificates(path, script);
    }
    ~Made() {
      std::error_code ignored;
      std::filesystem::remove_all(path, ignored);
    }
    std::filesystem::path path;
  };
  static const Made made;
  return made.path;
}

/// What the client says of the chain `name`; empty: it accepts it.
std::string verdict(const std::string& name, const std::string& server_name, TlsVersion version) {
  const auto file = [](const std::string& which) { return (directory() / which).string(); };
  const OpensslServer server({"-cert", file(name + ".pem"), "-key", file(name + ".key"), "-cert_chain", file(name + ".chain")});
  std::ifstream stream(file("root.pem"));
  const std::string root{std::istreambuf_iterator<char>(stream), {}};
  IdentitySettings settings = identity_settings(version);
  settings.authorities = {*CertificateAuthority::from_pem(root)};
  settings.server_name = server_name;
  BlockingClient client(server.port(), TlsEngine::client(client_context(settings)));
  return client.handshake() ? std::string() : client.engine().error().detail;
}

struct Case {
  const char* name;
  bool accepted;
  const char* server_name = "orders.internal";
};

}  // namespace

TEST_CASE("a chain is accepted exactly if every rule of path validation is kept", "[wire][tls][path]") {
  const Case cases[] = {
      {"good", true},
      {"good", true, "10.1.2.3"},
      {"good", false, "10.1.2.4"},
      {"permitted-dns", true},  // no constraint on addresses, then
      {"not-permitted-dns", false},
      {"excluded-dns", false},
      {"permitted-ip", true},
      {"not-permitted-ip", false},
      {"excluded-ip", false},
      {"excluded-other-ip", true},
      {"not-permitted-directory", false},
      {"no-certificate-sign", false},
      {"no-key-usage", true},
      {"not-ca", false},
      {"no-basic-constraints", false},
      {"version-1", false},
      {"ca-for-servers", true},
      {"ca-critical", false},
      {"ca-expired", false},
      {"leaf-critical", false},
      {"leaf-any-usage", true},
      {"leaf-no-usage", true},
      {"leaf-for-clients", false},
      {"leaf-for-code", false},
      {"leaf-encrypts-only", false},
      {"two-labels", false, "orders.a.internal"},
      {"bare-wildcard", false},
      {"bare-wildcard", false, "internal"},
      {"partial-wildcard", false},
      {"top-wildcard", false},  // a wildcard needs two labels behind it
      {"inner-wildcard", false},
      {"trailing-dot", false},
      {"upper-case", true},
      {"address-as-dns", false, "10.1.2.3"},
      {"name-as-uri", false},
      {"zero-length", true},
      {"too-deep", false},
      {"self-issued", false},  // RFC 5280 §4.2.1.9 does not count it; wolfSSL does, which is the safe side
      {"no-subject", true},
  };
  for (const Case& one : cases) {
    CAPTURE(one.name, one.server_name);
    const std::string detail = verdict(one.name, one.server_name, TlsVersion::tls13);
    CAPTURE(detail);
    CHECK(detail.empty() == one.accepted);
  }
}

// Known gaps: wolfSSL looks at the constraints of a certificate's direct issuer only, and at no extended key usage of an authority.
TEST_CASE("name constraints reach the whole path below", "[wire][tls][path][!shouldfail]") {
  CHECK_FALSE(verdict("under-excluded", "orders.internal", TlsVersion::tls13).empty());
}

TEST_CASE("an authority for clients only issues no server", "[wire][tls][path][!shouldfail]") {
  const std::string name = GENERATE("ca-for-clients", "under-clients");
  CHECK_FALSE(verdict(name, "orders.internal", TlsVersion::tls13).empty());
}
