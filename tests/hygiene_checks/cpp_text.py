# SPDX-License-Identifier: GPL-3.0-or-later
"""Just enough C++ reading for the checks: text without comments and literals, and where functions begin and end."""

import dataclasses
import re

_TOKEN = re.compile(
    r'R"(?P<delimiter>[^\s()\\]{0,16})\((?:.|\n)*?\)(?P=delimiter)"'  # raw string
    r"|//[^\n]*"
    r"|/\*(?:.|\n)*?\*/"
    r'|"(?:\\.|[^"\\\n])*"'
    r"|(?<![0-9a-fA-F])'(?:\\.|[^'\\\n])+'"  # a character, not a digit separator
)


def without_comments_and_literals(text: str) -> str:
    """Every position stays what it was: comments become blanks, strings and characters lose what is between their quotes."""
    def blank(match: re.Match[str]) -> str:
        token = match[0]
        blanks = re.sub(r"[^\n]", " ", token)
        return blanks if token.startswith("/") else f'"{blanks[1:-1]}"'
    return _TOKEN.sub(blank, text)


def without_directives(text: str) -> str:
    """Preprocessor lines, with their continuations, become blanks."""
    return re.sub(r"^[ \t]*#(?:[^\n]*\\\n)*[^\n]*", lambda match: re.sub(r"[^\n]", " ", match[0]), text, flags=re.M)


@dataclasses.dataclass(frozen=True)
class Function:
    name: str
    line: int  # of the signature's start
    lines: int  # to the closing brace


def _strip_angles(text: str) -> str:
    """`template <…>` in front of a declaration is left out, nested brackets too."""
    while match := re.search(r"\btemplate\s*<", text):
        depth, end = 1, match.end()
        while end < len(text) and depth:
            depth += {"<": 1, ">": -1}.get(text[end], 0)
            end += 1
        text = text[:match.start()] + text[end:]
    return text


def _opens_function(head: str) -> str | None:
    """The function's name when a brace after `head`, outside of any function, opens its body."""
    head = re.sub(r"\[\[.*?\]\]|\b(public|private|protected)\s*:", " ", _strip_angles(head), flags=re.S)
    head = re.sub(r"\balignas\s*\([^)]*\)", " ", head)
    if re.match(r"\s*(?:inline\s+|export\s+|typedef\s+)*(?:namespace|class|struct|union|enum|extern)\b[^()]*(?:\(|$)", head) and (
            "(" not in head or re.match(r"\s*(?:class|struct|union|enum)\b[^()]*:(?!:)", head)):
        return None
    plain = re.sub(r"\boperator\s*(?:\(\s*\)|[^\s(\w]+)", "operator", head)
    opening = plain.find("(")
    if opening < 0:
        return None
    assigned = re.search(r"(?<![=!<>])=(?!=)\s*(\[)?", plain[:opening])
    if assigned and not assigned[1]:
        return None
    name = re.search(r"([\w:~]+)\s*$", plain[:opening])
    if assigned:
        name = re.search(r"(\w+)\s*=", plain[:opening])
    return name[1] if name else "?"


def functions(text: str) -> list[Function]:
    """Every function with a body; lambdas and local classes count as part of the function around them. Needs balanced braces."""
    original, text = text, without_directives(without_comments_and_literals(text))
    found: list[Function] = []
    scopes: list[tuple[str, int] | None] = []  # (name, first line) of a function's body, None for any other brace
    inside = 0  # open braces since a function began
    parentheses = 0
    head_start, line = 0, 1
    for position, character in enumerate(text):
        if character == "\n":
            line += 1
        elif character in "()" and not inside:
            parentheses += 1 if character == "(" else -1
        elif character == "{":
            if inside or parentheses > 0:
                inside += 1 if inside else 0
                scopes.append(None)
                continue
            head = text[head_start:position]
            name = _opens_function(head)
            case = re.search(r"\bTEST_CASE\w*\(\s*(?:\w+,\s*)?\"", head)
            if name and case:
                name = original[head_start + case.end():position].split('"')[0]
            first = line - head.lstrip().count("\n")
            scopes.append((name, first) if name else None)
            inside = 1 if name else 0
            head_start = position + 1
        elif character == "}" and scopes:
            scope = scopes.pop()
            if inside:
                inside -= 1
            if scope:
                found.append(Function(scope[0], scope[1], line - scope[1] + 1))
            if not inside and parentheses <= 0:
                head_start = position + 1
        elif character == ";" and not inside and parentheses <= 0:
            head_start = position + 1
    return found
