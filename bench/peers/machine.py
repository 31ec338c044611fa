# SPDX-License-Identifier: GPL-3.0-or-later
"""What the kernel knows: the CPU time and memory of programs, their connections, and what machine this is."""

import contextlib
import dataclasses
import datetime
import os
import pathlib
import platform
import resource
import time

PROC = pathlib.Path("/proc")
_CPUCLOCK_SCHED = 2  # see clock_getcpuclockid(3)
_ESTABLISHED = "01"


@dataclasses.dataclass(frozen=True)
class Cpu:
    """CPU time of a program since its start. `total_s` is what the scheduler counts in nanoseconds; the kernel splits it by 10 ms ticks."""

    total_s: float
    user_ticks: int
    system_ticks: int

    def since(self, earlier: "Cpu") -> dict:
        """Seconds in total, and the ticks."""
        return {"total": self.total_s - earlier.total_s, "user_ticks": self.user_ticks - earlier.user_ticks,
                "system_ticks": self.system_ticks - earlier.system_ticks}


def family(pid: int) -> list[int]:
    """The process and its children: a master and its worker."""
    pids = [pid]
    for known in pids:
        for task in (PROC / str(known) / "task").iterdir():
            pids += [int(child) for child in (task / "children").read_text().split()]
    return pids


def cpu(pid: int) -> Cpu:
    """All threads, those of io_uring too, and those that have ended."""
    total_ns = user = system = 0
    for each in family(pid):
        total_ns += time.clock_gettime_ns((~each << 3) | _CPUCLOCK_SCHED)
        fields = (PROC / str(each) / "stat").read_text().rpartition(")")[2].split()
        user += int(fields[11])
        system += int(fields[12])
    return Cpu(total_ns / 1e9, user, system)


def memory(pid: int) -> dict:
    """KiB: resident, and of it what is not backed by a file."""
    sums = {"VmRSS": 0, "RssAnon": 0}
    for each in family(pid):
        for line in (PROC / str(each) / "status").read_text().splitlines():
            name, _, value = line.partition(":")
            if name in sums:
                sums[name] += int(value.split()[0])
    return {"resident_kib": sums["VmRSS"], "anonymous_kib": sums["RssAnon"]}


def connections_to(port: int) -> int:
    """Established TCP connections to this port of this machine."""
    count = 0
    with open("/proc/net/tcp", encoding="ascii") as table:
        next(table)
        for line in table:
            _, _, remote, state = line.split()[:4]
            count += state == _ESTABLISHED and int(remote.rpartition(":")[2], 16) == port
    return count


@contextlib.contextmanager
def on_cpus(cpus: set[int]):
    """Programs that are started inside run on these alone."""
    before = os.sched_getaffinity(0)
    os.sched_setaffinity(0, cpus)
    try:
        yield
    finally:
        os.sched_setaffinity(0, before)


def share_cpus() -> tuple[set[int], set[int]]:
    """All for everybody."""
    cpus = os.sched_getaffinity(0)
    return set(cpus), set(cpus)


def split_cpus() -> tuple[set[int], set[int]]:
    """One for the gateway; the others for callers and origin. With one CPU only, that one for all."""
    cpus = sorted(os.sched_getaffinity(0))
    return ({cpus[0]}, set(cpus[1:])) if len(cpus) > 1 else (set(cpus), set(cpus))


def raise_descriptors(wanted: int) -> int:
    """Lets this process and its children open so many files, or as many as may be. Returns how many."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    for limit in (max(hard, wanted), hard):
        try:
            resource.setrlimit(resource.RLIMIT_NOFILE, (min(limit, max(wanted, soft)), limit))
            break
        except (ValueError, PermissionError):
            continue
    return resource.getrlimit(resource.RLIMIT_NOFILE)[0]


def facts() -> dict:
    model = next((line.partition(":")[2].strip() for line in (PROC / "cpuinfo").read_text().splitlines() if line.startswith("model name")),
                 platform.machine())
    memory_kib = int(next(line.split()[1] for line in (PROC / "meminfo").read_text().splitlines() if line.startswith("MemTotal")))
    return {"cpu": model, "cpus": len(os.sched_getaffinity(0)), "memory_gib": round(memory_kib / 1024 / 1024, 1),
            "kernel": platform.release(), "load": round(os.getloadavg()[0], 2),
            "date": datetime.datetime.now(datetime.timezone.utc).isoformat(timespec="seconds")}
