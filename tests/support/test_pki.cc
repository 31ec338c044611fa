// SPDX-License-Identifier: GPL-3.0-or-later
#include "support/test_pki.h"

#include <fcntl.h>
#include <spawn.h>
#include <sys/wait.h>
#include <unistd.h>

#include <array>
#include <cstdlib>
#include <fstream>
#include <iterator>
#include <stdexcept>
#include <system_error>

namespace signet::test {

namespace {

constexpr std::string_view script = R"sh(
set -e
certificate() {  # name subject issuer days extensions [key type]
  openssl req -new -newkey ${6:-ec -pkeyopt ec_paramgen_curve:P-256} -nodes -keyout $1.key -subj "$2" -out $1.csr
  printf "$5" > $1.ext
  serial=$((serial + 1))
  if [ "$3" = self ]; then
    openssl x509 -req -in $1.csr -signkey $1.key -set_serial $serial -days $4 -extfile $1.ext -out $1.pem
  else
    openssl x509 -req -in $1.csr -CA $3.pem -CAkey $3.key -set_serial $serial -days $4 -extfile $1.ext -out $1.pem
  fi
}
serial=100
ca='basicConstraints=critical,CA:TRUE\nkeyUsage=critical,keyCertSign,cRLSign\nsubjectKeyIdentifier=hash\n'
names='subjectAltName=DNS:orders.internal,DNS:*.wild.internal,IP:127.0.0.1,IP:::1\n'
server='extendedKeyUsage=serverAuth\nkeyUsage=critical,digitalSignature\n'
client='extendedKeyUsage=clientAuth\nkeyUsage=critical,digitalSignature\n'
certificate root '/O=Contoso/CN=Contoso Root' self 3650 "$ca"
certificate issuing '/O=Contoso/CN=Contoso Issuing' root 3650 "$ca"
certificate server '/CN=Orders' issuing 365 "$server$names"
certificate server-rsa '/CN=Orders RSA' issuing 365 "$server$names" rsa:2048
certificate server-cn '/CN=orders.internal' issuing 365 "$server"
certificate server-expired '/CN=Orders' issuing -1 "$server$names"
certificate server-for-clients '/CN=Orders' issuing 365 "$client$names"
certificate server-revoked '/CN=Orders' issuing 365 "$server$names"
certificate client '/O=Contoso/CN=orders-client' issuing 365 "$client"
certificate client-expired '/O=Contoso/CN=orders-client' issuing -1 "$client"
certificate other-root '/O=Other/CN=Other Root' self 3650 "$ca"
certificate other-server '/CN=Orders' other-root 365 "$server$names"
certificate other-client '/O=Contoso/CN=orders-client' other-root 365 "$client"
certificate issuing-expired '/O=Contoso/CN=Contoso Formerly Issuing' root -1 "$ca"
certificate server-of-expired '/CN=Orders' issuing-expired 365 "$server$names"
certificate server-of-server '/CN=Orders' server 365 "$server$names"
cat server.pem issuing.pem > server-chain.pem
certificate self-signed '/CN=Orders' self 365 "$server$names"
certificate twin '/O=Contoso/CN=Contoso Issuing' root 3650 "$ca"
certificate server-keyed '/CN=Orders' issuing 365 "${server}authorityKeyIdentifier=keyid\\n$names"
cat twin.pem issuing.pem > twin-issuing.pem
cat issuing.pem twin.pem > issuing-twin.pem
list() {  # issuer name options
  [ -e $1.index ] || : > $1.index
  printf '[ca]\ndefault_ca=a\n[a]\ndatabase=%s.index\ndefault_md=sha256\ncrl_extensions=e\n' $1 > $1.cnf
  printf '[e]\nauthorityKeyIdentifier=keyid:always\n' >> $1.cnf
  openssl ca -config $1.cnf -cert $1.pem -keyfile $1.key -gencrl $3 -out $2.crl.pem
  openssl crl -in $2.crl.pem -outform DER -out $2.crl
}
list root root '-crldays 30'
list issuing issuing-old '-crl_lastupdate 20200101000000Z -crl_nextupdate 20200201000000Z'
openssl ca -config issuing.cnf -cert issuing.pem -keyfile issuing.key -revoke server-revoked.pem
list issuing issuing '-crldays 30'
openssl ca -config root.cnf -cert root.pem -keyfile root.key -revoke issuing.pem
list root root-without-issuing '-crldays 30'
openssl x509 -noout -fingerprint -sha512 -in server.pem > server.sha512
)sh";

/// `make.sh` in `directory`, its output in `log` there. True if it ended with 0.
bool run_script(const std::filesystem::path& directory) {
  posix_spawn_file_actions_t actions;
  posix_spawn_file_actions_init(&actions);
  posix_spawn_file_actions_addchdir_np(&actions, directory.c_str());
  posix_spawn_file_actions_addopen(&actions, STDOUT_FILENO, "log", O_WRONLY | O_CREAT, 0600);
  posix_spawn_file_actions_adddup2(&actions, STDOUT_FILENO, STDERR_FILENO);
  std::string shell = "sh";
  std::string file = "make.sh";
  std::array<char*, 3> arguments{shell.data(), file.data(), nullptr};
  pid_t pid = 0;
  const int error = posix_spawnp(&pid, "sh", &actions, nullptr, arguments.data(), environ);
  posix_spawn_file_actions_destroy(&actions);
  int status = -1;
  return error == 0 && waitpid(pid, &status, 0) == pid && WIFEXITED(status) && WEXITSTATUS(status) == 0;
}

}  // namespace

