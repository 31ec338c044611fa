#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-3.0-or-later
"""Runs the micro benchmarks, and holds them against what this machine measured before.

    scripts/bench micro                          builds build/bench, measures CPU time, prints a table
    scripts/bench micro --save                   … and remembers it as this machine's baseline
    scripts/bench micro --compare                … and compares it with the baseline; exit status 1 if something costs more
    scripts/bench micro --instructions …         counts instructions in place of time: slow, but the same on a busy machine
    scripts/bench micro --only handshake/ …      only benchmarks with this word in their name

Time is the median of all repetitions; those of one program alternate with each other, in rounds over all programs. Among them is a
yardstick, work that never changes: the ratio is that of times in yardsticks, so that a machine which is slower today is not mistaken for
slower code. A difference counts when it is larger than what the repetitions of both measurements differ among themselves, and as a
regression when it is over the threshold too.

Instructions are counted by valgrind's callgrind, as the difference of a run of 2N and one of N iterations. Where a benchmark measures one
side of a conversation, only that side is counted. (Hardware counters would be quicker, but count otherwise, and not part of a program.)

Exit status: 0; 1 with --compare and a regression; 2 where something is missing.
"""

import argparse
import concurrent.futures
import json
import os
import pathlib
import subprocess
import sys

from micro import MicroError, baseline, programs
from micro.samples import INSTRUCTIONS, TIME, Comparison, Kind, Samples, compare, spread

ROOT = pathlib.Path(__file__).resolve().parent.parent


def say(text: str) -> None:
    print(f"micro: {text}", file=sys.stderr, flush=True)


def arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="scripts/bench micro", description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--only", metavar="WORD", default="", help="benchmarks with WORD in their name")
    parser.add_argument("--list", action="store_true", help="only name the benchmarks")
    parser.add_argument("--save", action="store_true", help="what is measured becomes the baseline; benchmarks not measured keep theirs")
    parser.add_argument("--compare", action="store_true", help="compare with the baseline (before --save replaces it)")
    parser.add_argument("--threshold", type=float, metavar="PERCENT",
                        help="a regression is more than this; default 10 for time, 2 for instructions")
    parser.add_argument("--instructions", action="store_true", help="count instructions (valgrind) in place of time")
    parser.add_argument("--rounds", type=int, default=3, metavar="N", help="over all programs (default 3)")
    parser.add_argument("--repetitions", type=int, default=8, metavar="N", help="of each benchmark in a round (default 8)")
    parser.add_argument("--min-time", type=float, default=0.01, metavar="S", help="of a repetition, in seconds (default 0.01)")
    parser.add_argument("--build", type=pathlib.Path, default=ROOT / "build/bench", metavar="DIR",
                        help="build folder (default build/bench)")
    parser.add_argument("--no-build", action="store_true", help="run the programs of the build folder as they are")
    parser.add_argument("--baselines", type=pathlib.Path, default=ROOT / "build/bench-baselines", metavar="DIR",
                        help="folder of the baselines, one file for each machine (default build/bench-baselines)")
    parser.add_argument("--json", type=pathlib.Path, metavar="FILE", help="write what was measured to FILE too")
    options = parser.parse_args()
    if min(options.rounds, options.repetitions) < 1 or options.min_time <= 0 or (options.threshold is not None and options.threshold < 0):
        parser.error("--rounds and --repetitions are at least 1, --min-time is over 0, --threshold not below 0")
    return options


# ---- measuring ---------------------------------------------------------------------------------------------------------------------------


def measure_time(found: list[programs.Program], options: argparse.Namespace) -> dict[str, Samples]:
    measured = {name: Samples() for program in found for name in program.benchmarks}
    for number in range(options.rounds):
        for program in found:
            say(f"round {number + 1} of {options.rounds}: {program.path.name}")
            for name, more in programs.measure_time(program, options.repetitions, options.min_time).items():
                measured[name].add(more)
    return measured


def count_instructions(found: list[programs.Program], iterations: dict[str, int]) -> dict[str, Samples]:
    """`iterations` of those that the baseline has; the others' are added. Several at a time: that does not change the counts."""
    programs.need("valgrind")
    for program in found:
        if any(name not in iterations for name in program.benchmarks):
            say(f"looking how quick {program.path.name} is")
            for name, one in programs.measure_time(program, 1, 0.01).items():
                iterations.setdefault(name, programs.iterations_for(one.median()))

    def count(program: programs.Program, name: str) -> Samples:
        say(f"{name}: {iterations[name]} and {2 * iterations[name]} iterations")
        return Samples([programs.count_instructions(program, name, iterations[name])], [1.0])

    with concurrent.futures.ThreadPoolExecutor(os.cpu_count()) as pool:
        counts = {name: pool.submit(count, program, name) for program in found for name in program.benchmarks}
        try:
            return {name: counted.result() for name, counted in counts.items()}
        finally:
            pool.shutdown(cancel_futures=True)


