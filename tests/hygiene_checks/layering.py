# SPDX-License-Identifier: GPL-3.0-or-later
"""Who may include what: the layers of DESIGN.md §3, and the one layer where each third-party library stops."""

import posixpath
import re

from .tree import Finding, Tree

# Each layer with the layers whose contracts (include/signet/<layer>/) it may use, itself left out.
ALLOWED = {
    "base": (),
    "io": ("base",),
    "wire": ("base",),
    "net": ("base", "io", "wire"),
    "config": ("base", "wire"),
    "gateway": ("base", "config", "io", "net", "wire"),
    "control": ("base", "config", "io", "net", "wire"),
    "app": ("base", "config", "control", "gateway", "io", "net", "wire"),
}

# The start of an include in <> and the only layers that may have it.
THIRD_PARTY = {
    "liburing": "io", "linux/": "io", "sys/epoll.h": "io", "sys/mman.h": "io",
    "wolfssl/": "wire", "llhttp": "wire",
    "ares": "net",
    "simdjson": "config", "pugixml": "config",
    "CLI/": "app",
    "spdlog/": "base",
    "sqlite3": "control",
    "curl/": "app",
    # What management answers and the command line reads is built up and changed, not only read: simdjson does not do that.
    "nlohmann/": ("control", "app"),
}
# Sockets belong to io too. Three may know them beside it: tests, which play the peer; the resolver, whose library brings its own sockets
# and waits for them on a thread of its own; and the watch over files, whose descriptors are the control side's and on no shard's ring.
SOCKETS = ("sys/socket.h", "sys/eventfd.h", "netinet/", "poll.h")
SOCKETS_TOO = ("src/net/resolver.cc", "src/app/file_watch.cc")
TESTS_ONLY = ("catch2/",)
BENCH_ONLY = ("benchmark/",)

INCLUDE = re.compile(r'^\s*#\s*include\s*(?:<(?P<system>[^>]+)>|"(?P<quoted>[^"]+)")')


def includes(tree: Tree, name: str) -> list[tuple[int, str, bool]]:
    """(line, included, in angle brackets) of each include directive."""
    found = []
    for number, line in enumerate(tree.lines(name), 1):
        match = INCLUDE.match(line)
        if match:
            found.append((number, match["system"] or match["quoted"], match["system"] is not None))
    return found


def layer_of(name: str) -> str | None:
    """The layer that the file belongs to; a unit test counts as its layer. None for what may use everything (sim, fuzz, bench, support)."""
    match = re.match(r"(?:include/signet|src|tests)/(\w+)/", name)
    return match[1] if match and match[1] in ALLOWED else None


def check_layers(tree: Tree) -> list[Finding]:
    """A layer includes only the contracts that the table allows"""
    findings = []
    for name in tree.cpp():
        layer = layer_of(name)
        if name.startswith(("src/", "include/")) and layer is None:
            findings.append(Finding(name, 0, f"expected to lie in a layer's folder: {', '.join(ALLOWED)}"))
        for number, included, _ in includes(tree, name) if layer else ():
            used = re.match(r"signet/(\w+)/", included)
            if used and used[1] != layer and used[1] not in ALLOWED[layer]:
                allowed = ", ".join(ALLOWED[layer]) or "no other layer"
                findings.append(Finding(name, number, f"{layer} may use {allowed}, not {used[1]}: {included}"))
    return findings