void make_certificates(const std::filesystem::path& directory, std::string_view commands) {
  std::ofstream(directory / "make.sh") << commands;
  if (!run_script(directory)) {
    std::ifstream log(directory / "log");
    throw std::runtime_error("openssl could not make the test certificates: " + std::string(std::istreambuf_iterator<char>(log), {}));
  }
}

const TestPki& TestPki::instance() {
  static const TestPki pki;
  return pki;
}

TestPki::TestPki() {
  std::string name = (std::filesystem::temp_directory_path() / "signet-test-pki-XXXXXX").string();
  if (mkdtemp(name.data()) == nullptr) {
    throw std::system_error(errno, std::generic_category(), name);
  }
  directory_ = name;
  make_certificates(directory_, script);
}

TestPki::~TestPki() {
  std::error_code ignored;
  std::filesystem::remove_all(directory_, ignored);
}

std::string TestPki::file(std::string_view name) const {
  std::ifstream stream(path(name), std::ios::binary);
  if (!stream) {
    throw std::runtime_error("no test file " + std::string(name));
  }
  return {std::istreambuf_iterator<char>(stream), std::istreambuf_iterator<char>()};
}

ByteVector TestPki::bytes(std::string_view name) const {
  const std::string text = file(name);
  const ByteView view = as_bytes(text);
  return {view.begin(), view.end()};
}

std::shared_ptr<const wire::Certificate> TestPki::certificate(std::string_view name, std::string_view intermediate) const {
  std::string chain = file(std::string(name) + ".pem");
  if (!intermediate.empty()) {
    chain += file(std::string(intermediate) + ".pem");
  }
  Result<std::shared_ptr<const wire::Certificate>> made = wire::Certificate::from_pem(chain, file(std::string(name) + ".key"));
  if (!made) {
    throw std::runtime_error(made.error().detail);
  }
  return *made;
}

std::shared_ptr<const wire::CertificateAuthority> TestPki::authority(std::string_view name) const {
  Result<std::shared_ptr<const wire::CertificateAuthority>> made = wire::CertificateAuthority::from_pem(file(std::string(name) + ".pem"));
  if (!made) {
    throw std::runtime_error(made.error().detail);
  }
  return *made;
}

}  // namespace signet::test
