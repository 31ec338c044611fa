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
path ca-for-both "${ca}extendedKeyUsage=clientAuth,serverAuth\n" "$leaf"
path ca-for-any "${ca}extendedKeyUsage=clientAuth,anyExtendedKeyUsage\n" "$leaf"
path wildcard "$ca" 'subjectAltName=DNS:*.orders.internal\n'
path excluded-orders "${ca}nameConstraints=critical,excluded;DNS:orders.internal\n" "$leaf"
path excluded-below "${ca}nameConstraints=critical,excluded;DNS:a.orders.internal\n" "$leaf"
path excluded-ending "${ca}nameConstraints=critical,excluded;DNS:ders.internal\n" "$leaf"
path excluded-directory "${ca}nameConstraints=critical,excluded;dirName:dn\n[dn]\nCN=Orders\n" "$leaf"
path unknown-form "${ca}nameConstraints=critical,DER:300AA0083006A504A1020C00\n" "$leaf"
under() {  # name, authority two levels up, extensions of the leaf
  certificate $1-ca "/CN=$1 CA" $2-ca 300 "$ca"
  certificate $1 '/CN=Orders' $1-ca 200 "$3"
  cat $1-ca.pem $2-ca.pem > $1.chain
}
for above in permitted-dns not-permitted-dns excluded-dns excluded-orders excluded-below excluded-ending permitted-ip not-permitted-ip \
    excluded-ip excluded-other-ip excluded-directory unknown-form ca-for-clients ca-for-both ca-for-any; do
  under under-$above $above "$leaf"
done
under wildcard-under-excluded-below excluded-below 'subjectAltName=DNS:*.orders.internal\n'
certificate excluding-root '/CN=Excluding root' self 300 "${ca}nameConstraints=critical,excluded;DNS:internal\n"
certificate excluding-ca '/CN=excluding CA' excluding-root 300 "$ca"
certificate under-excluding-root '/CN=Orders' excluding-ca 200 "$leaf"
cp excluding-ca.pem under-excluding-root.chain
certificate other-root '/CN=Other root' self 300 "$ca"
printf "${ca}extendedKeyUsage=clientAuth\n" > cross.ext
openssl x509 -req -in good-ca.csr -CA other-root.pem -CAkey other-root.key -set_serial 1000 -days 300 -extfile cross.ext -out cross.pem
certificate beside-unused '/CN=Orders' good-ca 200 "$leaf"
cat good-ca.pem excluded-dns-ca.pem ca-for-clients-ca.pem > beside-unused.chain
namesake() {  # name, another authority, issuer: one of the same name, with its own key, is sent first
  certificate $1-ca "/CN=$3 CA" root 300 "$2"
  certificate $1 '/CN=Orders' $3-ca 200 "authorityKeyIdentifier=keyid\n$leaf"
  cat $1-ca.pem $3-ca.pem > $1.chain
}
namesake beside-free-namesake "$ca" ca-for-clients
namesake beside-bound-namesake "${ca}extendedKeyUsage=clientAuth\n" good
certificate beside-cross '/CN=Orders' good-ca 200 "$leaf"
cat cross.pem good-ca.pem other-root.pem > beside-cross.chain
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
std::string verdict(const std::string& name, const std::string& server_name, TlsVersion version, const std::string& anchor = "root") {
  const auto file = [](const std::string& which) { return (directory() / which).string(); };
  const OpensslServer server({"-cert", file(name + ".pem"), "-key", file(name + ".key"), "-cert_chain", file(name + ".chain")});
  std::ifstream stream(file(anchor + ".pem"));
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

TEST_CASE("name constraints reach the whole path below", "[wire][tls][path]") {
  const Case cases[] = {
      {"under-permitted-dns", true},
      {"under-not-permitted-dns", false},
      {"under-excluded-dns", false},
      {"under-excluded-orders", false},
      {"under-excluded-below", true},
      {"under-excluded-ending", true},
      {"wildcard-under-excluded-below", false, "b.orders.internal"},
      {"under-permitted-ip", true},
      {"under-not-permitted-ip", false},
      {"under-excluded-ip", false},
      {"under-excluded-other-ip", true},
      {"under-excluded-directory", false},
      {"under-unknown-form", false},
  };
  for (const Case& one : cases) {
    CAPTURE(one.name);
    const std::string detail = verdict(one.name, one.server_name, TlsVersion::tls13);
    CAPTURE(detail);
    CHECK(detail.empty() == one.accepted);
    CHECK((one.accepted || detail.find("name constraints do not allow its names") != std::string::npos));
  }
}

TEST_CASE("name constraints of a trust anchor reach the whole path below", "[wire][tls][path]") {
  CHECK(verdict("under-excluding-root", "orders.internal", TlsVersion::tls13, "excluding-root").find("name constraints") !=
        std::string::npos);
  CHECK(verdict("under-excluding-root", "orders.internal", TlsVersion::tls13, "excluding-ca").empty());  // not above the anchor
}

TEST_CASE("an authority for clients only issues no server", "[wire][tls][path]") {
  const std::string name = GENERATE("ca-for-clients", "under-ca-for-clients", "beside-free-namesake");
  const std::string detail = verdict(name, "orders.internal", TlsVersion::tls13);
  CAPTURE(detail);
  CHECK(detail.find("its extended key usage is for something else") != std::string::npos);
  CHECK(detail.find("\"CN=ca-for-clients CA\"") != std::string::npos);
  CHECK(verdict(name, "orders.internal", TlsVersion::tls13, "ca-for-clients-ca").empty());  // a trust anchor may
}

TEST_CASE("an authority for servers and others issues servers", "[wire][tls][path]") {
  const std::string name = GENERATE("ca-for-both", "ca-for-any", "under-ca-for-both", "under-ca-for-any");
  CHECK(verdict(name, "orders.internal", TlsVersion::tls13).empty());
}

TEST_CASE("certificates that are sent but not needed restrict nothing", "[wire][tls][path]") {
  const std::string name = GENERATE("beside-unused", "beside-cross", "beside-bound-namesake");
  CHECK(verdict(name, "orders.internal", TlsVersion::tls13).empty());
}
