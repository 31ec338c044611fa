#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-3.0-or-later
"""Does a call cost the same however much Signet has to hold? Measures, on this machine:

  apis         CPU per call as APIs grow, each of them called in turn; and with the same ten of them called
  identities   CPU per call as client certificates grow, each API with one of them; and with the same ten of them called; and what as many
               connections cost where bytes are only carried, without HTTP and TLS (bench/floor.cc)
  idle         CPU per call, and memory, as callers grow that are connected and say nothing
  shards       calls per second with one and two shards
  start        from the start of the process to the first call that is answered, and `signet check`
  reload       one of the certificates is replaced: by SIGHUP, by the file watch, and by a PUT over REST

Calls are made by wrk and counted by it, CPU comes from the kernel (/proc/PID/task/*/schedstat, all threads). Each series runs in
rounds: every member once, in turn, then again; what is printed is the median of the rounds, and its ratio to the first member of its
series. All members of a series are alive at the same time, so that what disturbs one disturbs the others. On a machine that has other work
the least of the rounds says more: what others do only ever adds. Target: flat within 10 %.
"""

import argparse
import base64
import concurrent.futures
import contextlib
import http.client
import json
import os
import pathlib
import re
import resource
import shutil
import signal
import statistics
import subprocess
import sys
import tempfile
import time

ROOT = pathlib.Path(__file__).resolve().parent.parent
sys.path.insert(0, str(ROOT / "tests" / "blackbox"))

import nginx  # noqa: E402
from processes import Program, free_port  # noqa: E402

BUILD = ROOT / "build/bench"
FLOOR = "bench/bench-floor"  # in it
SERIES = ("apis", "identities", "idle", "shards", "start", "reload")
IDENTITIES = 1000
APIS = 10_000
IDLE = 20_000
CALLERS = 16
WARM_CALLS = 5  # of each API
HOT = 10  # of the APIs, where only a few are called
STRIDE = 7919  # a prime that no number of APIs is a multiple of
PASSWORD = "secret"
NS_PER_US = 1000
FLAT = 1.10


# ---- what everybody needs ----------------------------------------------------------------------------------------------------------------


def build() -> None:
    """What is measured, optimised; the folder is that of the other measurements."""
    if not (BUILD / "build.ninja").exists():
        subprocess.run(["scripts/fetch-dependencies", "bench"], cwd=ROOT, check=True)
        subprocess.run(["meson", "setup", "--buildtype=release", "-Dbench=true", "-Dtests=false", BUILD], cwd=ROOT, check=True)
    subprocess.run(["ninja", "-C", BUILD, "--quiet", "src/signet", FLOOR], cwd=ROOT, check=True)


class Pki:
    """Authorities, the origin's certificate and the clients' PFX files (2,048 rounds of PBKDF2, as openssl makes them). Kept for the next
    run: making a thousand of them takes a minute."""

    def __init__(self, folder: pathlib.Path):
        self.folder = folder
        folder.mkdir(parents=True, exist_ok=True)
        (folder / "password").write_text(PASSWORD + "\n")
        if not (folder / "server.crt").exists():
            for name in ("server-authority", "client-authority"):
                self._make(name, "-addext", "keyUsage=critical,keyCertSign,cRLSign")
            self._issue("server", "server-authority", "serverAuth", "-addext", "subjectAltName=DNS:localhost,IP:127.0.0.1")

    def _openssl(self, *arguments: str) -> None:
        subprocess.run(["openssl", *arguments], cwd=self.folder, check=True, capture_output=True, timeout=60)

    def _make(self, name: str, *more: str) -> None:
        self._openssl("req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes", "-days", "365",
                      "-subj", f"/CN={name}", "-keyout", f"{name}.key", "-out", f"{name}.crt", *more)

    def _issue(self, name: str, authority: str, usage: str, *more: str) -> None:
        self._make(name, "-CA", f"{authority}.crt", "-CAkey", f"{authority}.key", "-addext", "basicConstraints=critical,CA:FALSE",
                   "-addext", "keyUsage=critical,digitalSignature", "-addext", f"extendedKeyUsage={usage}", *more)

    def client(self, name: str) -> pathlib.Path:
        pfx = self.folder / f"{name}.pfx"
        if not pfx.exists():
            self._issue(name, "client-authority", "clientAuth")
            new = f"{name}.pfx.new"
            self._openssl("pkcs12", "-export", "-inkey", f"{name}.key", "-in", f"{name}.crt", "-certfile", "client-authority.crt",
                          "-passout", f"pass:{PASSWORD}", "-out", new)
            (self.folder / new).rename(pfx)
        return pfx

    def clients(self, count: int) -> list[pathlib.Path]:
        with concurrent.futures.ThreadPoolExecutor(os.cpu_count()) as pool:
            return list(pool.map(self.client, (f"client-{i}" for i in range(count))))


