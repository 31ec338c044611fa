# SPDX-License-Identifier: GPL-3.0-or-later
"""A check that cannot fail proves nothing: each gets small trees that break its rule in every way it knows, and one good tree."""

import json
import pathlib
import tempfile

from .tree import Finding, Tree

LICENCE = "// SPDX-License-Identifier: GPL-3.0-or-later\n"
# Put together here, so that this file names no host itself.
SOMEWHERE = "somewhere" + ".org"
HASH_LICENCE = "# SPDX-License-Identifier: GPL-3.0-or-later\n"
HEADER = LICENCE + "#pragma once\n"


def _function(lines: int, head: str = "int f() {") -> str:
    return LICENCE + head + "\n" + "  f();\n" * (lines - 2) + "}\n"


GOOD: dict[str, str | bytes] = {
    ".clang-format": "BasedOnStyle: Google\nColumnLimit: 140\n",
    "README.md": f"[docs](https://{SOMEWHERE}/)\n\n| `src/base` | Words. |\n| `src/io` | Linux. |\n",
    "include/signet/base/a.h": HEADER + "\n#include <string>\n\ninline std::string a() { return {}; }\n",
    "src/base/a.cc": LICENCE + '#include "signet/base/a.h"\n\n#include "b.h"\n\n'
                     '// strcpy(a, b), http://127.0.0.1\nconst char* text = "system(";\n',
    "src/base/b.h": HEADER,
    "src/base/limit.cc": _function(70),
    "src/io/ring.cc": LICENCE + '#include <liburing.h>\n\n#include "signet/base/a.h"\n',
    "tests/base/a_test.cc": LICENCE + '#include <catch2/catch_test_macros.hpp>\n\n#include "base/b.h"\n',
    "tests/io/made_test.cc": LICENCE + '#include "made.h"\n',
    "tests/meson.build": HASH_LICENCE + "custom_target('made', output: 'made.h')\n",
    "scripts/run": "#!/bin/sh\n" + HASH_LICENCE + "curl http://127.0.0.1:80/\n",
    "subprojects/x.wrap": f"[wrap-file]\nsource_url = https://{SOMEWHERE}/y.tar.gz\n",
}

