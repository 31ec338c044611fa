# SPDX-License-Identifier: GPL-3.0-or-later
"""Programs that a test starts: on free loopback ports, with their output kept, ended by their process id."""

import pathlib
import signal
import socket
import subprocess
import time

START_S = 20.0
STOP_S = 15.0


_given: set[int] = set()
_closed: list[socket.socket] = []


def free_port() -> int:
    """A port that nobody listens on now. This process is given none twice: who gets it may not listen there before another is asked for."""
    while True:
        with socket.socket() as probe:
            probe.bind(("127.0.0.1", 0))
            port = probe.getsockname()[1]
        if port not in _given:
            _given.add(port)
            return port


def closed_port() -> int:
    """A port that refuses connections for as long as this process lives: taken, so that nobody else can, and not listened on."""
    taken = socket.socket()
    taken.bind(("127.0.0.1", 0))
    _closed.append(taken)
    return taken.getsockname()[1]


class Program:
    """One running program; `log` is all that it said."""

    def __init__(self, arguments: list[str], log: pathlib.Path, *, cwd: pathlib.Path | None = None, keep_input: bool = False):
        self.arguments = [str(argument) for argument in arguments]
        self.killed = False
        self.log_file = log
        with log.open("wb") as output:
            self.process = subprocess.Popen(self.arguments, stdin=subprocess.PIPE if keep_input else subprocess.DEVNULL, stdout=output,
                                            stderr=subprocess.STDOUT, cwd=cwd)

    @property
    def log(self) -> str:
        return self.log_file.read_text(errors="replace")

    def wait_until_listening(self, *ports: int) -> None:
        """Without a byte of protocol: whoever listens sees a connection that comes and goes. A program that does not is stopped."""
        try:
            for port in ports:
                self._wait_until_listening(port)
        except BaseException:
            self.stop()
            raise

    def _wait_until_listening(self, port: int) -> None:
        deadline = time.monotonic() + START_S
        while time.monotonic() < deadline:
            if self.process.poll() is not None:
                raise AssertionError(f"{self.arguments[0]} ended with status {self.process.returncode} instead of listening:\n{self.log}")
            with socket.socket() as probe:
                if probe.connect_ex(("127.0.0.1", port)) == 0:
                    return
            time.sleep(0.01)
        raise AssertionError(f"{self.arguments[0]} does not listen on port {port}:\n{self.log}")

    def wait_for_log(self, text: str) -> None:
        deadline = time.monotonic() + START_S
        while text not in self.log:
            assert time.monotonic() < deadline, f"expected {text!r} in the output of {self.arguments[0]}:\n{self.log}"
            time.sleep(0.01)

    def signal(self, number: signal.Signals = signal.SIGTERM) -> None:
        self.process.send_signal(number)

    def wait(self, timeout_s: float = STOP_S) -> int:
        return self.process.wait(timeout=timeout_s)

    def kill(self) -> None:
        """As a crash of the machine would: without notice."""
        self.killed = True
        self.process.kill()
        self.process.wait()

    def stop(self) -> int:
        """Asks, then insists. Returns the exit status."""
        if self.process.poll() is None:
            self.signal()
            try:
                self.process.wait(timeout=STOP_S)
            except subprocess.TimeoutExpired:
                self.process.kill()
                self.process.wait()
        if self.process.stdin:
            self.process.stdin.close()
        return self.process.returncode
