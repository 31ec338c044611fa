# SPDX-License-Identifier: GPL-3.0-or-later
"""Back ends that demand a client certificate: nginx, Apache which asks late, and openssl s_server as a second opinion."""

import os
import pathlib
import random
import tempfile

import nginx
from pki import Pair, Pki
from processes import Program, free_port

KIB = random.Random(1).randbytes(1024)
MIB = random.Random(2).randbytes(1024 * 1024)

_NGINX = """
  log_format story '$request_method $request_uri $status $ssl_client_fingerprint $ssl_session_reused $http_x_mark';
  default_type application/octet-stream;
  client_max_body_size 0;
  server {{
    listen 127.0.0.1:{port}{ssl};
    server_name localhost;
    access_log {folder}/access.log story;
    ssl_certificate {certificate};
    ssl_certificate_key {key};
    ssl_protocols {protocols};
    ssl_verify_client {verify};
    ssl_verify_depth 4;
    ssl_client_certificate {authorities};
    keepalive_requests {keepalive_requests};
    {server_lines}
    add_header X-Client-Subject $ssl_client_s_dn always;
    add_header X-Client-Serial $ssl_client_serial always;
    add_header X-Client-Sha1 $ssl_client_fingerprint always;
    add_header X-Client-Verify $ssl_client_verify always;
    add_header X-Session-Reused $ssl_session_reused always;
    add_header X-Tls $ssl_protocol always;
    add_header X-Sni $ssl_server_name always;
    add_header X-Connection $connection always;
    add_header X-Connection-Calls $connection_requests always;
    add_header X-Call $arg_call always;
    root {folder}/files;
    # Length not known in advance: chunked.
    location /chunked/ {{ alias {folder}/files/; ssi on; ssi_types *; }}
    # PUT keeps the body, GET gives it back.
    location /store/ {{ dav_methods PUT; create_full_put_path on; }}
  }}
"""


class Nginx:
    """An origin with mutual TLS. Says in X-Client-… fields whom it has seen; serves /1k, /1m, /chunked/1m, and /store/NAME after a PUT."""

    def __init__(self, pki: Pki, certificate: Pair | None = None, *, protocols: str = "TLSv1.2 TLSv1.3", verify: str = "on",
                 keepalive_requests: int = 1000, tls: bool = True, server_lines: str = ""):
        certificate = certificate or pki.server
        self.port = free_port()
        self._folder = tempfile.TemporaryDirectory(prefix="signet-nginx-")
        self.folder = pathlib.Path(self._folder.name)
        (self.folder / "files" / "store").mkdir(parents=True)
        (self.folder / "files" / "1k").write_bytes(KIB)
        (self.folder / "files" / "1m").write_bytes(MIB)
        http = _NGINX.format(
            folder=self.folder, port=self.port, certificate=certificate.chain, key=certificate.key, protocols=protocols, verify=verify,
            authorities=pki.client_authorities, keepalive_requests=keepalive_requests, server_lines=server_lines,
            ssl=" ssl" if tls else "")
        self.program = Program(nginx.command(self.folder, http, level="info"), self.folder / "output.log")

    @property
    def url(self) -> str:
        return f"https://127.0.0.1:{self.port}"

    def stored(self, name: str) -> bytes:
        """What a PUT to /store/NAME left behind."""
        return (self.folder / "files" / "store" / name).read_bytes()

    def calls(self) -> list[str]:
        """One line per call, in the order of their ends, with what it said in X-Mark. Complete once the program has been stopped."""
        log = self.folder / "access.log"
        return log.read_text().splitlines() if log.exists() else []

    def stop(self) -> None:
        self.program.stop()

    def __enter__(self) -> "Nginx":
        try:
            self.program.wait_until_listening(self.port)
        except AssertionError:
            self.__exit__(None)
            raise
        return self

    def __exit__(self, failure, *_) -> None:
        self.stop()
        if failure:
            print(f"---- nginx says:\n{self.program.log[-2000:]}")
        self._folder.cleanup()


_APACHE_MODULES = ("mpm_event", "authz_core", "headers", "ssl", "socache_shmcb", "reflector")

