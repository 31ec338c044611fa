# SPDX-License-Identifier: GPL-3.0-or-later
"""One measurement: callers (bench/load.cc) on a gateway that has been shown to answer correctly."""

import http.client
import json
import pathlib
import select
import subprocess

from peers import machine
from peers.gateways import Gateway
from peers.origin import CIPHER, SLOW_PER_S, Origin
from peers.rows import Row, Wrong

ANSWER_S = 90.0


class Callers:
    """A running bench-load that has made its first calls."""

    def __init__(self, program: pathlib.Path, port: int, arguments: list[str], cpus: set[int]):
        with machine.on_cpus(cpus):
            # pylint: disable-next=consider-using-with
            self._process = subprocess.Popen([str(program), "--port", str(port), *arguments], stdin=subprocess.PIPE, stdout=subprocess.PIPE)
        self.prepared: dict = {}

    def __enter__(self) -> "Callers":
        try:
            self.prepared = json.loads(self._line().removeprefix("ready "))
            _check(self.prepared)
        except BaseException:
            self.__exit__()
            raise
        return self

    def __exit__(self, *_) -> None:
        if self._process.poll() is None:
            self._process.terminate()
            self._process.wait()
        self._process.stdin.close()
        self._process.stdout.close()

    def measure(self) -> dict:
        self._process.stdin.write(b"go\n")
        self._process.stdin.flush()
        return json.loads(self._line())

    def _line(self) -> str:
        # The program writes whole lines and nothing after one until it is told to go on: whatever is readable is that line.
        if not select.select([self._process.stdout], [], [], ANSWER_S)[0]:
            raise Wrong(f"the callers said nothing for {ANSWER_S:.0f} s")
        line = self._process.stdout.readline().decode()
        if not line:
            raise Wrong(f"the callers ended with status {self._process.wait()}")
        return line


def _check(result: dict) -> None:
    if result["failed"] or not result["calls"]:
        raise Wrong(f"{result['failed']} of {result['failed'] + result['calls']} calls failed; the first: {result['first_failure']}")


def _call(port: int, method: str, path: str, body: bytes | None = None) -> tuple[http.client.HTTPResponse, bytes]:
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=10)
    try:
        connection.request(method, path, body)
        response = connection.getresponse()
        return response, response.read()
    finally:
        connection.close()


def probe(gateway: Gateway, row: Row, origin: Origin) -> dict:
    """Calls once and looks at everything: status, body, and what the origin says it saw. Returns what the TLS connection is like."""
    for path in dict.fromkeys(row.paths[:3] + row.paths[-1:]):
        route, _, what = path.strip("/").rpartition("/")
        response, body = _call(gateway.port, row.method, path, b"b" * row.body_bytes or None)
        if what == "upload":
            received = int(response.headers["X-Received"] or 0)
            if response.status != 204 or not row.body_bytes < received < row.body_bytes + 1000:
                raise Wrong(f"{row.method} {path} got {response.status}, and the origin received {received} bytes")
        elif response.status != 200 or body != origin.bodies[what]:
            raise Wrong(f"{path} got {response.status} with {len(body)} bytes instead of {len(origin.bodies[what])}: {body[:300]!r}")
    if not gateway.adds_tls:
        return {}
    response, body = _call(gateway.port, "GET", f"/{route}/probe")
    wanted = {"pooled": "p256", "single": "p256", "full-p256": "p256", "full-rsa": "rsa"}.get(route, route)
    seen = {"client": response.headers["X-Client"], "tls": response.headers["X-Tls"], "group": response.headers["X-Group"],
            "sni": response.headers["X-Sni"]}
    expected = {"client": f"CN={wanted}", "tls": f"TLSv1.3 {CIPHER}", "group": gateway.setup.group or seen["group"], "sni": "localhost"}
    if gateway.setup.shared_upstream:
        expected["client"] = seen["client"]
    if seen != expected:
        raise Wrong(f"the origin saw {seen} instead of {expected}")
    return seen


def _arguments(row: Row, seconds: float, warm: float, rate: float | None) -> list[str]:
    arguments = ["--connections", str(row.connections), "--parallel", str(min(row.connections, 64)), "--warm", str(warm),
                 "--seconds", str(seconds), "--method", row.method, "--body", str(row.body_bytes)]
    for path in row.paths:
        arguments += ["--target", path]
    for expected in row.expected:
        arguments += ["--expect", expected]
    return arguments + (["--rate", str(rate)] if rate else [])


def load(gateway: Gateway, row: Row, program: pathlib.Path, cpus: set[int], seconds: float, warm: float, rate: float | None = None) -> dict:
    """CPU, latency and count of the calls of one window."""
    with Callers(program, gateway.port, _arguments(row, seconds, warm, rate), cpus) as callers:
        before = machine.cpu(gateway.pid)
        result = callers.measure()
        used = machine.cpu(gateway.pid).since(before)
        memory = machine.memory(gateway.pid)
    _check(result)
    per_call = used["total"] * 1e6 / result["calls"]
    rates = {"busy": used["total"] / result["seconds"], "calls_per_s": result["calls"] / result["seconds"]}
    return {**result, "cpu_us": per_call, "ticks": [used["user_ticks"], used["system_ticks"]], **rates, **memory}


def idle_callers(gateway: Gateway, row: Row, program: pathlib.Path, cpus: set[int]) -> dict:
    """Memory that each of many callers costs who has called once and rests. What a gateway sets up for its first calls is there before."""
    few = ["--connections", "64", "--warm", "0.5", "--target", row.paths[0]]
    with Callers(program, gateway.port, few, cpus):
        pass
    before = machine.memory(gateway.pid)
    many = ["--connections", str(row.connections), "--parallel", "64", "--target", row.paths[0]]
    with Callers(program, gateway.port, many, cpus) as callers:
        after = machine.memory(gateway.pid)
        if callers.prepared["calls"] != row.connections:
            raise Wrong(f"{callers.prepared['calls']} of {row.connections} callers connected")
    return _memory_each(before, after, row.connections)


def idle_connections(gateway: Gateway, row: Row, program: pathlib.Path, cpus: set[int], origin: Origin) -> dict:
    """Memory that each TLS connection costs which rests in the pool. Calls come faster than they are answered until so many are in flight,
    each on a connection of its own; first without TLS: what calls in flight leave behind, and what the callers cost, is then there before
    and after alike. The connections are opened one after the other: many handshakes at once would leave their memory behind too."""
    growth = SLOW_PER_S
    arguments = ["--connections", str(row.connections + 100), "--parallel", "1", "--first", "/plain/150",
                 "--rate", str(SLOW_PER_S + growth), "--seconds", str(row.connections / growth)]

    def burst(path: str) -> dict:
        with Callers(program, gateway.port, [*arguments, "--target", path], cpus) as callers:
            _check(callers.measure())
            return {**machine.memory(gateway.pid), "connections": machine.connections_to(origin.ports["pooled"])}

    before, after = burst("/plain/slow"), burst(row.paths[0])
    opened = after["connections"] - before["connections"]
    if opened < row.connections / 2:
        raise Wrong(f"only {opened} connections to the origin rest after {row.connections} calls at once")
    return {**_memory_each(before, after, opened), "connections": opened}


def _memory_each(before: dict, after: dict, number: int) -> dict:
    return {"bytes_each": (after["anonymous_kib"] - before["anonymous_kib"]) * 1024 / number, "before": before, "after": after,
            "resident_kib": after["resident_kib"]}
