# SPDX-License-Identifier: GPL-3.0-or-later
"""Builds and runs the programs bench-…: Google Benchmark, and callgrind around it."""

import dataclasses
import json
import pathlib
import re
import shutil
import subprocess
import tempfile

from . import MicroError
from .samples import MANUAL, YARDSTICK, Samples, of_report

RUN_TIMEOUT_S = 900
SOURCES = pathlib.Path(__file__).resolve().parent.parent
# bench/measured.h: what such a benchmark measures of each iteration.
MEASURED = "*signet::bench::measured<*"


@dataclasses.dataclass(frozen=True)
class Program:
    path: pathlib.Path
    benchmarks: tuple[str, ...]


def need(*tools: str) -> None:
    missing = [tool for tool in tools if shutil.which(tool) is None]
    if missing:
        raise MicroError(f"{' and '.join(missing)} cannot be found; expected to be installed")


def run(command: list[str], cwd: pathlib.Path | None = None) -> str:
    """What it wrote to its standard output."""
    try:
        done = subprocess.run(command, cwd=cwd, capture_output=True, text=True, timeout=RUN_TIMEOUT_S, check=False)
    except subprocess.TimeoutExpired as error:
        raise MicroError(f"{' '.join(command)} had not ended after {RUN_TIMEOUT_S} s") from error
    if done.returncode != 0:
        tail = "\n".join((done.stdout + done.stderr).strip().splitlines()[-15:])
        raise MicroError(f"{' '.join(command)} ended with status {done.returncode}:\n{tail}")
    return done.stdout


def build(root: pathlib.Path, folder: pathlib.Path) -> None:
    need("meson", "ninja")
    if not (folder / "build.ninja").exists():
        run(["meson", "setup", "--buildtype=release", "-Dbench=true", "-Dtests=false", str(folder), str(root)])
    done = subprocess.run(["ninja", "-C", str(folder), "bench-programs"], capture_output=True, text=True, check=False)
    if done.returncode != 0:
        raise MicroError(f"{folder} does not build:\n{done.stdout[-3000:]}{done.stderr[-3000:]}")


def find(folder: pathlib.Path, word: str) -> list[Program]:
    """Programs of the build folder with their benchmarks whose names contain `word`. Other programs for measurements lie in the same
    folder: a benchmark is what has a source of that name."""
    programs, known = [], []
    for source in sorted(SOURCES.glob("*_bench.cc")):
        path = folder / "bench" / ("bench-" + source.name.removesuffix("_bench.cc").replace("_", "-"))
        if path.is_file() and path.stat().st_mode & 0o100:
            names = run([str(path), "--benchmark_list_tests=true"]).split()
            names.remove(YARDSTICK)
            known += names
            chosen = tuple(name for name in names if word in name)
            if chosen:
                programs.append(Program(path, chosen))
    if not known:
        raise MicroError(f"there are no benchmarks in {folder}/bench; build it, or name another folder by --build")
    if not programs:
        raise MicroError(f"no benchmark has \"{word}\" in its name; there are:\n  " + "\n  ".join(known))
    return programs


def _filter(names: tuple[str, ...]) -> str:
    return "--benchmark_filter=^(" + "|".join(re.escape(name) for name in names) + ")$"


def measure_time(program: Program, repetitions: int, min_time_s: float) -> dict[str, Samples]:
    report = run([str(program.path), _filter((YARDSTICK, *program.benchmarks)), "--benchmark_format=json",
                  f"--benchmark_min_time={min_time_s}s", f"--benchmark_repetitions={repetitions}",
                  "--benchmark_enable_random_interleaving=true"])
    return of_report(json.loads(report))


# ---- instructions ------------------------------------------------------------------------------------------------------------------------

NATIVE_NS = 2e6  # of the shorter run, before valgrind slows it down: fiftyfold, several hundredfold for AES


def iterations_for(time_ns: float) -> int:
    """A power of two: benchmarks that look at the clock once for 16 iterations then come out even."""
    wanted = NATIVE_NS / max(time_ns, 1.0)
    return 2 ** max(0, min(14, round(wanted).bit_length())) if wanted >= 1 else 1


def _instructions(program: Program, name: str, iterations: int) -> int:
    with tempfile.TemporaryDirectory() as folder:
        out = pathlib.Path(folder) / "callgrind.out"
        part = [f"--toggle-collect={MEASURED}"] if name.endswith(MANUAL) else []
        run(["valgrind", "--tool=callgrind", f"--callgrind-out-file={out}", *part, str(program.path), _filter((name,)),
             f"--benchmark_min_time={iterations}x"])
        found = re.search(r"^(?:summary|totals): (\d+)", out.read_text(encoding="utf-8", errors="replace"), re.M)
        if found is None:
            raise MicroError(f"callgrind counted nothing for {name}")
        return int(found[1])


def count_instructions(program: Program, name: str, iterations: int) -> float:
    """Of one iteration: the difference between a run of 2N and a run of N, in which start-up and set-up cancel out."""
    return (_instructions(program, name, 2 * iterations) - _instructions(program, name, iterations)) / iterations
