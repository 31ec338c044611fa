// SPDX-License-Identifier: GPL-3.0-or-later
#include "certificates.h"

#include <cerrno>
#include <cstdlib>
#include <fstream>
#include <iterator>
#include <stdexcept>
#include <system_error>

#include "support/test_pki.h"

namespace signet::bench {

namespace {

constexpr std::string_view script = R"sh(
set -e
certificate() {  # name subject issuer extensions [key type]
  openssl req -new -newkey ${5:-ec -pkeyopt ec_paramgen_curve:P-256} -nodes -keyout $1.key -subj "$2" -out $1.csr
  printf "$4" > $1.ext
  if [ "$3" = self ]; then
    openssl x509 -req -in $1.csr -signkey $1.key -days 3650 -extfile $1.ext -out $1.pem
  else
    openssl x509 -req -in $1.csr -CA $3.pem -CAkey $3.key -CAcreateserial -days 365 -extfile $1.ext -out $1.pem
  fi
}
ca='basicConstraints=critical,CA:TRUE\nkeyUsage=critical,keyCertSign\nsubjectKeyIdentifier=hash\n'
certificate root '/O=Contoso/CN=Contoso Root' self "$ca"
certificate issuing '/O=Contoso/CN=Contoso Issuing' root "$ca"
usage='keyUsage=critical,digitalSignature\nextendedKeyUsage='
certificate server '/CN=Orders' issuing "${usage}serverAuth\nsubjectAltName=DNS:orders.internal\n"
certificate client-p256 '/O=Contoso/CN=orders-client' issuing "${usage}clientAuth\n"
certificate client-rsa '/O=Contoso/CN=orders-client' issuing "${usage}clientAuth\n" rsa:2048
pfx() {  # name output options
  openssl pkcs12 -export -inkey $1.key -in $1.pem -certfile issuing.pem -passout pass:bench -out $2.pfx $3
}
pbes2='-keypbe AES-256-CBC -certpbe AES-256-CBC -macalg sha256 -iter 2048'
pfx client-p256 client-p256-pbes2 "$pbes2"
pfx client-rsa client-rsa-pbes2 "$pbes2"
pfx client-p256 client-p256-3des '-keypbe PBE-SHA1-3DES -certpbe PBE-SHA1-3DES -macalg sha1 -iter 2048'
)sh";

}  // namespace

const Certificates& Certificates::instance() {
  static const Certificates certificates;
  return certificates;
}

Certificates::Certificates() {
  std::string name = (std::filesystem::temp_directory_path() / "signet-bench-XXXXXX").string();
  if (mkdtemp(name.data()) == nullptr) {
    throw std::system_error(errno, std::generic_category(), name);
  }
  directory_ = name;
  test::make_certificates(directory_, script);
}

Certificates::~Certificates() {
  std::error_code ignored;
  std::filesystem::remove_all(directory_, ignored);
}

std::string Certificates::file(std::string_view name) const {
  std::ifstream stream(directory_ / name, std::ios::binary);
  if (!stream) {
    throw std::runtime_error("no file " + std::string(name));
  }
  return {std::istreambuf_iterator<char>(stream), std::istreambuf_iterator<char>()};
}

std::shared_ptr<const wire::Certificate> Certificates::certificate(std::string_view name) const {
  const std::string text = file(std::string(name) + ".pem") + file("issuing.pem");
  return wire::Certificate::from_pem(text, file(std::string(name) + ".key")).value();
}

std::shared_ptr<const wire::CertificateAuthority> Certificates::root() const {
  return wire::CertificateAuthority::from_pem(file("root.pem")).value();
}

}  // namespace signet::bench
