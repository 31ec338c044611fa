# SPDX-License-Identifier: GPL-3.0-or-later
"""Who is measured. All do the same work: plain HTTP/1.1 from callers, TLS 1.3 with a client certificate to the origin, whose chain and name
are checked; connections and sessions are kept and used again; one worker, no access log.

The paths are the same everywhere and reach the origin as they came:

    /pooled/… /single/…        P-256 client to the origin's port of that name
    /full-p256/… /full-rsa/…   to the port without sessions
    /plain/…                   no TLS
    /id-N/…                    as N-th of the crowd to "pooled", if the setup has one

What each has beyond its defaults is said at its configuration; nothing is set that would cost one of them what it does not cost the others.
"""

import dataclasses
import json
import pathlib
import re
import subprocess

import nginx
from peers import machine
from peers.identities import Identities
from peers.origin import Origin
from pki import Pair
from processes import Program, free_port

CONNECTIONS_MAX = 1024  # to the origin, and as many may rest
IDLE_S = 60  # how long they may rest
CALLERS_MAX = 12_000


@dataclasses.dataclass(frozen=True)
class Route:
    """Calls below /name/ go to this port of the origin; under TLS, as `client`."""

    name: str
    port: int
    client: Pair | None


@dataclasses.dataclass(frozen=True)
class Setup:
    """What a gateway is started for."""

    crowd: int = 0  # identities besides
    shared_upstream: bool = False  # nginx: one upstream block for the whole crowd, as it is often written
    group: str | None = "X25519"  # key exchange; None: as each comes
    large: bool = False  # bodies far over 16 KiB: larger buffers for those who have a setting for it

    def routes(self, origin: Origin, pki: Identities) -> list[Route]:
        ports = origin.ports
        if self.crowd:
            return [Route(client.name, ports["pooled"], client) for client in pki.crowd(self.crowd)]
        return [Route("pooled", ports["pooled"], pki.p256), Route("single", ports["single"], pki.p256),
                Route("full-p256", ports["full"], pki.p256), Route("full-rsa", ports["full"], pki.rsa),
                Route("plain", ports["plain"], None)]


class Gateway:
    """One of them, running. `pid` is the process whose family does the work."""

    name = ""
    adds_tls = True

    def __init__(self, program: str, setup: Setup, origin: Origin, pki: Identities, folder: pathlib.Path, cpus: set[int]):
        self.port = free_port()
        self.setup, self.origin, self.pki, self.folder = setup, origin, pki, folder
        folder.mkdir(parents=True)
        self.log_tail = ""
        with machine.on_cpus(cpus):
            self.program = Program(self.command(program), folder / "output.log")

    def command(self, program: str) -> list[str]:
        raise NotImplementedError

    def routes(self) -> list[Route]:
        return self.setup.routes(self.origin, self.pki)

    def with_group(self, command: list[str]) -> list[str]:
        """OpenSSL takes a client's groups from its configuration; neither nginx nor older HAProxy have a setting for them."""
        if not self.setup.group:
            return command
        settings = self.folder / "openssl.cnf"
        settings.write_text(f"openssl_conf = a\n[a]\nssl_conf = b\n[b]\nsystem_default = c\n[c]\nGroups = {self.setup.group}\n")
        return ["env", f"OPENSSL_CONF={settings}", *command]

    @property
    def pid(self) -> int:
        return self.program.process.pid

    def __enter__(self) -> "Gateway":
        self.program.wait_until_listening(self.port)
        return self

    def __exit__(self, *_) -> None:
        self.program.stop()


class Signet(Gateway):
    """Beyond defaults: one shard, no access log, limits as everybody's, and no field about the caller towards the origin (X-Forwarded-For,
    which the others do not send by default; Via stays)."""

    name = "Signet"

    def command(self, program: str) -> list[str]:
        tls = {"certificateAuthorities": ["bench"], "serverName": "localhost", "minVersion": "1.3"}
        if self.setup.group:
            tls["groups"] = [self.setup.group]
        connections = {"max": CONNECTIONS_MAX, "idleMax": CONNECTIONS_MAX, "idleTimeout": f"{IDLE_S}s"}
        backends, clients = [], {}
        for route in self.routes():
            scheme = "https" if route.client else "http"
            backend = {"id": route.name, "url": f"{scheme}://127.0.0.1:{route.port}/{route.name}", "connections": connections}
            if route.client:
                clients[route.client.name] = route.client
                backend |= {"tls": tls, "credentials": {"certificateIds": [route.client.name]}}
            backends.append(backend)
        config = self.folder / "signet.json"
        config.write_text(json.dumps({
            "shards": 1, "accessLog": "", "forwardedHeaders": "none",
            "listeners": [{"address": f"127.0.0.1:{self.port}"}],
            "certificates": [{"id": name, "pemFile": str(client.chain), "keyFile": str(client.key)} for name, client in clients.items()],
            "certificateAuthorities": [{"id": "bench", "pemFile": str(self.pki.server_root.certificate)}],
            "backends": backends,
            "apis": [{"id": route.name, "path": route.name, "backendId": route.name} for route in self.routes()],
        }, indent=1))
        return [program, "run", str(config)]


