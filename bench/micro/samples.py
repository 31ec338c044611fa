# SPDX-License-Identifier: GPL-3.0-or-later
"""What was measured, and what it says when it is held against an older measurement. Nothing here runs a program."""

import dataclasses
import math
import statistics

from . import MicroError

NANOSECONDS = {"ns": 1.0, "us": 1e3, "ms": 1e6, "s": 1e9}
# A benchmark with this in its name measures a part of each iteration by itself (bench/measured.h); its "real time" is that CPU time.
MANUAL = "/manual_time"


# Work that every program measures beside its own benchmarks (bench/yardstick.cc).
YARDSTICK = "yardstick"


@dataclasses.dataclass
class Samples:
    """One benchmark, one value for each repetition."""
    values: list[float] = dataclasses.field(default_factory=list)  # ns or instructions per iteration
    scales: list[float] = dataclasses.field(default_factory=list)  # what the yardstick took meanwhile, ns; 1 for instructions

    def add(self, other: "Samples") -> None:
        self.values += other.values
        self.scales += other.scales

    def median(self) -> float:
        return statistics.median(self.values)

    def scaled(self) -> list[float]:
        """In yardsticks: what is left when the machine as a whole was slower or faster."""
        return [value / scale for value, scale in zip(self.values, self.scales, strict=True)]


def of_report(report: dict) -> dict[str, Samples]:
    """CPU time by benchmark, without the yardstick: out of Google Benchmark's JSON."""
    times: dict[str, list[float]] = {}
    for run in report["benchmarks"]:
        if run["run_type"] != "iteration":
            continue
        if run.get("error_occurred"):
            raise MicroError(f"{run['name']} failed: {run.get('error_message', 'no reason given')}")
        time = run["real_time" if MANUAL in run["run_name"] else "cpu_time"]
        times.setdefault(run["run_name"], []).append(time * NANOSECONDS[run["time_unit"]])
    if YARDSTICK not in times:
        raise MicroError("the program has not measured the yardstick; build it anew")
    # Repetitions run in random order: which of the yardstick's goes with which does not matter, but what they differ among themselves does.
    scales = times.pop(YARDSTICK)
    return {name: Samples(values, scales[:len(values)]) for name, values in times.items()}


def spread(samples: list[float]) -> float:
    """Standard deviation of one repetition relative to the median, estimated so that a few outliers do not matter (median absolute
    deviation; 1.4826 makes it that of a normal distribution)."""
    middle = statistics.median(samples)
    return 1.4826 * statistics.median(abs(sample - middle) for sample in samples) / middle if middle else 0.0


def error_of_median(samples: list[float]) -> float:
    """Standard error of the median relative to it; 1.2533 is that of a normal distribution."""
    return 1.2533 * spread(samples) / math.sqrt(len(samples))


@dataclasses.dataclass(frozen=True)
class Kind:
    """What is compared: its noise is never taken to be less than `noise_floor`; all are fractions."""
    name: str
    noise_floor: float
    threshold: float


# Two runs of one program differ by some percent in time even on a quiet machine (placement of code and memory, other programs), in
# instructions only by random keys and the addresses of memory.
TIME = Kind("time", noise_floor=0.03, threshold=0.10)
INSTRUCTIONS = Kind("instructions", noise_floor=0.005, threshold=0.02)


@dataclasses.dataclass(frozen=True)
class Comparison:
    name: str
    old: float | None  # median; None: the baseline does not have it
    new: float | None  # None: it was not measured now
    ratio: float = 1.0  # of the medians in yardsticks
    noise: float = 0.0  # a ratio that is no further from 1 says nothing

    @property
    def verdict(self) -> str:
        if self.old is None or self.new is None:
            return "new" if self.old is None else "not measured"
        if abs(self.ratio - 1) <= self.noise:
            return ""
        return "more" if self.ratio > 1 else "less"

    def is_regression(self, threshold: float) -> bool:
        """Costs more, by more than the noise and more than `threshold`."""
        return self.verdict == "more" and self.ratio - 1 > threshold


def compare(old: dict[str, Samples], new: dict[str, Samples], kind: Kind) -> list[Comparison]:
    """One comparison for each benchmark that either has, in the order of `new`. A difference counts as noise up to six standard errors of
    both medians together: twice what would do if repetitions were independent, for what disturbs one disturbs its neighbours too. What the
    yardstick sets right is noise as well, twice over: a busy sibling core slows some code down more than other."""
    comparisons = []
    for name, after in new.items():
        before = old.get(name)
        if before is None:
            comparisons.append(Comparison(name, None, after.median()))
            continue
        ratio = statistics.median(after.scaled()) / statistics.median(before.scaled())
        noise = 6 * math.hypot(error_of_median(before.scaled()), error_of_median(after.scaled()))
        noise += 2 * abs(math.log(statistics.median(after.scales) / statistics.median(before.scales)))
        noise = max(kind.noise_floor, noise)
        comparisons.append(Comparison(name, before.median(), after.median(), ratio, noise))
    comparisons += [Comparison(name, before.median(), None) for name, before in old.items() if name not in new]
    return comparisons