class Origin:
    """nginx that demands a client certificate and answers 150 bytes; on another port the same in plain HTTP. One worker."""

    def __init__(self, pki: Pki, folder: pathlib.Path):
        self.port, self.plain_port = free_port(), free_port()
        http = f"""
  keepalive_timeout 1h;
  keepalive_requests 1000000000;
  default_type text/plain;
  server {{
    listen 127.0.0.1:{self.port} ssl backlog=8192;
    ssl_certificate {pki.folder}/server.crt;
    ssl_certificate_key {pki.folder}/server.key;
    ssl_protocols TLSv1.3;
    ssl_client_certificate {pki.folder}/client-authority.crt;
    ssl_verify_client on;
    location / {{ return 200 "{"x" * 150}"; }}
  }}
  server {{
    listen 127.0.0.1:{self.plain_port} backlog=8192;
    location / {{ return 200 "{"x" * 150}"; }}
  }}
"""
        self.program = Program(nginx.command(folder, http, level="crit", connections=16_000), folder / "nginx.out")
        self.program.wait_until_listening(self.port)


class Server:
    """A program between the callers and the origin; its files are in a folder of its own."""

    def __init__(self, folder: pathlib.Path, name: str, port: int, paths: list[str]):
        self.name, self.port, self.paths = name, port, paths
        self.folder = folder / name
        self.folder.mkdir(exist_ok=True)
        self.program: Program | None = None

    @property
    def pid(self) -> int:
        return self.program.process.pid

    def stop(self) -> None:
        if self.program:
            self.program.stop()
            self.program = None

    def cpu_ns(self) -> int:
        """Of all its threads."""
        return sum(int((task / "schedstat").read_text().split()[0]) for task in pathlib.Path(f"/proc/{self.pid}/task").iterdir())


class Floor(Server):
    """Carries bytes, and nothing else, over so many connections to the origin's plain port, one after the other."""

    def __init__(self, folder: pathlib.Path, origin: Origin, connections: int):
        super().__init__(folder, f"floor-{connections}", free_port(), ["/"])
        self.program = Program([BUILD / FLOOR, "--listen", str(self.port), "--origin", str(origin.plain_port),
                                "--spread", str(connections)], self.folder / "floor.log")
        self.program.wait_until_listening(self.port)


class Gateway(Server):
    """Signet with a configuration."""

    def __init__(self, binary: pathlib.Path, folder: pathlib.Path, name: str, config: dict):
        port = int(config["listeners"][0]["address"].split(":")[1])
        super().__init__(folder, name, port, [f"/{api['path']}" for api in config["apis"]])
        self.binary = binary
        self.file = self.folder / "signet.json"
        self.file.write_text(json.dumps(config, indent=1))
        self._starts = 0

    def start(self) -> "Gateway":
        self._starts += 1
        self.program = Program([self.binary, "run", self.file], self.folder / f"signet-{self._starts}.log")
        return self

    def wait_until_serving(self) -> None:
        """Until a call is answered by the origin."""
        deadline = time.monotonic() + 60
        while time.monotonic() < deadline:
            if self.program.process.poll() is not None:
                raise RuntimeError(f"{self.name} ended: {self.program.log}")
            with contextlib.suppress(OSError, http.client.HTTPException):
                connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=10)
                connection.request("GET", self.paths[0])
                answer = connection.getresponse()
                body = answer.read()
                connection.close()
                if answer.status != 200:
                    raise RuntimeError(f"{self.name} answers {answer.status}: {body!r}\n{self.program.log}")
                return
            time.sleep(0.002)
        raise RuntimeError(f"{self.name} does not serve: {self.program.log}")

    def cpu_s(self) -> float:
        """Of all threads that it ever had; coarse."""
        fields = pathlib.Path(f"/proc/{self.pid}/stat").read_text().rsplit(")", 1)[1].split()
        return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")

    def resident_bytes(self) -> int:
        """Anonymous memory: kernel memory of sockets is not in it."""
        return int(re.search(r"RssAnon:\s+(\d+) kB", pathlib.Path(f"/proc/{self.pid}/status").read_text())[1]) * 1024


