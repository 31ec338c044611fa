# SPDX-License-Identifier: GPL-3.0-or-later
"""What a black-box test needs, under one name: the signet program, back ends, callers, certificates.

    def test_the_back_end_sees_the_configured_certificate():
        with Nginx(pki()) as origin, Signet(gateway(backend("orders", origin.url, pki().orders))) as signet:
            response = call(signet.port, "/orders/1k")
        assert response.field("X-Client-Sha1") == pki().orders.sha1

Nothing here waits for a time to pass; every wait is for an event and has a limit that only a hanging program reaches.
"""

import atexit
import functools
import json
import os
import pathlib
import signal
import subprocess
import tempfile

# pylint: disable=unused-import
from http_client import Caller, Closed, Message, Reader, call, chunks, request
from origins import KIB, MIB, Apache, Nginx, OpensslServer
from pki import PASSWORD, Client, Pair, Pki, openssl
from processes import Program, free_port
from scripted_origin import Connection, ScriptedOrigin, answer

ROOT = pathlib.Path(__file__).resolve().parent.parent.parent
BINARY_VARIABLE = "SIGNET_BINARY"
COMMAND_S = 30.0


@functools.cache
def pki() -> Pki:
    """Made once; the runner makes it before the first test."""
    folder = tempfile.TemporaryDirectory(prefix="signet-pki-")
    maker = os.getpid()
    atexit.register(lambda: folder.cleanup() if os.getpid() == maker else None)
    return Pki(pathlib.Path(folder.name))


def may_take(timeout_s: float):
    """A test that is cut off after this time, not after the runner's."""
    def mark(function):
        function.timeout_s = timeout_s
        return function
    return mark


def binary() -> pathlib.Path:
    return pathlib.Path(os.environ.get(BINARY_VARIABLE) or ROOT / "build/release/src/signet").resolve()


# ---- configurations ----------------------------------------------------------------------------------------------------------------------


def backend(name: str, url: str, client: Client | None = None, **tls) -> dict:
    """A backend object. `tls` are properties of its tls object, in camelCase."""
    made: dict = {"id": name, "url": url}
    if url.startswith("https:"):
        made["tls"] = {"certificateAuthorities": ["test-ca"], **tls}
    if client:
        made["credentials"] = {"certificateIds": [client.name]}
    return made


def gateway(*backends: dict, **more) -> dict:
    """A configuration in which each backend is published as an API under its id. `more` are further top-level properties. One shard, so
    that a second call finds what the first has left: connections and sessions."""
    wanted = {name for each in backends for name in each.get("credentials", {}).get("certificateIds", ())}
    clients = [client for client in (pki().orders, pki().billing, pki().self_signed, pki().self_signed_rsa) if client.name in wanted]
    return {
        "shards": 1,
        "certificates": [client.config() for client in clients],
        "certificateAuthorities": [pki().authority()],
        "backends": list(backends),
        "apis": [{"id": each["id"], "path": each["id"], "backendId": each["id"]} for each in backends],
        **more,
    }


def one_api(origin: Nginx | OpensslServer | ScriptedOrigin, **more) -> dict:
    """The usual case: this origin as API "api", called as "orders"."""
    return gateway(backend("api", origin.url, pki().orders), **more)


# ---- the program -------------------------------------------------------------------------------------------------------------------------


class Signet:
    """`signet run` with this configuration on a free port. `log` is standard output and standard error. `listener` are further properties
    of its listener."""

    def __init__(self, config: dict, **listener):
        self.port = free_port()
        self._folder = tempfile.TemporaryDirectory(prefix="signet-run-")
        self.folder = pathlib.Path(self._folder.name)
        self.config_file = self.folder / "signet.json"
        self.config_file.write_text(json.dumps({"listeners": [{"address": f"127.0.0.1:{self.port}", **listener}], **config}, indent=2))
        self.program = Program([str(binary()), "run", str(self.config_file)], self.folder / "signet.log", cwd=self.folder)

    @property
    def log(self) -> str:
        return self.program.log

    def access_lines(self) -> list[str]:
        """The access log. Complete once the program has ended."""
        return [line for line in self.log.splitlines() if " caller=" in line and " status=" in line]

    def signal(self, number: signal.Signals = signal.SIGTERM) -> None:
        self.program.signal(number)

    def wait(self) -> int:
        """The exit status of a program that is about to end."""
        return self.program.wait()

    def stop(self) -> int:
        return self.program.stop()

    def __enter__(self) -> "Signet":
        try:
            self.program.wait_until_listening(self.port)
        except AssertionError:
            self.__exit__(None)
            raise
        return self

    def __exit__(self, failure, *_) -> None:
        status = self.program.stop()
        log = self.log
        self._folder.cleanup()
        if failure:
            print(f"---- signet ended with status {status}; its log:\n{log[-6000:]}")
        else:
            # Whatever a test is about: a crash, or a report of a sanitizer, is never fine.
            assert status in (0, 2) or self.program.killed, f"signet ended with status {status}:\n{log[-6000:]}"


def signet(*arguments: str | pathlib.Path, cwd: pathlib.Path | None = None) -> tuple[int, str]:
    """Runs the program to its end: exit status, and standard output with standard error."""
    done = subprocess.run([str(binary()), *map(str, arguments)], stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
                          cwd=cwd, timeout=COMMAND_S, check=False)
    return done.returncode, done.stdout.decode(errors="replace")


def refusal_to_start(config: dict | str) -> str:
    """Runs `signet run` with a configuration (a dict, or the text of the file) that must not start. What it says; the file's name is
    signet.json in the current folder."""
    with tempfile.TemporaryDirectory(prefix="signet-refused-") as folder:
        if isinstance(config, dict):
            config = json.dumps({"listeners": [{"address": f"127.0.0.1:{free_port()}"}], **config}, indent=2)
        (pathlib.Path(folder) / "signet.json").write_text(config)
        status, said = signet("run", "signet.json", cwd=pathlib.Path(folder))
    assert status == 1, f"expected exit status 1, not {status}:\n{said}"
    return said


# ---- what answers look like --------------------------------------------------------------------------------------------------------------


def assert_error(response: Message, status: int, code: str | None = None) -> None:
    """One of Signet's own answers: JSON body, Proxy-Status (RFC 9209), matching status."""
    assert response.status == status, f"expected {status}, got {response.start_line}: {response.body[:500]!r}"
    assert response.field("Content-Type") == "application/json", response.fields
    assert (response.field("Proxy-Status") or "").startswith("signet"), response.fields
    body = response.json()
    assert set(body) == {"statusCode", "code", "message", "activityId"}, body
    assert body["statusCode"] == status, body
    assert body["message"] and body["activityId"], body
    if code:
        assert body["code"] == code, body
