# SPDX-License-Identifier: GPL-3.0-or-later
"""Files a sitting long, functions a screen long, lines that fit. The list of exceptions may only shrink."""

import ast
import json

from . import cpp_text
from .tree import Finding, Tree

FILE_LINES_MAX = 700
FUNCTION_LINES_MAX = 70
COLUMNS_MAX = 140
RATCHET = "tests/hygiene_ratchet.json"


def _ratchet(tree: Tree, kind: str) -> dict[str, int]:
    return dict(json.loads(tree.text(RATCHET)).get(kind, {})) if RATCHET in tree.files else {}


def _judge(tree: Tree, kind: str, measured: dict[str, tuple[str, int, int]], limit: int, what: str) -> list[Finding]:
    """`measured`: key → (path, line, size). An exception holds the size as it is: larger is growth, smaller has to be written down."""
    exceptions = _ratchet(tree, kind)
    findings = []
    for key, (path, line, size) in sorted(measured.items()):
        allowed = exceptions.pop(key, None)
        if allowed is None and size > limit:
            findings.append(Finding(path, line, f"expected {what} of at most {limit} lines, {key} has {size}"))
        elif allowed is not None and size > allowed:
            findings.append(Finding(path, line, f"expected {what} not to grow over its exception of {allowed} lines, {key} has {size}"))
        elif allowed is not None and size <= limit:
            findings.append(Finding(RATCHET, 0, f"expected no exception for {key} any more: it has {size} lines"))
        elif allowed is not None and size < allowed:
            findings.append(Finding(RATCHET, 0, f"expected the exception of {key} to shrink to {size} lines, it says {allowed}"))
    findings.extend(Finding(RATCHET, 0, f"expected no exception for {key}: there is no such {what}") for key in exceptions)
    return findings


def check_file_lines(tree: Tree) -> list[Finding]:
    """No file is over 700 lines"""
    names = tree.cpp() + tree.python() + tree.javascript() + tree.scripts()
    return _judge(tree, "file_lines", {name: (name, 0, len(tree.lines(name))) for name in names}, FILE_LINES_MAX, "file")


def check_function_lines(tree: Tree) -> list[Finding]:
    """No function is over 70 lines"""
    measured: dict[str, tuple[str, int, int]] = {}

    def note(path: str, name: str, line: int, lines: int) -> None:
        key = f"{path}:{name}"
        if key not in measured or measured[key][2] < lines:
            measured[key] = (path, line, lines)

    for path in tree.cpp():
        for function in cpp_text.functions(tree.text(path)):
            note(path, function.name, function.line, function.lines)
    for path in tree.python():
        for node in ast.walk(ast.parse(tree.text(path), path)):
            if isinstance(node, (ast.FunctionDef, ast.AsyncFunctionDef)):
                note(path, node.name, node.lineno, (node.end_lineno or node.lineno) - node.lineno + 1)
    return _judge(tree, "function_lines", measured, FUNCTION_LINES_MAX, "function")


def check_columns(tree: Tree) -> list[Finding]:
    """No line is over 140 columns"""
    findings = []
    for name in tree.ours():
        if not name.endswith((".cc", ".h", ".py", ".js", ".mjs", ".sh")):
            continue
        for number, line in enumerate(tree.lines(name), 1):
            if len(line) > COLUMNS_MAX:
                findings.append(Finding(name, number, f"expected at most {COLUMNS_MAX} columns, not {len(line)}"))
    return findings