def configuration(pki: Pki, origin: Origin, *, apis: int, identities: int, shards: int = 1, **more) -> dict:
    """API i goes to the origin under certificate i modulo `identities`."""
    backend = {"url": f"https://127.0.0.1:{origin.port}", "tls": {"certificateAuthorities": ["servers"]},
               "connections": {"max": 256, "idleMax": 256, "idleTimeout": "1h"}}
    return {
        "shards": shards,
        "listeners": [{"address": f"127.0.0.1:{free_port()}"}],
        "timeouts": {"head": "1h", "idle": "1h"},
        "drainTimeout": "1s",
        "limits": {"connectionsMax": 100_000},
        "certificateAuthorities": [{"id": "servers", "pemFile": str(pki.folder / "server-authority.crt")}],
        "certificates": [{"id": f"client-{i}", "pfxFile": str(pki.folder / f"client-{i}.pfx"),
                          "passwordFile": str(pki.folder / "password")} for i in range(identities)],
        "backends": [{"id": f"origin-{i}", "credentials": {"certificateIds": [f"client-{i}"]}, **backend} for i in range(identities)],
        "apis": [{"id": f"api-{i}", "path": f"apis/api-{i}", "backendId": f"origin-{i % identities}"} for i in range(apis)],
        **more,
    }


class Load:
    """wrk, over some paths: each is called as often as the others, in an order that has no neighbours."""

    def __init__(self, folder: pathlib.Path, gateway: Gateway, called: int, connections: int, threads: int = 1):
        self.gateway, self.called, self.connections, self.threads = gateway, called, connections, threads
        self.script = folder / f"{gateway.name}-{called}.lua"
        self.script.write_text(f"""
local requests, at = {{}}, 0
function init(arguments)
  for line in io.lines("{self.script}.paths") do requests[#requests + 1] = wrk.format("GET", line) end
end
function request()
  at = (at + {STRIDE}) % #requests
  return requests[at + 1]
end
""")
        self.script.with_name(self.script.name + ".paths").write_text("".join(f"{path}\n" for path in gateway.paths[:called]))

    def warm(self, seconds: float) -> None:
        """Until every API was called often enough for all its connections to be open."""
        calls = self.run(seconds)
        while calls < WARM_CALLS * self.called:
            calls += self.run(seconds)

    def run(self, seconds: float) -> int:
        """How many calls were answered with 200."""
        done = subprocess.run(["wrk", f"-t{self.threads}", f"-c{self.connections}", f"-d{seconds}s", "--timeout", "10s", "-s",
                               str(self.script), f"http://127.0.0.1:{self.gateway.port}"], capture_output=True, text=True, check=True,
                              timeout=seconds + 60)
        calls = re.search(r"(\d+) requests in", done.stdout)
        if not calls or "Non-2xx" in done.stdout or "Socket errors" in done.stdout:
            raise RuntimeError(f"calls through {self.gateway.name} failed:\n{done.stdout}\n{self.gateway.program.log[-2000:]}")
        return int(calls[1])


