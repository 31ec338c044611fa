# SPDX-License-Identifier: GPL-3.0-or-later
"""Checks that the compiler and clang-format make."""

import concurrent.futures
import re
import shutil
import subprocess

from .tree import Finding, Tree

PROCESSES = 2
CLANG_FORMAT = "clang-format-19"


def _compiles_alone(tree: Tree, header: str) -> list[Finding]:
    included = header.removeprefix("include/")
    command = ["g++", "-std=c++23", "-fsyntax-only", "-Wall", "-Wextra", "-Iinclude", "-Isrc", "-x", "c++", "-"]
    done = subprocess.run(command, cwd=tree.root, input=f'#include "{included}"\n', capture_output=True, text=True, check=False)
    if done.returncode == 0:
        return []
    error = next((line for line in done.stderr.splitlines() if "error:" in line), done.stderr.strip()[:200])
    place = re.match(r"(?:\./)?([^:\s]+):(\d+):\d+: (.*)", error)
    reason = f"{place[1]}:{place[2]}: {place[3]}" if place else error
    return [Finding(header, 1, f"expected the header to compile alone: {reason}")]


def check_headers_compile_alone(tree: Tree) -> list[Finding]:
    """Every contract compiles alone"""
    headers = [name for name in tree.headers() if name.startswith("include/")]
    if shutil.which("g++") is None:
        return [Finding("include", 0, "expected g++ to be installed (scripts/fetch-dependencies)")]
    with concurrent.futures.ThreadPoolExecutor(PROCESSES) as pool:
        return [finding for found in pool.map(lambda header: _compiles_alone(tree, header), headers) for finding in found]


def check_format(tree: Tree) -> list[Finding]:
    """All C++ is as clang-format leaves it"""
    files = tree.cpp()
    if shutil.which(CLANG_FORMAT) is None:
        return [Finding(".clang-format", 0, f"expected {CLANG_FORMAT} to be installed (scripts/fetch-dependencies test)")]
    if not files:
        return []
    done = subprocess.run([CLANG_FORMAT, "--dry-run", "-Werror", *files], cwd=tree.root, capture_output=True, text=True, check=False)
    first: dict[str, int] = {}
    for match in re.finditer(r"^(\S[^:\n]*):(\d+):\d+: error:", done.stderr, re.M):
        first.setdefault(match[1], int(match[2]))
    findings = [Finding(path, line, f"expected {CLANG_FORMAT} -i {path}") for path, line in sorted(first.items())]
    if done.returncode != 0 and not findings:
        findings.append(Finding(".clang-format", 0, f"expected {CLANG_FORMAT} to succeed: {done.stderr.strip()[:200]}"))
    return findings
