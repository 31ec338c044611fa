# SPDX-License-Identifier: GPL-3.0-or-later
"""The measurements that later ones are held against: one file for each machine, outside of what git tracks.

    {"format": 1, "machine": "…", "time": {NAME: {"values": [ns, …], "scales": [ns of the yardstick, …], "of": COMMIT}, …},
     "instructions": {NAME: {"values": [count], "scales": [1], "iterations": N, "of": COMMIT}, …}}
"""

import hashlib
import json
import os
import pathlib
import platform
import re

from . import MicroError
from .samples import Samples

FORMAT = 1


def machine() -> str:
    """Model, number and kernel of the CPUs that we have: what figures of another cannot be compared with."""
    model = platform.processor() or platform.machine()
    try:
        found = re.search(r"^model name\s*:\s*(.+)$", pathlib.Path("/proc/cpuinfo").read_text(encoding="utf-8"), re.M)
        model = found[1] if found else model
    except OSError:
        pass
    return f"{model}, {os.cpu_count()} CPUs, {platform.system()} {platform.release()}"


def path_in(folder: pathlib.Path) -> pathlib.Path:
    """Of this machine's file: "amd-epyc-2-1f0c9a7e.json"."""
    model = re.sub(r"[^a-z0-9]+", "-", machine().split(",")[0].lower()).strip("-")
    kernel = hashlib.sha256(platform.release().encode()).hexdigest()[:8]
    return folder / f"{model}-{os.cpu_count()}-{kernel}.json"


def load(path: pathlib.Path) -> dict:
    """An empty baseline where there is no file."""
    try:
        content = json.loads(path.read_text(encoding="utf-8"))
    except FileNotFoundError:
        return {"format": FORMAT, "machine": machine(), "time": {}, "instructions": {}}
    except (OSError, ValueError) as error:
        raise MicroError(f"the baseline {path} cannot be read: {error}") from error
    if not isinstance(content, dict) or content.get("format") != FORMAT:
        raise MicroError(f"the baseline {path} is not of this version; remove it and --save anew")
    return content


def save(path: pathlib.Path, content: dict) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    unfinished = path.with_suffix(".new")
    unfinished.write_text(json.dumps(content, indent=1) + "\n", encoding="utf-8")
    unfinished.replace(path)


def entry(samples: Samples, **more: int | str) -> dict:
    return {"values": samples.values, "scales": samples.scales, **more}


def samples(entries: dict[str, dict]) -> dict[str, Samples]:
    return {name: Samples(one["values"], one["scales"]) for name, one in entries.items()}
