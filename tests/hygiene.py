#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-3.0-or-later
"""Rules of the house that a program can judge; scripts/test runs it as suite "hygiene".

    tests/hygiene.py [ROOT]        every check on the tree, and the checks' own test
    tests/hygiene.py --self-test   only the latter: each check has to fail on a small bad tree and to accept a good one

Prints one line per check, under it each fault as file:line and what was expected. Ends with "N passed, N failed"; exit status 1 when one
failed.
"""

import argparse
import pathlib
import sys

from hygiene_checks import layering, lengths, self_test, text, tools
from hygiene_checks.tree import Tree

CHECKS = (
    layering.check_layers,
    layering.check_private_headers,
    layering.check_third_party,
    layering.check_contracts_are_plain,
    layering.check_pragma_once,
    layering.check_readme_table,
    lengths.check_file_lines,
    lengths.check_function_lines,
    lengths.check_columns,
    text.check_spdx,
    text.check_banned_calls,
    text.check_addresses,
    text.check_binaries,
    tools.check_headers_compile_alone,
    tools.check_format,
)


def report(title: str, faults: list[str]) -> bool:
    print(f"{'failed' if faults else 'passed'}  {title}")
    for fault in faults:
        print(f"        {fault}")
    return not faults


def main() -> int:
    parser = argparse.ArgumentParser(description="Checks the tree against the rules of the house.")
    parser.add_argument("root", nargs="?", type=pathlib.Path, default=pathlib.Path(__file__).resolve().parent.parent)
    parser.add_argument("--self-test", action="store_true", help="only the checks' own test")
    options = parser.parse_args()
    results = []
    if not options.self_test:
        tree = Tree.of_git(options.root)
        for check in CHECKS:
            results.append(report(str(check.__doc__), [str(finding) for finding in check(tree)]))
    for title, faults in self_test.run(CHECKS):
        results.append(report(title, faults))
    print(f"{results.count(True)} passed, {results.count(False)} failed")
    return 1 if False in results else 0


if __name__ == "__main__":
    sys.exit(main())
