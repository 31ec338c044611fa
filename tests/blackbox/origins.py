# SPDX-License-Identifier: GPL-3.0-or-later
"""Back ends that demand a client certificate: nginx, and openssl s_server as a second opinion."""

import os
import pathlib
import random
import tempfile

from pki import Pair, Pki
from processes import Program, free_port

KIB = random.Random(1).randbytes(1024)
MIB = random.Random(2).randbytes(1024 * 1024)

_NGINX = """
daemon off;
{user}
pid {folder}/nginx.pid;
error_log {folder}/error.log info;
worker_processes 1;
events {{ worker_connections 4096; }}
http {{
  log_format story '$request_method $request_uri $status $ssl_client_fingerprint $ssl_session_reused $http_x_mark';
  access_log {folder}/access.log story;
  client_body_temp_path {folder}/body;
  proxy_temp_path {folder}/proxy;
  fastcgi_temp_path {folder}/fastcgi;
  uwsgi_temp_path {folder}/uwsgi;
  scgi_temp_path {folder}/scgi;
  default_type application/octet-stream;
  client_max_body_size 0;
  server {{
    listen 127.0.0.1:{port}{ssl};
    server_name localhost;
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
        config = self.folder / "nginx.conf"
        config.write_text(_NGINX.format(
            folder=self.folder, port=self.port, certificate=certificate.chain, key=certificate.key, protocols=protocols, verify=verify,
            authorities=pki.client_authorities, keepalive_requests=keepalive_requests, server_lines=server_lines,
            ssl=" ssl" if tls else "", user="user root;" if os.geteuid() == 0 else ""))
        self.program = Program(["nginx", "-e", str(self.folder / "error.log"), "-p", str(self.folder), "-c", str(config)],
                               self.folder / "output.log")

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

    def error_log(self) -> str:
        return (self.folder / "error.log").read_text()

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
            print(f"---- nginx says:\n{self.error_log()[-2000:]}")
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
