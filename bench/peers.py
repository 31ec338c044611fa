#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-3.0-or-later
"""Measures Signet side by side with nginx and HAProxy: the same work, one worker each, CPU as the kernel counts it.

    scripts/bench peers [--quick] [--only WORD…] [--rounds N] [--seconds S] [--out FOLDER] [--list]
                        [--sid] [--signet FILE] [--nginx FILE] [--haproxy FILE]

Makes certificates, starts one origin that demands them (nginx, TLS 1.3), and then, for each row and each round, one gateway after the other
in changing order: start, check of its answers, warm-up, measurement, end. Prints a table of medians and ratios; FOLDER gets every sample
(peers.json) and a chart (peers.svg). Everything listens on loopback and is gone afterwards. docs/performance.md says how to read it.

Exit status 1 if something failed; a missed target is no failure.
"""

import argparse
import contextlib
import json
import os
import pathlib
import shutil
import signal
import subprocess
import sys
import tempfile
import time

ROOT = pathlib.Path(__file__).resolve().parent.parent
sys.path[:0] = [str(ROOT / "bench"), str(ROOT / "tests/blackbox")]
sys.dont_write_bytecode = True

# pylint: disable=wrong-import-position
from peers import chart, gateways, machine, measure, report  # noqa: E402
from peers.identities import Identities  # noqa: E402
from peers.origin import CIPHER, Origin  # noqa: E402
from peers.rows import ROWS, Kind, Row, Wrong  # noqa: E402

BUILD = ROOT / "build/bench"
SID = ROOT / "build/sid"
DESCRIPTORS = 60_000
# The fixed rate is this share of what the slowest gateway can do.
RATE_SHARE = 0.5


def say(text: str) -> None:
    print(f"peers: {text}", file=sys.stderr, flush=True)


class Missing(Exception):
    """What is needed and not there, in words."""


def run_step(*command: str | pathlib.Path) -> None:
    if subprocess.run([str(part) for part in command], cwd=ROOT, stdout=sys.stderr, check=False).returncode != 0:
        raise Missing(f"{' '.join(map(str, command))} failed, see above")


def build(want_signet: bool) -> None:
    """What is measured and what measures, optimised."""
    if not (BUILD / "build.ninja").exists():
        say("first build, this takes some minutes")
        run_step("meson", "setup", "--buildtype=release", "-Dbench=true", "-Dtests=false", BUILD)
    run_step("ninja", "-C", BUILD, "--quiet", "bench/bench-load", "bench/bench-floor", *(["src/signet"] if want_signet else []))


def programs(options: argparse.Namespace) -> dict[str, str]:
    """Path of each gateway, and of the origin. Installs or fetches nginx and HAProxy where they are missing; builds the rest."""
    named = {name: str(pathlib.Path(program).resolve()) for name, program in
             (("Signet", options.signet), ("nginx", options.nginx), ("HAProxy", options.haproxy)) if program}
    for program in named.values():
        if not os.access(program, os.X_OK):
            raise Missing(f"there is no program {program}")
    path = os.pathsep.join((os.environ.get("PATH", ""), "/usr/sbin", "/usr/local/sbin"))
    if options.sid:
        run_step("scripts/fetch-dependencies", "bench-sid")
    elif not all(shutil.which(program, path=path) for program in ("nginx", "haproxy", "openssl")) or not (BUILD / "build.ninja").exists():
        run_step("scripts/fetch-dependencies", "bench")
    build(not options.signet)
    nginx, haproxy = (str(SID / name) if options.sid else shutil.which(name, path=path) for name in ("nginx", "haproxy"))
    found = {"Signet": str(BUILD / "src/signet"), "nginx": nginx, "HAProxy": haproxy, "origin": nginx,
             "floor": str(BUILD / "bench/bench-floor"), **named}
    for name, program in found.items():
        if not program:
            raise Missing(f"{name} is not installed: scripts/fetch-dependencies bench")
    return found