_NGINX = """
  # Callers' connections, and those to the origin, end for being idle and for nothing else (the defaults close after 1,000 calls).
  keepalive_requests 1000000000;
  keepalive_time 24h;
  # 1.1 and no "Connection: close", without which nothing is kept.
  proxy_http_version 1.1;
  proxy_set_header Connection "";
  proxy_ssl_protocols TLSv1.3;
  proxy_ssl_verify on;
  proxy_ssl_verify_depth 3;
  proxy_ssl_trusted_certificate {authority};
  proxy_ssl_name localhost;
  proxy_ssl_server_name on;
  proxy_ssl_session_reuse on;
  # What measured best: answers are passed on as they come, as the others do it, in pieces of a TLS record or more (half the CPU per 10 KiB
  # answer that the default of eight 4 KiB buffers takes, two thirds per MiB); an upload is read into memory whole and sent in one go (by
  # default it goes to a file, and with proxy_request_buffering off it takes half as much again).
  proxy_buffering off;
  proxy_buffer_size {buffer};
  proxy_buffers 8 {buffer};
  client_body_buffer_size 128k;
{upstreams}
  server {{
    listen 127.0.0.1:{port} backlog=4096;
    client_max_body_size 0;
{locations}
  }}
"""


class Nginx(Gateway):
    """Each identity has an upstream block of its own: nginx keeps connections and sessions by upstream and not by certificate, so that this
    is the way to write it in which no call travels as somebody else."""

    name = "nginx"

    def command(self, program: str) -> list[str]:
        upstreams, locations = {}, ""
        for route in self.routes():
            upstream = f"to-{route.port}" if self.setup.shared_upstream else route.name
            upstreams[upstream] = (f"  upstream {upstream} {{ server 127.0.0.1:{route.port}; keepalive {CONNECTIONS_MAX}; "
                                   f"keepalive_timeout {IDLE_S}s; keepalive_requests 1000000000; keepalive_time 24h; }}\n")
            scheme, client = ("https", f"proxy_ssl_certificate {route.client.chain}; proxy_ssl_certificate_key {route.client.key}; "
                              ) if route.client else ("http", "")
            locations += f"    location /{route.name}/ {{ {client}proxy_pass {scheme}://{upstream}; }}\n"
        http = _NGINX.format(port=self.port, authority=self.pki.server_root.certificate, upstreams="".join(upstreams.values()),
                             locations=locations, buffer="64k" if self.setup.large else "16k")
        return self.with_group(nginx.command(self.folder, http, program=program, connections=CALLERS_MAX + CONNECTIONS_MAX))


_HAPROXY = """
global
  nbthread 1
  # The default; larger where bodies are (a quarter less CPU per MiB), which costs small answers a tenth more.
  tune.bufsize {buffer}
  maxconn {callers}
  # It counts on two descriptors for each caller and would not start where so many are not allowed.
  no strict-limits
  # Connections to the origin rest as long as elsewhere (default: 5 s), however many they are.
  tune.pool-high-fd-ratio 90
  tune.pool-low-fd-ratio 90
defaults
  mode http
  timeout connect 10s
  timeout client 300s
  timeout server 300s
  timeout http-keep-alive 300s
  # Any caller's call may use any connection of its backend.
  http-reuse always
frontend callers
  bind 127.0.0.1:{port} backlog 4096
{uses}
{backends}
"""


class Haproxy(Gateway):
    """No `log` line: nothing is logged."""

    name = "HAProxy"

    def command(self, program: str) -> list[str]:
        uses, backends = "  use_backend %[path,word(1,/)]\n", ""
        for route in self.routes():
            server = f"127.0.0.1:{route.port} maxconn {CONNECTIONS_MAX} pool-max-conn {CONNECTIONS_MAX} pool-purge-delay {IDLE_S}s"
            if route.client:
                both = self.folder / f"{route.client.name}.pem"
                both.write_text(route.client.chain.read_text() + route.client.key.read_text())
                server += (f" ssl crt {both} ca-file {self.pki.server_root.certificate} verify required verifyhost localhost "
                           "sni str(localhost) ssl-min-ver TLSv1.3")
            backends += f"backend {route.name}\n  server origin {server}\n"
        config = self.folder / "haproxy.cfg"
        buffer = 65536 if self.setup.large else 16384
        config.write_text(_HAPROXY.format(port=self.port, buffer=buffer, callers=CALLERS_MAX, uses=uses, backends=backends))
        return self.with_group([program, "-db", "-f", str(config)])


class Floor(Gateway):
    """bench/floor.cc in front of the origin's plain port; it has no routes, any path serves. Towards "plain-single" both of a call's
    connections are new, the caller's too, because it ends one with the other."""

    name = "floor"
    adds_tls = False
    single = False

    def command(self, program: str) -> list[str]:
        return [program, "--listen", str(self.port), "--origin", str(self.origin.ports["plain-single" if self.single else "plain"])]


class FloorSingle(Floor):
    """The same towards an origin that closes after each call."""

    single = True


GATEWAYS = (Signet, Nginx, Haproxy)


def version(kind: type[Gateway], program: str) -> str:
    """In one line, with the TLS library where the program tells."""
    arguments = {"Signet": ["--version"], "nginx": ["-V"], "HAProxy": ["-vv"]}[kind.name]
    done = subprocess.run([program, *arguments], capture_output=True, text=True, timeout=10, check=False)
    said = done.stdout + done.stderr
    first = next((line for line in said.splitlines() if line.strip()), "").strip()
    patterns = (r"running with (OpenSSL [\w.-]+)", r"Running on \w+(?: library)? version : (\S+ [\w.-]+)", r"built with (OpenSSL [\w.-]+)",
                r"(wolfSSL [\w.-]+)")
    libraries = (re.search(pattern, said) for pattern in patterns)
    library = next(filter(None, libraries), None)
    return first if not library or library[1] in first else f"{first} ({library[1]})"
