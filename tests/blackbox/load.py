# SPDX-License-Identifier: GPL-3.0-or-later
"""Callers that go on while something changes, and the proof that no call was lost and none travelled under what had been replaced."""

import pathlib
import signal
import tempfile
import threading

from harness import KIB, Caller, Client, Closed, Nginx, Program, pki


def replace(path: pathlib.Path, content: bytes | str) -> None:
    """As careful programs do it: by rename."""
    new = path.with_name(path.name + ".new")
    new.write_bytes(content.encode() if isinstance(content, str) else content)
    new.rename(path)


class Load:
    """Callers on kept connections, each call with the newest mark in X-Mark, until the end of the block; every answer has to be 200."""

    def __init__(self, port: int, target: str, callers: int):
        self.mark, self.calls = "0", 0
        self.failures: list[str] = []
        self._over = threading.Event()
        self._threads = [threading.Thread(target=self._run, args=(port, target), daemon=True) for _ in range(callers)]

    def _run(self, port: int, target: str) -> None:
        try:
            with Caller(port) as caller:
                while not self._over.is_set():
                    response = caller.call(target, fields={"X-Mark": self.mark})
                    self.calls += 1
                    if response.status != 200 or response.body != KIB:
                        self.failures.append(f"{response.start_line}: {response.body[:200]!r}")
        except (Closed, OSError, AssertionError) as error:
            self.failures.append(f"{type(error).__name__}: {error}")

    def __enter__(self) -> "Load":
        for thread in self._threads:
            thread.start()
        return self

    def __exit__(self, failure, *_) -> None:
        self._over.set()
        for thread in self._threads:
            thread.join()
        assert failure or (not self.failures and self.calls), self.failures[:5]


class Wrk:
    """wrk with as many calls as it can make, each with what `mark` says at that time in X-Mark, until the end of the block."""

    def __init__(self, port: int, target: str, connections: int):
        self._folder = tempfile.TemporaryDirectory(prefix="signet-wrk-")
        folder = pathlib.Path(self._folder.name)
        self._mark, script = folder / "mark", folder / "mark.lua"
        self.mark(0)
        script.write_text(f"""request = function()
          local file = io.open("{self._mark}")
          local mark = file:read("*l")
          file:close()
          return wrk.format("GET", "{target}", {{["X-Mark"] = mark}})
        end""")
        self.program = Program(["wrk", "-t1", f"-c{connections}", "-d600s", "--timeout", "30s", "-s", str(script),
                                f"http://127.0.0.1:{port}"], folder / "wrk.log")

    def mark(self, mark: int) -> None:
        replace(self._mark, f"{mark}\n")

    def __enter__(self) -> "Wrk":
        return self

    def __exit__(self, failure, *_) -> None:
        self.program.signal(signal.SIGINT)  # it says what it has seen, and ends
        self.program.wait()
        said = self.program.log
        self._folder.cleanup()
        assert failure or ("requests in" in said and "Non-2xx" not in said and "Socket errors" not in said), said


def identities(number: int) -> list[Client]:
    """Made under the same name, so that only key and serial number tell them apart."""
    return [pki().successor(f"turn-{turn}") for turn in range(number)]


def check_marks(origin: Nginx, clients: list[Client], swaps: int) -> int:
    """Each call says in X-Mark which swap had been acknowledged when it started. Under an older certificate it must not have travelled. The
    certificates come round again; that a call is half a round behind is not taken for being half a round ahead."""
    turns = {client.sha1: turn for turn, client in enumerate(clients)}
    calls, late = 0, []
    for line in origin.calls():
        _, _, status, sha1, _, mark = line.split(" ")
        if mark == "-":
            continue
        ahead = (turns[sha1] - int(mark)) % len(clients)
        calls += 1
        if status != "200" or ahead >= len(clients) // 2:
            late.append(line)
    assert not late, f"{len(late)} of {calls} calls after {swaps} swaps: {late[:5]}"
    return calls