class Bench:
    def __init__(self, options: argparse.Namespace, folder: pathlib.Path, stack: contextlib.ExitStack):
        self.options, self.folder, self.stack = options, folder, stack
        self.pki = Pki(options.pki)
        say(f"client certificates in {options.pki} …")
        self.pki.clients(IDENTITIES)
        self.origin = Origin(self.pki, folder)
        stack.callback(self.origin.program.stop)
        self.results: dict[str, list[dict]] = {}

    def gateway(self, name: str, **shape) -> Gateway:
        gateway = Gateway(self.options.binary, self.folder, name, configuration(self.pki, self.origin, **shape))
        self.stack.callback(gateway.stop)
        return gateway

    def serving(self, name: str, **shape) -> Gateway:
        gateway = self.gateway(name, **shape).start()
        gateway.wait_until_serving()
        return gateway

    def cpu_per_call(self, series: str, members: list[tuple[str, Load]]) -> None:
        """Each member once per round. A round begins with calls that do not count: they open connections."""
        costs: dict[str, list[float]] = {name: [] for name, _ in members}
        for _, load in members:
            load.warm(self.options.warm_up)
        for turn in range(self.options.rounds):
            for name, load in members if turn % 2 == 0 else reversed(members):
                before = load.gateway.cpu_ns()
                calls = load.run(self.options.seconds)
                costs[name].append((load.gateway.cpu_ns() - before) / calls / NS_PER_US)
        # The ratio is taken within each round: what slows the whole machine for a while does not count.
        first = costs[members[0][0]]
        for name, _ in members:
            ratio = statistics.median(cost / base for cost, base in zip(costs[name], first))
            self.add(series, name, {"CPU µs/call": round(statistics.median(costs[name]), 2), "ratio": round(ratio, 3),
                                    "least": round(min(costs[name]), 2), "ratio of least": round(min(costs[name]) / min(first), 3)},
                     costs[name])

    def add(self, series: str, name: str, figures: dict, rounds: list | None = None) -> None:
        self.results.setdefault(series, []).append({"name": name, **figures, **({"rounds": rounds} if rounds else {})})
        say(f"  {series:<22} {name:<34} " + "  ".join(f"{key} {value}" for key, value in figures.items()))

    def stop_gateways(self) -> None:
        """The origin stays."""
        self.stack.close()
        self.origin = Origin(self.pki, self.folder)
        self.stack.callback(self.origin.program.stop)

    # ---- the series ----------------------------------------------------------------------------------------------------------------------

    def apis(self) -> None:
        gateways = [self.serving(f"apis-{count}", apis=count, identities=1) for count in (10, 100, 1000, APIS)]
        for what, of in (("each is called", len), ("ten are called", lambda _: HOT)):
            self.cpu_per_call(f"APIs, {what}", [(f"{len(gateway.paths):,} APIs", Load(self.folder, gateway, of(gateway.paths), CALLERS))
                                                for gateway in gateways])

    def identities(self) -> None:
        counts = (1, 10, 100, IDENTITIES)
        gateways = [self.serving(f"identities-{count}", apis=IDENTITIES, identities=count) for count in counts]
        for what, called in (("each is called", IDENTITIES), ("ten are called", HOT)):
            self.cpu_per_call(f"identities, {what}", [(f"{count:,} identities", Load(self.folder, gateway, called, CALLERS))
                                                      for count, gateway in zip(counts, gateways)])
        counts = (CALLERS, 100, IDENTITIES)
        floors = [Floor(self.folder, self.origin, connections) for connections in counts]
        for floor in floors:
            self.stack.callback(floor.stop)
        self.cpu_per_call("floor, each is called", [(f"{connections:,} connections", Load(self.folder, floor, 1, CALLERS))
                                                    for connections, floor in zip(counts, floors)])

    def idle(self) -> None:
        most = min(IDLE, resource.getrlimit(resource.RLIMIT_NOFILE)[1] - 500)  # one descriptor for each
        members = []
        for count in (0, 1000, most):
            gateway = self.serving(f"idle-{count}", apis=10, identities=1)
            load = Load(self.folder, gateway, HOT, CALLERS)
            load.run(self.options.warm_up)
            before = gateway.resident_bytes()
            holders = [Holder(gateway, part, at) for at, part in enumerate(parts(count, 5000))]
            for holder in holders:
                self.stack.callback(holder.stop)
                holder.wait()
            if count:
                self.add("idle callers, memory", f"{count:,} callers", {
                    "bytes/caller": round((gateway.resident_bytes() - before) / count)})
            members.append((f"{count:,} idle callers", load))
        self.cpu_per_call("idle callers", members)

    def shards(self) -> None:
        rates: dict[int, list[float]] = {1: [], 2: []}
        costs: dict[int, list[float]] = {1: [], 2: []}
        loads = {}
        for shards in rates:
            gateway = self.serving(f"shards-{shards}", apis=1000, identities=10, shards=shards)
            loads[shards] = Load(self.folder, gateway, 1000, 64, threads=2)
            loads[shards].warm(self.options.warm_up)
        for _ in range(self.options.rounds):
            for shards, load in loads.items():
                before, begin = load.gateway.cpu_ns(), time.monotonic()
                calls = load.run(self.options.seconds)
                rates[shards].append(calls / (time.monotonic() - begin))
                costs[shards].append((load.gateway.cpu_ns() - before) / calls / NS_PER_US)
        for shards in rates:
            self.add("shards", f"{shards} shard{'s' if shards > 1 else ''}", {
                "calls/s": round(statistics.median(rates[shards])),
                "ratio": round(statistics.median(a / b for a, b in zip(rates[shards], rates[1])), 3),
                "CPU µs/call": round(statistics.median(costs[shards]), 2),
                "CPU ratio": round(statistics.median(a / b for a, b in zip(costs[shards], costs[1])), 3)})

    def start(self) -> None:
        shapes = ((10, 1), (APIS, 1), (10, IDENTITIES), (APIS, IDENTITIES))
        gateways = [self.gateway(f"start-{apis}-{identities}", apis=apis, identities=identities) for apis, identities in shapes]
        serving: dict[str, list[float]] = {gateway.name: [] for gateway in gateways}
        used: dict[str, list[float]] = {gateway.name: [] for gateway in gateways}
        checked: dict[str, list[float]] = {gateway.name: [] for gateway in gateways}
        for _ in range(min(self.options.rounds, 5)):
            for gateway in gateways:
                begin = time.monotonic()
                gateway.start().wait_until_serving()
                serving[gateway.name].append(time.monotonic() - begin)
                used[gateway.name].append(gateway.cpu_s())
                gateway.stop()
                begin = time.monotonic()
                subprocess.run([gateway.binary, "check", gateway.file], check=True, stdout=subprocess.DEVNULL, timeout=60)
                checked[gateway.name].append(time.monotonic() - begin)
        for (apis, identities), gateway in zip(shapes, gateways):
            self.add("start", f"{apis:,} APIs, {identities:,} PFX files", {
                "serves after s": round(statistics.median(serving[gateway.name]), 3),
                "CPU s": round(statistics.median(used[gateway.name]), 2),
                "check s": round(statistics.median(checked[gateway.name]), 3)}, serving[gateway.name])

    def reload(self) -> None:
        """Clients 0 and 1 take turns as the content of one file."""
        for apis, identities in ((10, 1), (APIS, IDENTITIES)):
            folder = self.folder / f"turning-{identities}"
            folder.mkdir(exist_ok=True)
            turning = folder / "turning.pfx"
            contents = [self.pki.client(f"turn-{turn}").read_bytes() for turn in range(2)]
            replace(turning, contents[1])
            for cause, watch in (("SIGHUP", False), ("file watch", True)):
                shape = configuration(self.pki, self.origin, apis=apis, identities=identities, watchFiles=watch)
                shape["certificates"][0]["pfxFile"] = str(turning)
                gateway = Gateway(self.options.binary, self.folder, f"reload-{apis}-{'watch' if watch else 'signal'}", shape)
                self.stack.callback(gateway.stop)
                gateway.start().wait_until_serving()
                times, used = [], []
                for turn in range(2 * min(self.options.rounds, 5)):
                    log = len(gateway.program.log)
                    before, begin = gateway.cpu_ns(), time.monotonic()
                    replace(turning, contents[turn % 2])
                    if not watch:
                        gateway.program.signal(signal.SIGHUP)
                    while "reload applied" not in gateway.program.log[log:]:
                        if time.monotonic() > begin + 30 or "reload refused" in gateway.program.log[log:]:
                            raise RuntimeError(gateway.program.log[-2000:])
                        time.sleep(0.002)
                    times.append(time.monotonic() - begin)
                    used.append((gateway.cpu_ns() - before) / 1e9)
                    assert "certificates_changed=1" in gateway.program.log[log:], gateway.program.log[log:]
                    time.sleep(0.3)  # events of this change are over
                gateway.stop()
                self.add("reload", f"{cause}: {apis:,} APIs, {identities:,} PFX", {
                    "in force after s": round(statistics.median(times), 3), "CPU s": round(statistics.median(used), 3)}, times)
        for count in (10, IDENTITIES):
            self.put(count)

    def put(self, count: int) -> None:
        """As many certificates, back ends and APIs in the store, and one of the certificates is replaced again and again."""
        state = self.folder / f"state-{count}"
        admin = free_port()
        shape = configuration(self.pki, self.origin, apis=1, identities=1, stateDirectory=str(state),
                              admin={"address": f"127.0.0.1:{admin}", "tls": False})
        gateway = Gateway(self.options.binary, self.folder, f"put-{count}", shape)
        self.stack.callback(gateway.stop)
        gateway.start().wait_until_serving()
        manage = Manage(admin, (state / "admin.token").read_text().strip())
        contents = [base64.b64encode(self.pki.client(f"turn-{turn}").read_bytes()).decode() for turn in range(2)]
        begin = time.monotonic()
        for at in range(count):
            pfx = base64.b64encode(self.pki.client(f"client-{at}").read_bytes()).decode()
            manage.put(f"certificates/kept-{at}", {"data": pfx, "password": PASSWORD})
            manage.put(f"backends/kept-{at}", {"url": f"https://127.0.0.1:{self.origin.port}", "protocol": "http",
                                               "credentials": {"certificateIds": [f"kept-{at}"]},
                                               "tls": {"certificateAuthorities": ["servers"]}})
            manage.put(f"apis/kept-{at}", {"displayName": f"kept {at}", "path": f"kept/{at}", "protocols": ["http"],
                                           "backendId": f"kept-{at}"})
        filled = time.monotonic() - begin
        puts, gets, used = [], [], []
        for turn in range(2 * min(self.options.rounds, 5)):
            before, begin = gateway.cpu_ns(), time.monotonic()
            manage.put("certificates/kept-0", {"data": contents[turn % 2], "password": PASSWORD})
            puts.append(time.monotonic() - begin)
            used.append((gateway.cpu_ns() - before) / 1e9)
            begin = time.monotonic()
            manage.call("GET", "certificates/kept-0")
            gets.append(time.monotonic() - begin)
        gateway.stop()
        self.add("reload", f"PUT: {count:,} certificates and APIs", {
            "in force after s": round(statistics.median(puts), 4), "CPU s": round(statistics.median(used), 4),
            "GET s": round(statistics.median(gets), 4), "filled in s": round(filled, 1)}, puts)