class Run:
    """The rounds; `samples[ROW][GATEWAY]` is a list with one entry per round."""

    def __init__(self, options: argparse.Namespace, found: dict[str, str], folder: pathlib.Path):
        self.options, self.programs, self.folder = options, found, folder
        self.gateway_cpus, self.other_cpus = machine.share_cpus() if options.cpus == "shared" else machine.split_cpus()
        self.pki = Identities(folder / "pki")
        self.origin = Origin(found["origin"], self.pki, folder / "origin", self.other_cpus)
        self.samples: dict[str, dict[str, list[dict]]] = {}
        self.rate: float | None = None
        self._starts = 0

    def _start(self, kind: type[gateways.Gateway], row: Row) -> gateways.Gateway:
        self._starts += 1
        program = self.programs["floor" if issubclass(kind, gateways.Floor) else kind.name]
        return kind(program, row.setup, self.origin, self.pki, self.folder / f"{kind.name}-{self._starts}", self.gateway_cpus)

    def sample(self, kind: type[gateways.Gateway], row: Row, seconds: float, rate: float | None = None) -> dict:
        load = BUILD / "bench/bench-load"
        with self._start(kind, row) as gateway:
            try:
                seen = measure.probe(gateway, row, self.origin)
                if row.kind is Kind.CALLER_MEMORY:
                    result = measure.idle_callers(gateway, row, load, self.other_cpus)
                elif row.kind is Kind.CONNECTION_MEMORY:
                    result = measure.idle_connections(gateway, row, load, self.other_cpus, self.origin)
                else:
                    warm = min(row.warm_s, seconds) if self.options.quick else row.warm_s
                    result = measure.load(gateway, row, load, self.other_cpus, seconds, warm, rate)
                    if gateway.adds_tls:
                        row.check(result)
            except (Wrong, OSError) as error:
                tail = "\n".join((gateway.program.log + self.origin.program.log).splitlines()[-20:])
                raise Wrong(f"{row.name}, {kind.name}: {error}\n{tail}".rstrip()) from error
        shutil.rmtree(gateway.folder)
        return {**result, "seen": seen}

    def find_rate(self) -> float:
        """Half of what the slowest can do, from the row that measured it or from a quick look."""
        row = next(each for each in ROWS if each.name == "pooled-150")
        known = self.samples.get(row.name)
        if not known:
            known = {kind.name: [self.sample(kind, row, min(1.0, self.options.seconds))] for kind in gateways.GATEWAYS}
        slowest = min(figure["calls_per_s"] for name, figure in report.figures(row, known).items() if name != "floor")
        return round(slowest * RATE_SHARE, -2)

    def measure_row(self, row: Row) -> None:
        kinds = [kind for kind in gateways.GATEWAYS if not row.only or kind.name in row.only] + ([row.floor] if row.floor else [])
        if row.kind is Kind.LATENCY and not self.rate:
            self.rate = self.find_rate()
            say(f"fixed rate: {self.rate:,.0f} calls per second")
        samples = self.samples[row.name] = {kind.name: [] for kind in kinds}
        for turn in range(self.options.rounds):
            shift = turn % len(kinds)
            for kind in kinds[shift:] + kinds[:shift]:
                sample = self.sample(kind, row, self.options.seconds, self.rate if row.kind is Kind.LATENCY else None)
                samples[kind.name].append({"round": turn, **sample})
        say(f"{row.name}: " + ", ".join(f"{name} {figure['value']:,.1f}" for name, figure in report.figures(row, samples).items()))


def result_of(run: Run, rows: list[Row], facts: dict, started: float) -> dict:
    """All that is known, for peers.json."""
    versions = {kind.name: gateways.version(kind, run.programs[kind.name]) for kind in gateways.GATEWAYS}
    made = {"machine": facts, "versions": versions, "cipher": CIPHER, "rounds": run.options.rounds,
            "seconds": run.options.seconds,
            "rate_per_s": run.rate, "cpus": run.options.cpus,
            "cpus_gateway": sorted(run.gateway_cpus), "cpus_others": sorted(run.other_cpus),
            "took_s": round(time.monotonic() - started), "rows": []}
    for row in rows:
        figures = report.figures(row, run.samples[row.name])
        made["rows"].append({"name": row.name, "title": row.title, "figure": row.kind.value, "comparison": report.compare(row, figures),
                             "figures": figures, "samples": run.samples[row.name]})
    return made