_APACHE = """
ServerRoot {folder}
{modules}
PidFile {folder}/apache.pid
DefaultRuntimeDir {folder}
ErrorLog {folder}/error.log
LogLevel info
{user}
ServerName localhost
Listen 127.0.0.1:{port}
ServerLimit 1
StartServers 1
ThreadsPerChild 64
MaxRequestWorkers 64
ThreadLimit 64
KeepAlive {keep_alive}
KeepAliveTimeout 60
MaxKeepAliveRequests 0
SSLSessionCache shmcb:{folder}/sessions(512000)
LogFormat "%m %U %>s %{{SSL_CLIENT_S_DN}}x" story
CustomLog {folder}/access.log story
DocumentRoot {folder}/files
<VirtualHost 127.0.0.1:{port}>
  SSLEngine on
  SSLProtocol {protocols}
  SSLCertificateFile {certificate}
  SSLCertificateKeyFile {key}
  SSLCACertificateFile {authorities}
  SSLVerifyDepth 4
  Header always set X-Client-Subject "%{{SSL_CLIENT_S_DN}}s"
  Header always set X-Tls "%{{SSL_PROTOCOL}}s"
  Header always set X-Connection "expr=%{{REMOTE_PORT}}"
  <Location />
    Require all granted
  </Location>
  <LocationMatch "/echo$">
    SetHandler reflector
  </LocationMatch>
  <Location /late>
    SSLVerifyClient require
  </Location>
</VirtualHost>
"""


class Apache:
    """An origin that asks for a certificate late: whoever calls below /late/ has to show one, when the call's head has been read. Says in
    X-Client-Subject whom it knows the connection to be; serves /1k and /late/1k; answers a POST to /echo and /late/echo with its body."""

    def __init__(self, pki: Pki, *, protocols: str = "TLSv1.2 TLSv1.3", authorities: pathlib.Path | None = None,
                 keep_alive: bool = True):
        self.port = free_port()
        self._folder = tempfile.TemporaryDirectory(prefix="signet-apache-")
        self.folder = pathlib.Path(self._folder.name)
        (self.folder / "files" / "late").mkdir(parents=True)
        (self.folder / "files" / "1k").write_bytes(KIB)
        (self.folder / "files" / "late" / "1k").write_bytes(KIB)
        modules = "".join(f"LoadModule {name}_module /usr/lib/apache2/modules/mod_{name}.so\n" for name in _APACHE_MODULES)
        user = ""
        if os.geteuid() == 0:  # it will not serve as root
            user = "User nobody\nGroup nogroup"
            self.folder.chmod(0o755)
        config = self.folder / "apache.conf"
        config.write_text(_APACHE.format(
            folder=self.folder, port=self.port, modules=modules, user=user, protocols=protocols, certificate=pki.server.chain,
            key=pki.server.key, authorities=authorities or pki.client_authorities, keep_alive="On" if keep_alive else "Off"))
        self.program = Program(["apache2", "-D", "FOREGROUND", "-d", str(self.folder), "-f", str(config)], self.folder / "output.log")

    @property
    def url(self) -> str:
        return f"https://127.0.0.1:{self.port}"

    def calls(self) -> list[str]:
        """One line per call. Complete once the program has been stopped."""
        log = self.folder / "access.log"
        return log.read_text().splitlines() if log.exists() else []

    def error_log(self) -> str:
        log = self.folder / "error.log"
        return log.read_text() if log.exists() else self.program.log

    def stop(self) -> None:
        self.program.stop()

    def __enter__(self) -> "Apache":
        try:
            self.program.wait_until_listening(self.port)
        except AssertionError:
            self.__exit__(AssertionError)
            raise
        return self

    def __exit__(self, failure, *_) -> None:
        self.stop()
        if failure:
            print(f"---- apache says:\n{self.error_log()[-4000:]}")
        self._folder.cleanup()


class OpensslServer:
    """`openssl s_server -www`: answers any GET with a page about the connection. Refuses who shows no certificate, or one that does not
    lead to an authority of the clients with the intermediates that were sent."""

    def __init__(self, pki: Pki, certificate: Pair | None = None, *, options: tuple[str, ...] = ()):
        certificate = certificate or pki.server
        self.port = free_port()
        self._folder = tempfile.TemporaryDirectory(prefix="signet-s_server-")
        folder = pathlib.Path(self._folder.name)
        intermediates = folder / "intermediates.pem"
        intermediates.write_text(certificate.chain.read_text().removeprefix(certificate.certificate.read_text()))
        self.program = Program(
            ["openssl", "s_server", "-accept", f"127.0.0.1:{self.port}", "-www", "-Verify", "4", "-verify_return_error",
             "-cert", str(certificate.certificate), "-key", str(certificate.key), "-cert_chain", str(intermediates),
             "-CAfile", str(pki.client_authorities), *options],
            folder / "output.log", keep_input=True)

    @property
    def url(self) -> str:
        return f"https://127.0.0.1:{self.port}"

    @property
    def log(self) -> str:
        return self.program.log

    def __enter__(self) -> "OpensslServer":
        self.program.wait_until_listening(self.port)
        return self

    def __exit__(self, *_) -> None:
        self.program.stop()
        self._folder.cleanup()