class Manage:
    """The management listener, over one connection."""

    BASE = ("/subscriptions/s/resourceGroups/r/providers/Microsoft.ApiManagement/service/x/")

    def __init__(self, port: int, token: str):
        self.connection = http.client.HTTPConnection("127.0.0.1", port, timeout=60)
        self.token = token

    def call(self, method: str, path: str, properties: dict | None = None) -> None:
        fields = {"Authorization": f"Bearer {self.token}", "Content-Type": "application/json"}
        if method == "PUT":
            fields["If-Match"] = "*"
        body = None if properties is None else json.dumps({"properties": properties})
        self.connection.request(method, f"{self.BASE}{path}?api-version=2024-05-01", body, fields)
        answer = self.connection.getresponse()
        text = answer.read()
        if answer.status not in (200, 201):
            raise RuntimeError(f"{method} {path}: {answer.status} {text!r}")

    def put(self, path: str, properties: dict) -> None:
        self.call("PUT", path, properties)


class Holder:
    """A process with callers that have made one call each and say nothing more; loopback has 28,000 ports for each address, so that each
    holder has an address of its own."""

    CODE = """
import socket, sys
port, count, source = int(sys.argv[1]), int(sys.argv[2]), sys.argv[3]
held = []
for _ in range(count):
    caller = socket.create_connection(("127.0.0.1", port), source_address=(source, 0), timeout=30)
    caller.sendall(sys.argv[4].encode())
    assert caller.recv(4096).startswith(b"HTTP/1.1 200")
    held.append(caller)
print("ready", flush=True)
sys.stdin.read()
"""

    def __init__(self, gateway: Gateway, count: int, at: int):
        request = f"GET {gateway.paths[0]} HTTP/1.1\r\nHost: x\r\n\r\n"
        self.process = subprocess.Popen([sys.executable, "-c", self.CODE, str(gateway.port), str(count), f"127.0.0.{2 + at}", request],
                                        stdin=subprocess.PIPE, stdout=subprocess.PIPE)

    def wait(self) -> None:
        if self.process.stdout.readline() != b"ready\n":
            raise RuntimeError("idle callers could not be held")

    def stop(self) -> None:
        self.process.stdin.close()
        self.process.wait(timeout=30)
        self.process.stdout.close()