def parse() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="scripts/bench peers", description="Measures Signet side by side with nginx and HAProxy.")
    parser.add_argument("--rounds", type=int, default=5, metavar="N", help="of each row (5)")
    parser.add_argument("--seconds", type=float, default=3.0, metavar="S", help="of each measurement (3)")
    parser.add_argument("--quick", action="store_true", help="one round of one second")
    parser.add_argument("--cpus", choices=("shared", "own"), default="shared",
                        help="shared: all programs on all CPUs; own: one for the gateway, the others for callers and origin (shared)")
    parser.add_argument("--only", nargs="+", default=[], metavar="WORD", help="only rows whose name contains one of these")
    parser.add_argument("--out", type=pathlib.Path, default=ROOT / "build/bench-results", metavar="FOLDER",
                        help="for peers.json and peers.svg (build/bench-results)")
    parser.add_argument("--sid", action="store_true", help="current nginx and HAProxy: of suite sid, fetched into build/sid")
    parser.add_argument("--signet", metavar="FILE", help="another build than build/bench/src/signet")
    parser.add_argument("--nginx", metavar="FILE", help="another than the distribution's")
    parser.add_argument("--haproxy", metavar="FILE", help="another than the distribution's")
    parser.add_argument("--list", action="store_true", help="only print the names of the rows")
    options = parser.parse_args()
    if options.quick:
        options.rounds, options.seconds = 1, 1.0
    if not 1 <= options.rounds <= 100 or not 0.1 <= options.seconds <= 60:
        parser.error("1 to 100 rounds of 0.1 to 60 seconds")
    options.rows = [row for row in ROWS if not options.only or any(word in row.name for word in options.only)]
    if not options.rows:
        parser.error(f"no row has such a name; they are {' '.join(row.name for row in ROWS)}")
    return options


def main() -> int:
    options = parse()
    if options.list:
        print("\n".join(f"{row.name:24}{row.title}" for row in options.rows))
        return 0
    started = time.monotonic()
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, signal.default_int_handler)  # in order, with all that was started
    try:
        found = programs(options)
        if machine.raise_descriptors(DESCRIPTORS) < 20_000:
            raise Missing("10,000 callers need open files: raise the hard limit (ulimit -Hn) to 20000 or more")
        with contextlib.ExitStack() as stack:
            folder = pathlib.Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="signet-peers-")))
            facts = machine.facts()
            if facts["load"] > 0.5:
                say(f"other programs are running here (load {facts['load']}): figures will scatter")
            run = Run(options, found, folder)
            stack.enter_context(run.origin)
            for row in options.rows:
                run.measure_row(row)
            result = result_of(run, options.rows, facts, started)
    except (Missing, Wrong, AssertionError) as error:
        print(f"peers: error: {error}", file=sys.stderr)
        return 1
    except KeyboardInterrupt:
        print("peers: interrupted", file=sys.stderr)
        return 130
    options.out.mkdir(parents=True, exist_ok=True)
    (options.out / "peers.json").write_text(json.dumps(result, indent=1) + "\n")
    (options.out / "peers.svg").write_text(chart.draw(result))
    print(report.table([(row, each["figures"], each["comparison"]) for row, each in zip(options.rows, result["rows"])]))
    print(f"\n{', '.join(result['versions'].values())}; {result['machine']['cpu']}, Linux {result['machine']['kernel']}")
    say(f"every sample: {options.out / 'peers.json'}, chart: {options.out / 'peers.svg'}")
    return 0


if __name__ == "__main__":
    sys.exit(main())
