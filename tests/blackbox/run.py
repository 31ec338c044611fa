#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-3.0-or-later
"""Runs the black-box tests: every function test_… of every file test_….py in this folder.

    tests/blackbox/run.py [--signet FILE] [-k TEXT] [--list]

Each test runs in a process of its own with a process group of its own; what it leaves running is ended and counts as a failure. What
failed is told at the end, with what it printed; the last line is "N passed, N failed"; exit status 1 when one failed. A test may take
TIMEOUT_S, or what harness.may_take says.
"""

import argparse
import importlib
import inspect
import os
import pathlib
import signal
import sys
import tempfile
import time
import traceback

import harness

TIMEOUT_S = 60  # of a test that has no attribute `timeout_s`
OUTPUT_BYTES_MAX = 12_000


def collect(wanted: str) -> list[tuple[str, object]]:
    """(file::function, function), in the order of the files and of the functions in them."""
    tests = []
    for path in sorted(pathlib.Path(__file__).parent.glob("test_*.py")):
        module = importlib.import_module(path.stem)
        own = [(name, member) for name, member in inspect.getmembers(module, inspect.isfunction)
               if name.startswith("test_") and member.__module__ == path.stem]
        own.sort(key=lambda pair: pair[1].__code__.co_firstlineno)
        tests += [(f"{path.stem}::{name}", function) for name, function in own]
    return [test for test in tests if wanted in test[0]]


def run_here(function, output: int) -> int:
    """In the child: the test itself. Returns the exit status."""
    os.dup2(output, 1)
    os.dup2(output, 2)
    try:
        function()
        return 0
    except BaseException:  # pylint: disable=broad-except  # whatever ends a test is its result
        traceback.print_exc()
        return 1
    finally:
        sys.stdout.flush()
        sys.stderr.flush()


def wait(child: int, timeout_s: float) -> int | None:
    """The child's wait status; None when its time is over."""
    deadline = time.monotonic() + timeout_s
    while time.monotonic() < deadline:
        pid, status = os.waitpid(child, os.WNOHANG)
        if pid:
            return status
        time.sleep(0.01)
    return None


def end_group(group: int) -> bool:
    """Ends what is left of the test's process group. True if there was something."""
    try:
        os.killpg(group, signal.SIGKILL)
        return True
    except ProcessLookupError:
        return False


def run_one(function) -> tuple[list[str], str]:
    """Faults, and what the test printed."""
    timeout_s = getattr(function, "timeout_s", TIMEOUT_S)
    with tempfile.TemporaryFile() as output:
        sys.stdout.flush()
        child = os.fork()
        if child == 0:
            os.setpgid(0, 0)
            os._exit(run_here(function, output.fileno()))
        try:
            os.setpgid(child, child)  # on both sides: whoever comes first
        except (PermissionError, ProcessLookupError):
            pass
        status = wait(child, timeout_s)
        faults = []
        left = end_group(child)
        if status is None:
            os.waitpid(child, 0)
            faults.append(f"not over after {timeout_s} s")
        else:
            if left:
                faults.append("left processes running")
            if os.WIFSIGNALED(status):
                faults.append(f"ended by signal {os.WTERMSIG(status)}")
            elif os.WEXITSTATUS(status) != 0:
                faults.append("failed")
        output.seek(0)
        return faults, output.read().decode(errors="replace")[-OUTPUT_BYTES_MAX:]


def main() -> int:
    parser = argparse.ArgumentParser(description="Runs the black-box tests.")
    parser.add_argument("--signet", metavar="FILE", help=f"the program; default ${harness.BINARY_VARIABLE}, then build/release/src/signet")
    parser.add_argument("-k", dest="wanted", metavar="TEXT", default="", help="only tests whose file::name contains TEXT")
    parser.add_argument("--list", action="store_true", help="only print the names")
    options = parser.parse_args()
    if options.signet:
        os.environ[harness.BINARY_VARIABLE] = str(pathlib.Path(options.signet).resolve())
    tests = collect(options.wanted)
    if options.list:
        print("\n".join(name for name, _ in tests))
        return 0
    if not tests or not os.access(harness.binary(), os.X_OK):
        print("no test has such a name" if not tests else f"there is no program {harness.binary()}")
        print("0 passed, 1 failed")
        return 1
    harness.pki()
    failures = []
    for name, function in tests:
        started = time.monotonic()
        faults, output = run_one(function)
        why = "".join(f"  [{fault}]" for fault in faults)
        verdict = f"{'FAILED' if faults else 'passed'}  {name}  {time.monotonic() - started:.1f} s{why}"
        print(verdict, flush=True)
        if faults:
            failures.append(verdict + "".join(f"\n    {line}" for line in output.splitlines()))
    for failure in failures:
        print(failure)
    print(f"{len(tests) - len(failures)} passed, {len(failures)} failed")
    return 1 if failures else 0


if __name__ == "__main__":
    sys.exit(main())