# Check → faulty additions to the good tree; a value None takes a file away. Each has to be found, in the file named first.
BAD: dict[str, list[dict[str, str | bytes | None]]] = {
    "check_layers": [
        {"src/base/c.cc": '#include "signet/io/x.h"\n'},
        {"src/io/c.cc": '#include "signet/wire/x.h"\n'},
        {"include/signet/wire/c.h": '#include "signet/net/x.h"\n'},
        {"src/config/c.cc": '#include "signet/net/x.h"\n'},
        {"src/gateway/c.cc": '#include "signet/control/x.h"\n'},
        {"tests/net/c_test.cc": '#include "signet/gateway/x.h"\n'},
        {"src/strange/c.cc": LICENCE},
    ],
    "check_private_headers": [
        {"src/io/c.cc": '#include "base/b.h"\n'},
        {"src/io/c.cc": '#include "../base/b.h"\n'},
        {"tests/io/c_test.cc": '#include "base/b.h"\n'},
        {"src/io/c.cc": '#include "missing.h"\n'},
        {"src/io/c.cc": '#include "signet/base/missing.h"\n'},
        {"src/io/c.cc": "#include <signet/base/a.h>\n"},
        {"include/signet/base/c.h": '#include "base/b.h"\n'},
        {"src/io/c.cc": '#include "support/t.h"\n', "tests/support/t.h": HEADER},
    ],
    "check_third_party": [{f"src/{layer}/c.cc": f"#include <{header}>\n"} for layer, header in (
        ("net", "liburing.h"), ("base", "linux/tls.h"), ("gateway", "netinet/in.h"), ("net", "sys/socket.h"), ("gateway", "wolfssl/ssl.h"),
        ("net", "llhttp.h"),
        ("wire", "ares.h"), ("app", "simdjson.h"), ("gateway", "pugixml.hpp"), ("config", "CLI/CLI.hpp"), ("net", "spdlog/spdlog.h"),
        ("base", "catch2/catch_test_macros.hpp"), ("base", "benchmark/benchmark.h"))],
    "check_contracts_are_plain": [
        {"include/signet/base/c.h": f"#include <{header}>\n"} for header in ("fmt/core.h", "netinet/in.h", "llhttp.h")],
    "check_pragma_once": [{"src/base/c.h": LICENCE}, {"include/signet/io/c.h": LICENCE + "// #pragma once\n"}],
    "check_readme_table": [
        {"README.md": None},
        {"README.md": "| `src/base` | Words. |\n"},
        {"README.md": "| `src/base` | Words. |\n| `src/io` | |\n"},
        {"README.md": "| `src/base` | Words. |\n| `src/io` | Linux. |\n| `src/gone` | Nothing. |\n"},
    ],
    "check_file_lines": [
        {"src/base/c.cc": "\n" * 701},
        {"tests/c.py": "\n" * 701},
        {"tests/c.mjs": "\n" * 701},
        {"src/base/c.cc": "\n" * 802, "tests/hygiene_ratchet.json": json.dumps({"file_lines": {"src/base/c.cc": 801}})},
        {"tests/hygiene_ratchet.json": json.dumps({"file_lines": {"src/base/c.cc": 801}}), "src/base/c.cc": "\n" * 800},
        {"tests/hygiene_ratchet.json": json.dumps({"file_lines": {"src/base/a.cc": 801}})},
        {"tests/hygiene_ratchet.json": json.dumps({"file_lines": {"src/base/gone.cc": 801}})},
    ],
    "check_function_lines": [
        {"src/base/c.cc": _function(71)},
        {"src/base/c.cc": _function(71, "namespace x { class Y final : public Z { int f(int a = 3) const override {").rstrip() + "}}\n"},
        {"src/base/c.cc": _function(71, "template <class T> bool operator==(T a, T b) { // '{'")},
        {"src/base/c.cc": _function(71, "const auto f = [](int a) -> int {")},
        {"src/base/c.cc": _function(71, 'TEST_CASE("a { in a name") {')},
        {"src/base/c.cc": _function(71, "X::X(int a) : a_{a}, b_(a) {")},
        {"tests/c.py": "def f():\n" + "    f()\n" * 70},
        {"tests/hygiene_ratchet.json": json.dumps({"function_lines": {"src/base/c.cc:f": 90}}), "src/base/c.cc": _function(80)},
    ],
    "check_columns": [{"src/base/c.cc": "x" * 141}, {"tests/c.py": "x" * 141}, {"tests/c.mjs": "x" * 141}, {"scripts/c.sh": "x" * 141}],
    "check_spdx": [{"src/base/c.cc": "int a;\n"}, {"tests/c.mjs": "f();\n"}, {"scripts/c": "#!/bin/sh\n"}, {"tests/c.py": "\n"},
                   {"src/meson.build": "\n"}],
    "check_banned_calls": [{"src/base/c.cc": f"{call}\n"} for call in (
        "strcpy(a, b);", "std::sprintf(a, b);", "rand();", "std::rand();", "std::system(a);", "std::regex r;", "#include <regex>",
        "using namespace std;", "atoi(a);", 'x = "a" /* b */ + strcat (a, b);')],
    "check_addresses": [
        {"scripts/c": f"# fetch https://packages.{SOMEWHERE}/a\n"},
        {"scripts/c": "# read https://www.rfc-editor.org/rfc/rfc9110\n"},
        {"scripts/c": f"deb mirror.{SOMEWHERE} main\n"},
        {"scripts/c": "proxy=198.18.0.7\n"},
        {".ci/c": f"# http://user@{SOMEWHERE}/\n"},
        {"src/base/c.cc": f"// https://{SOMEWHERE}/\n"},
        {"tests/c.py": f"# https://{SOMEWHERE}/\n"},
        {"subprojects/y.wrap": f"source_fallback_url = https://{SOMEWHERE}/y.tar.gz\n"},
    ],
    "check_binaries": [{"a/c.bin": b"\0" * 300_001}, {"a/c.tar": "text"}, {"a/c": b"PK\x03\x04rest"}, {"a/c": b"\x7fELFrest"}],
    "check_headers_compile_alone": [
        {"include/signet/base/c.h": HEADER + "std::string c();\n"},
        {"include/signet/base/c.h": HEADER + '#include "signet/base/missing.h"\n'},
    ],
    "check_format": [{"src/base/c.cc": "int   a ;\n"}, {"src/base/c.h": "void f( );\n"}],
}


def _findings(check, files: dict[str, str | bytes | None]) -> list[Finding]:
    with tempfile.TemporaryDirectory(prefix="signet-hygiene-") as folder:
        root = pathlib.Path(folder)
        for name, content in files.items():
            if content is not None:
                path = root / name
                path.parent.mkdir(parents=True, exist_ok=True)
                path.write_bytes(content if isinstance(content, bytes) else content.encode())
        return check(Tree.of_folder(root))


def run(checks) -> list[tuple[str, list[str]]]:
    """(title, faults) for each check."""
    results = []
    for check in checks:
        name = check.__name__
        faults = [f"{name} complains about the good tree: {finding}" for finding in _findings(check, GOOD)]
        if not BAD.get(name):
            faults.append(f"expected bad trees for {name} in tests/hygiene_checks/self_test.py")
        for bad in BAD.get(name, ()):
            place = next(iter(bad))
            found = _findings(check, {**GOOD, **bad})
            if not any(finding.path == place for finding in found):
                faults.append(f"expected {name} to fail at {place} in {str(bad)[:160]}")
        results.append((f"{name} finds what it is there for", faults))
    return results
