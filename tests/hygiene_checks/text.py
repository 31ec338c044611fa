# SPDX-License-Identifier: GPL-3.0-or-later
"""What may stand in a tracked file: licence lines, calls, addresses, sizes."""

import re

from . import cpp_text
from .tree import Finding, Tree

SPDX = re.compile(r"SPDX-License-Identifier: GPL-3\.0-or-later\b")
SPDX_SUFFIXES = (".cc", ".h", ".py", ".sh", ".js", ".mjs", ".css", ".html")
SPDX_NAMES = ("meson.build", "meson_options.txt")
SPDX_LINES = 5  # within the first of them

BANNED = {
    r"\b(?:strcpy|strcat|stpcpy|strncpy)\s*\(": "std::string_view, ByteBuffer or std::memcpy with a checked size",
    r"\bv?sprintf\s*\(": "fmt::format",
    r"(?<!\.)(?<!->)\bs?rand\s*\(": "an engine of <random> with a seed that is handed in",
    r"(?<!\.)(?<!->)\b(?:system|popen)\s*\(": "no shell",
    r"\bgets\s*\(": "a bounded read",
    r"\batoi\s*\(|\batol\s*\(|\batof\s*\(": "std::from_chars",
    r"\bstrtok\s*\(": "std::string_view",
    r"\bstd::(?:basic_|w)?regex\b|#\s*include\s*<regex>": "a hand-written matcher: std::regex recurses per byte of peer input",
    r"\busing\s+namespace\s+std\s*;": "std:: in front of the name",
}

URL = re.compile(r"\bhttps?://(?P<host>[^\s/:\"'`<>()\[\]?#,;\\]*)")
# People read these pages; no program of ours fetches them.
DOCUMENTATION = re.compile(
    r"(?:.*\.)?(?:rfc-editor\.org|ietf\.org|iana\.org|w3\.org|json-schema\.org|learn\.microsoft\.com|gnu\.org|fsf\.org|kernel\.org)$")
# Loopback, addresses and names for examples (RFC 2606, 5737, 6761; 10.0.0.0/8 too), and what a program fills in.
EXAMPLE = re.compile(
    r"(?:127\.\d+\.\d+\.\d+|0\.0\.0\.0|192\.0\.2\.\d+|198\.51\.100\.\d+|203\.0\.113\.\d+|10\.\d+\.\d+\.\d+|localhost|\w+|"
    r"\d+(?:\.\d+){1,2}|"
    r"(?:[\w*-]+\.)*(?:example(?:\.(?:com|org|net))?|test|invalid|internal|localhost|local)|.*[{}$%*].*|)$")
ADDRESS = re.compile(r"(?<![\w.])\d{1,3}(?:\.\d{1,3}){3}(?![\w.])")
HOST_NAME = re.compile(r"(?<![\w./@-])(?:[a-z0-9][a-z0-9-]*\.)+(?:org|com|net|io|dev|cn)(?![\w-])")

BINARY_BYTES_MAX = 300_000
ARCHIVES = (".tar", ".gz", ".tgz", ".xz", ".bz2", ".zst", ".zip", ".7z", ".rar", ".deb", ".rpm", ".whl", ".jar", ".a", ".so", ".o")
ARCHIVE_STARTS = (b"PK\x03\x04", b"\x1f\x8b", b"BZh", b"\xfd7zXZ\0", b"\x28\xb5\x2f\xfd", b"!<arch>\n", b"7z\xbc\xaf", b"\x7fELF")


def check_spdx(tree: Tree) -> list[Finding]:
    """Every source file carries its SPDX line"""
    return [Finding(name, 1, "expected SPDX-License-Identifier: GPL-3.0-or-later in the first lines") for name in tree.ours()
            if (name.endswith(SPDX_SUFFIXES) or name.rsplit("/", 1)[-1] in SPDX_NAMES or tree.text(name).startswith("#!"))
            and not any(SPDX.search(line) for line in tree.lines(name)[:SPDX_LINES])]


def check_banned_calls(tree: Tree) -> list[Finding]:
    """No banned call in C++"""
    findings = []
    for name in tree.cpp():
        for number, line in enumerate(cpp_text.without_comments_and_literals(tree.text(name)).splitlines(), 1):
            for pattern, instead in BANNED.items():
                match = re.search(pattern, line)
                if match:
                    findings.append(Finding(name, number, f"expected {instead} instead of {match[0].strip()}"))
    return findings


def _is_script(name: str) -> bool:
    return name.startswith(("scripts/", ".ci/"))


def check_addresses(tree: Tree) -> list[Finding]:
    """No file names a package registry, a mirror or a machine: addresses are examples, documentation or upstream's release"""
    findings = []
    for name in tree.files:
        if name == "LICENSE" or name.endswith(".md") or not tree.is_text(name):
            continue
        for number, line in enumerate(tree.lines(name), 1):
            if name.startswith("subprojects/") and name.endswith(".wrap") and line.startswith("source_url"):
                continue
            for match in URL.finditer(line):
                host = match["host"].rsplit("@", 1)[-1]
                if not EXAMPLE.match(host) and (_is_script(name) or not DOCUMENTATION.match(host)):
                    findings.append(Finding(name, number, f"expected no address of {host} here"))
            if _is_script(name):
                for match in ADDRESS.finditer(line):
                    if not EXAMPLE.match(match[0]):
                        findings.append(Finding(name, number, f"expected no machine's address here: {match[0]}"))
                for match in HOST_NAME.finditer(line):
                    if not EXAMPLE.match(match[0]):
                        findings.append(Finding(name, number, f"expected no host name here: {match[0]}"))
    return findings


def check_binaries(tree: Tree) -> list[Finding]:
    """No archive is tracked, and no binary file over 300 kB"""
    findings = []
    for name in tree.files:
        if name.endswith(ARCHIVES) or tree.data(name).startswith(ARCHIVE_STARTS):
            findings.append(Finding(name, 0, "expected no archive and no object code in the repository"))
        elif not tree.is_text(name) and len(tree.data(name)) > BINARY_BYTES_MAX:
            findings.append(Finding(name, 0, f"expected a binary file of at most {BINARY_BYTES_MAX} bytes, not {len(tree.data(name))}"))
    return findings
