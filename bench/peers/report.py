# SPDX-License-Identifier: GPL-3.0-or-later
"""From samples to figures (medians over the rounds), ratios and a table."""

import statistics

from peers.rows import Kind, Row

OTHERS = ("nginx", "HAProxy")
# Of calls in the rows of resumed sessions: above it, how many were not is said below the table.
SHARE_TOLD = 0.02
# Of 10 ms that tell user from system time, for each gateway and row; with fewer that split is a guess.
TICKS_MIN = 150
_QUANTILES = ("p50", "p99", "p999")


def _median(samples: list[dict], *keys: str) -> float:
    values = []
    for sample in samples:
        value = sample
        for key in keys:
            value = value[key]
        values.append(value)
    return statistics.median(values)


def _cpu(samples: list[dict]) -> dict:
    """The split comes from the ticks of all rounds together: one round has too few."""
    total = _median(samples, "cpu_us")
    user, system = (sum(sample["ticks"][which] for sample in samples) for which in (0, 1))
    user_us = total * user / max(user + system, 1)
    return {"cpu_total_us": total, "cpu_user_us": user_us, "cpu_system_us": total - user_us, "ticks": user + system}


def figures(row: Row, samples: dict[str, list[dict]]) -> dict[str, dict]:
    """By gateway: `value` is what is compared; the rest is shown beside it."""
    made = {}
    for gateway, each in samples.items():
        if not each:
            continue
        figure: dict = {"resident_kib": _median(each, "resident_kib")}
        if row.kind in (Kind.CPU, Kind.LATENCY):
            figure |= _cpu(each)
            figure |= {f"{name}_us": _median(each, "latency_us", name) for name in _QUANTILES}
            figure |= {name: _median(each, name) for name in ("calls_per_s", "busy")}
            figure |= {name: sum(sample[name] for sample in each) for name in ("calls", "failed", "unexpected")}
            figure["value"] = figure["p99_us"] if row.kind is Kind.LATENCY else figure["cpu_total_us"]
        else:
            figure["value"] = _median(each, "bytes_each")
        made[gateway] = figure
    return made


def compare(row: Row, made: dict[str, dict]) -> dict:
    """Signet against the better of the others, and against the row's target. Empty where there is nothing to compare."""
    signet, others = made.get("Signet"), [made[name] for name in OTHERS if name in made]
    result: dict = {"target": row.target, "target_user": row.target_user}
    if not signet:
        return {}
    met = []
    if others:
        result["ratio"] = signet["value"] / min(figure["value"] for figure in others)
        if row.kind is Kind.CPU:
            result["ratio_user"] = signet["cpu_user_us"] / min(figure["cpu_user_us"] for figure in others)
        if row.target and row.kind in (Kind.CPU, Kind.LATENCY):
            met.append(result["ratio"] <= row.target)
        if row.target_user:
            met.append(result["ratio_user"] <= row.target_user)
    if row.target and row.kind not in (Kind.CPU, Kind.LATENCY):
        met.append(signet["value"] <= row.target)
    if "floor" in made and row.kind is Kind.CPU:
        result["times_floor"] = signet["value"] / made["floor"]["value"]
    if met:
        result["met"] = all(met)
    return result


def _number(value: float) -> str:
    return f"{value:,.0f}" if abs(value) >= 100 else f"{value:.1f}"


def _shown(row: Row, figure: dict | None) -> str:
    if not figure:
        return "-"
    if row.kind is Kind.CPU:
        return f"{_number(figure['cpu_total_us'])} ({_number(figure['cpu_user_us'])})"
    if row.kind is Kind.LATENCY:
        return " / ".join(_number(figure[f"{name}_us"]) for name in _QUANTILES)
    return _number(figure["value"])


def _target(row: Row, comparison: dict) -> str:
    if not row.target:
        return ""
    if row.kind in (Kind.CALLER_MEMORY, Kind.CONNECTION_MEMORY):
        wanted = f"≤ {row.target:,.0f} B"
    else:
        wanted = f"≤ {row.target:.2f}" + (f" (≤ {row.target_user:.2f})" if row.target_user else "")
    return wanted + {True: " met", False: " MISSED", None: ""}[comparison.get("met")]


def _cells(row: Row, made: dict[str, dict], comparison: dict) -> list[str]:
    ratio = f"{comparison['ratio']:.2f}" if "ratio" in comparison else "-"
    if "ratio_user" in comparison:
        ratio += f" ({comparison['ratio_user']:.2f})"
    shown = [_shown(row, made.get(name)) for name in ("Signet", *OTHERS, "floor")]
    return [row.title, *shown, ratio, _target(row, comparison)]


HEADINGS = {Kind.CPU: "CPU of the gateway per call: total (user), µs", Kind.LATENCY: "latency: p50 / p99 / p99.9, µs",
            Kind.CALLER_MEMORY: "memory for each, bytes", Kind.CONNECTION_MEMORY: "memory for each, bytes"}
NOTE = """Medians of the rounds. Ratio: Signet to the better of nginx and HAProxy, in brackets by user CPU; of latency, by p99, which counts
from the time a call was due. Floor: a relay without HTTP and TLS."""


def table(results: list[tuple[Row, dict, dict]]) -> str:
    """For people: a section for each kind of figure."""
    lines: list[list[str]] = []
    heading = ""
    for row, made, comparison in results:
        if HEADINGS[row.kind] != heading:
            heading = HEADINGS[row.kind]
            lines.append([heading, "Signet", *OTHERS, "floor", "ratio", "target"])
        lines.append(_cells(row, made, comparison))
    widths = [max(len(line[column]) for line in lines) for column in range(len(lines[0]))]
    shown = []
    for line in lines:
        cells = [cell.ljust(width) if column in (0, 6) else cell.rjust(width) for column, (cell, width) in enumerate(zip(line, widths))]
        if line[1] == "Signet":
            shown += [""] * bool(shown) + ["  ".join(cells).rstrip(), "  ".join("-" * width for width in widths)]
        else:
            shown.append("  ".join(cells).rstrip())
    return "\n".join([*shown, "", NOTE, *remarks(results)])


def remarks(results: list[tuple[Row, dict, dict]]) -> list[str]:
    """Calls under a wrong identity; handshakes that were not what the row is about; splits that are guesses."""
    said = []
    for row, made, _ in results:
        if row.unexpected_max:
            said += [f"{row.name}: {name} resumed no session in {figure['unexpected'] / figure['calls']:.1%} of its calls"
                     for name, figure in made.items() if name != "floor" and figure["unexpected"] > SHARE_TOLD * figure["calls"]]
        ticks = min((figure["ticks"] for figure in made.values() if "ticks" in figure), default=TICKS_MIN)
        if ticks < TICKS_MIN and row.kind is Kind.CPU:
            said.append(f"{row.name}: user CPU is uncertain, the kernel took {ticks} ticks only (more --seconds or --rounds help)")
        if row.setup.crowd:
            said += [f"{row.name}: {name} sent {figure['unexpected']:,} of {figure['calls']:,} calls under another identity's certificate"
                     for name, figure in made.items()]
    return said