def parts(whole: int, size_max: int) -> list[int]:
    return [min(size_max, whole - begin) for begin in range(0, whole, size_max)]


def replace(path: pathlib.Path, content: bytes) -> None:
    new = path.with_name(path.name + ".new")
    new.write_bytes(content)
    new.rename(path)


def say(text: str) -> None:
    print(text, flush=True)


def table(results: dict[str, list[dict]]) -> str:
    lines = []
    for series, rows in results.items():
        columns = [key for key in rows[0] if key not in ("name", "rounds")]
        lines += ["", f"{series:<36}" + "".join(f"{column:>18}" for column in columns)]
        for row in rows:
            mark = "   not flat" if min(row.get("ratio", 1), row.get("ratio of least", 1)) > FLAT else ""
            lines.append(f"  {row['name']:<34}" + "".join(f"{row.get(column, '')!s:>18}" for column in columns) + mark)
    return "\n".join(lines)


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--binary", type=pathlib.Path, help="another build of Signet than build/bench, which is built anew")
    parser.add_argument("--only", default=",".join(SERIES), help="series, with commas between them; default: %(default)s")
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--seconds", type=int, default=2, help="of load, for each member in each round")
    parser.add_argument("--warm-up", type=int, default=2, help="seconds of load that do not count")
    parser.add_argument("--pki", type=pathlib.Path, default=ROOT / "build/bench-scale-pki", help="default: %(default)s")
    parser.add_argument("--json", type=pathlib.Path, default=ROOT / "build/bench-scale.json", help="default: %(default)s")
    options = parser.parse_args()
    options.pki, wanted = options.pki.resolve(), options.only.split(",")
    if unknown := set(wanted) - set(SERIES):
        parser.error(f"unknown series: {', '.join(sorted(unknown))}")
    for program in ("nginx", "wrk", "openssl"):
        if not shutil.which(program):
            parser.error(f"{program} is needed")
    say("building build/bench …")
    build()
    options.binary = (options.binary or BUILD / "src/signet").resolve()
    if not options.binary.exists():
        parser.error(f"{options.binary} is not there")
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))
    with tempfile.TemporaryDirectory(prefix="signet-scale-") as folder, contextlib.ExitStack() as stack:
        bench = Bench(options, pathlib.Path(folder), stack)
        for series in wanted:
            getattr(bench, series)()
            bench.stop_gateways()
    say(table(bench.results))
    options.json.parent.mkdir(parents=True, exist_ok=True)
    options.json.write_text(json.dumps({"machine": os.uname()._asdict() if hasattr(os.uname(), "_asdict") else list(os.uname()),
                                        "cores": len(os.sched_getaffinity(0)), "time": time.strftime("%FT%TZ", time.gmtime()),
                                        "rounds": options.rounds, "seconds": options.seconds, "results": bench.results}, indent=1))
    say(f"\n{options.json}")
    return 0


if __name__ == "__main__":
    sys.exit(main())