# ---- telling -----------------------------------------------------------------------------------------------------------------------------


def figure(value: float | None, kind: Kind) -> str:
    """Four digits: "12.35 us", "4445"."""
    if value is None:
        return "-"
    if kind is INSTRUCTIONS:
        return f"{value:,.0f}"
    for unit, size in (("s", 1e9), ("ms", 1e6), ("us", 1e3)):
        if value >= size:
            return f"{value / size:.4g} {unit}"
    return f"{value:.4g} ns"


def print_measured(measured: dict[str, Samples], kind: Kind) -> None:
    width = max(map(len, measured))
    print(f"{'benchmark':{width}}  {kind.name:>14}  {'spread':>7}")
    for name, one in measured.items():
        print(f"{name:{width}}  {figure(one.median(), kind):>14}  {spread(one.scaled()):>7.1%}")


def print_comparison(comparisons: list[Comparison], kind: Kind, threshold: float) -> int:
    """Answers the number of regressions."""
    width = max(len(one.name) for one in comparisons)
    print(f"{'benchmark':{width}}  {'old':>14}  {'new':>14}  {'ratio':>6}  {'noise':>6}")
    regressions = 0
    for one in comparisons:
        regression = one.is_regression(threshold)
        regressions += regression
        both = one.old is not None and one.new is not None
        ratio, noise = (f"{one.ratio:.3f}", f"{one.noise:.1%}") if both else ("-", "-")
        print(f"{one.name:{width}}  {figure(one.old, kind):>14}  {figure(one.new, kind):>14}  {ratio:>6}  {noise:>6}  "
              f"{one.verdict}{' REGRESSION' if regression else ''}".rstrip())
    print(f"{kind.name}: {regressions} of {len(comparisons)} cost more than {threshold:.0%} and the noise")
    return regressions


def commit() -> str:
    done = subprocess.run(["git", "-C", str(ROOT), "describe", "--always", "--dirty"], capture_output=True, text=True, check=False)
    return done.stdout.strip() or "unknown"


def main(options: argparse.Namespace) -> int:
    kind = INSTRUCTIONS if options.instructions else TIME
    path = baseline.path_in(options.baselines)
    remembered = baseline.load(path)
    known = remembered[kind.name]
    if options.compare and not known:
        raise MicroError(f"there is no baseline of this machine for {kind.name}; expected {path}: run with --save first")
    if not options.no_build:
        say(f"building {options.build}")
        programs.build(ROOT, options.build)
    found = programs.find(options.build, options.only)
    if options.list:
        print("\n".join(name for program in found for name in program.benchmarks))
        return 0
    load = os.getloadavg()[0]
    if kind is TIME and load > 0.5:
        say(f"other programs are at work here (load {load:.1f}): expect noise, or count --instructions")
    iterations = {name: entry["iterations"] for name, entry in known.items() if "iterations" in entry}
    measured = count_instructions(found, iterations) if options.instructions else measure_time(found, options)
    regressions = 0
    if options.compare:
        old = {name: one for name, one in baseline.samples(known).items() if options.only in name}
        threshold = kind.threshold if options.threshold is None else options.threshold / 100
        regressions = print_comparison(compare(old, measured, kind), kind, threshold)
    else:
        print_measured(measured, kind)
    now = commit()
    counted = {name: {"iterations": iterations[name]} if options.instructions else {} for name in measured}
    entries = {name: baseline.entry(one, of=now, **counted[name]) for name, one in measured.items()}
    known |= entries
    if options.json:
        report = {"machine": baseline.machine(), "of": now, kind.name: entries}
        options.json.write_text(json.dumps(report, indent=1) + "\n", encoding="utf-8")
    if options.save:
        baseline.save(path, remembered)
        say(f"saved in {path}")
    return 1 if regressions else 0


if __name__ == "__main__":
    try:
        sys.exit(main(arguments()))
    except MicroError as error:
        say(f"error: {error}")
        sys.exit(2)
    except KeyboardInterrupt:
        sys.exit(130)
