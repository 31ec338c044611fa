# SPDX-License-Identifier: GPL-3.0-or-later
"""The files that a check looks at, and what it finds in them."""

import dataclasses
import functools
import pathlib
import subprocess


@dataclasses.dataclass(frozen=True)
class Finding:
    """One fault: where, and what was expected instead. `line` 0 stands for the whole file."""

    path: str
    line: int
    expected: str

    def __str__(self) -> str:
        place = f"{self.path}:{self.line}" if self.line else self.path
        return f"{place}: {self.expected}"


class Tree:
    """The tracked files below `root`, by path relative to it."""

    def __init__(self, root: pathlib.Path, files: list[str]):
        self.root = root
        self.files = sorted(files)

    @staticmethod
    def of_git(root: pathlib.Path) -> "Tree":
        """Everything that git tracks or would track: a new file is judged before its commit, an ignored one never."""
        listed = subprocess.run(
            ["git", "-c", "core.quotePath=false", "ls-files", "-z", "--cached", "--others", "--exclude-standard"],
            cwd=root, capture_output=True, text=True, check=True).stdout
        names = set(name for name in listed.split("\0") if name)
        return Tree(root, [name for name in names if (root / name).is_file()])

    @staticmethod
    def of_folder(root: pathlib.Path) -> "Tree":
        return Tree(root, [str(path.relative_to(root)) for path in root.rglob("*") if path.is_file()])

    @functools.lru_cache(maxsize=None)
    def data(self, name: str) -> bytes:
        return (self.root / name).read_bytes()

    @functools.lru_cache(maxsize=None)
    def is_text(self, name: str) -> bool:
        return b"\0" not in self.data(name)[:8192]

    @functools.lru_cache(maxsize=None)
    def text(self, name: str) -> str:
        return self.data(name).decode("utf-8", errors="replace")

    def lines(self, name: str) -> list[str]:
        return self.text(name).splitlines()

    def ours(self) -> list[str]:
        """Text files that are written here: no licence text and no overlays that take another project's form."""
        return [name for name in self.files if name != "LICENSE" and not name.startswith("subprojects/") and self.is_text(name)]

    def cpp(self) -> list[str]:
        return [name for name in self.ours() if name.endswith((".cc", ".h"))]

    def headers(self) -> list[str]:
        return [name for name in self.cpp() if name.endswith(".h")]

    def python(self) -> list[str]:
        return [name for name in self.ours() if name.endswith(".py")]

    def javascript(self) -> list[str]:
        return [name for name in self.ours() if name.endswith((".js", ".mjs"))]

    def scripts(self) -> list[str]:
        """Shell scripts, known by suffix or first line."""
        return [name for name in self.ours() if name.endswith(".sh") or self.text(name).startswith(("#!/bin/bash", "#!/bin/sh"))]