def check_private_headers(tree: Tree) -> list[Finding]:
    """A private header is included only inside its own layer, and every included header of ours exists"""
    findings = []
    files = set(tree.files)
    builds = [name for name in tree.files if name.endswith("meson.build")]
    generated = {made for build in builds for made in re.findall(r"output: '([\w.]+)'", tree.text(build))}
    for name in tree.cpp():
        layer = layer_of(name)
        for number, included, system in includes(tree, name):
            if included.startswith("signet/"):
                if system:
                    findings.append(Finding(name, number, f'expected quotes around our own header: "{included}"'))
                if f"include/{included}" not in files:
                    findings.append(Finding(name, number, f"expected the file include/{included}"))
                continue
            if system or included in generated:
                continue
            if name.startswith("include/"):
                findings.append(Finding(name, number, f'expected only "signet/..." in a contract, not the private header "{included}"'))
                continue
            beside = posixpath.normpath(posixpath.join(posixpath.dirname(name), included))
            target = next((path for path in (beside, f"src/{included}", f"tests/{included}") if path in files), None)
            if target is None:
                findings.append(Finding(name, number, f'expected "{included}" beside the file, in src/ or in tests/'))
            elif layer and layer_of(target) not in (None, layer):
                owner = layer_of(target)
                findings.append(Finding(name, number, f"{target} is private to {owner}; expected a contract in include/signet/{owner}/"))
            elif name.startswith("src/") and not target.startswith("src/"):
                findings.append(Finding(name, number, f"expected no test code in src/: {target}"))
    return findings


def check_third_party(tree: Tree) -> list[Finding]:
    """Each third-party library and the kernel's interfaces stop in one layer"""
    findings = []
    for name in tree.cpp():
        layer = layer_of(name)
        for number, included, _ in includes(tree, name):
            if included.startswith("signet/"):
                continue
            owner = next((owner for prefix, owner in THIRD_PARTY.items() if included.startswith(prefix)), None)
            owners = (owner,) if isinstance(owner, str) else owner
            if owners and layer and layer not in owners:
                findings.append(Finding(name, number, f"expected <{included}> only in {', '.join(f'src/{one}' for one in owners)}"))
            if included.startswith(SOCKETS) and name.startswith(("src/", "include/")) and layer != "io" and name not in SOCKETS_TOO:
                findings.append(Finding(name, number, f"expected <{included}> only in src/io"))
            if included.startswith(TESTS_ONLY) and not name.startswith("tests/"):
                findings.append(Finding(name, number, f"expected <{included}> only in tests/"))
            if included.startswith(BENCH_ONLY) and not name.startswith("bench/"):
                findings.append(Finding(name, number, f"expected <{included}> only in bench/"))
    return findings


def check_contracts_are_plain(tree: Tree) -> list[Finding]:
    """include/ knows the standard library and Signet, nothing else"""
    findings = []
    for name in tree.headers():
        if name.startswith("include/"):
            for number, included, system in includes(tree, name):
                if system and re.search(r"[./]", included):
                    findings.append(Finding(name, number, f"expected a C++ standard header or \"signet/...\", not <{included}>"))
    return findings


def check_pragma_once(tree: Tree) -> list[Finding]:
    """Every header says #pragma once"""
    return [Finding(name, 1, "expected #pragma once") for name in tree.headers() if not re.search(r"^#pragma once$", tree.text(name), re.M)]


def check_readme_table(tree: Tree) -> list[Finding]:
    """README.md's table of layers names each folder of src/ and no other"""
    if "README.md" not in tree.files:
        return [Finding("README.md", 0, "expected a README.md with a table of layers, rows \"| `src/<layer>` | one sentence |\"")]
    folders = {name.split("/")[1] for name in tree.files if re.match(r"src/\w+/", name)}
    findings, named = [], set()
    for number, line in enumerate(tree.lines("README.md"), 1):
        row = re.match(r"\|\s*\[?`?src/(\w+)/?`?[^|]*\|([^|]*)\|", line)
        if row:
            named.add(row[1])
            if row[1] not in folders:
                findings.append(Finding("README.md", number, f"expected no row for src/{row[1]}: there is no such folder"))
            if not row[2].strip():
                findings.append(Finding("README.md", number, f"expected a sentence on src/{row[1]}"))
    for folder in sorted(folders - named):
        findings.append(Finding("README.md", 0, f"expected a row \"| `src/{folder}` | one sentence |\" in the table of layers"))
    return findings
