# SPDX-License-Identifier: GPL-3.0-or-later
"""The chart: CPU per call of each gateway, a group of bars for each row. Each has a scale of its own: its longest bar is full width."""

import html

from peers.rows import Kind

GATEWAYS = ("Signet", "nginx", "HAProxy", "floor")
WIDTH, MARGIN, NAME, BARS = 860, 24, 66, 640
BAR, GAP, TITLE, GROUP = 15, 4, 22, 16  # heights
HEAD = 80

# Light, dark. No CSS variables: not every program that shows SVG knows them.
_COLOURS = {
    "paper": ("#ffffff", "#0d1117"), "text": ("#1f2328", "#f0f6fc"), "faint": ("#59636e", "#9198a1"), "Signet": ("#0969da", "#4493f8"),
    "nginx": ("#1a7f37", "#3fb950"), "HAProxy": ("#9a6700", "#d29922"), "floor": ("#6e7781", "#9198a1")}


def _style() -> str:
    light, dark = ("".join(f"{'' if name == 'text' else '.'}{name} {{ fill: {colours[which]}; }} " for name, colours in _COLOURS.items())
                   for which in (0, 1))
    return f"""
  text {{ font-family: system-ui, -apple-system, "Segoe UI", "DejaVu Sans", Helvetica, Arial, sans-serif; font-size: 12px; }}
  .heading {{ font-size: 17px; font-weight: 600; }}
  .title {{ font-weight: 600; font-size: 13px; }}
  .strong {{ font-weight: 600; }}
  .system {{ opacity: 0.45; }}
  {light}
  @media (prefers-color-scheme: dark) {{ {dark} }}
"""


def _number(value: float) -> str:
    return f"{value:,.0f}" if value >= 100 else f"{value:.1f}"


def _text(x: float, y: float, text: str, kind: str = "", anchor: str = "start") -> str:
    return f'<text x="{x:.0f}" y="{y:.0f}" class="{kind}" text-anchor="{anchor}">{html.escape(text)}</text>'


def _bar(y: float, gateway: str, figure: dict, scale: float) -> list[str]:
    left = MARGIN + NAME
    user, system = figure["cpu_user_us"] * scale, figure["cpu_system_us"] * scale
    middle = y + BAR - 3.5
    return [
        _text(left - 8, middle, gateway, "strong" if gateway == "Signet" else "faint", "end"),
        f'<rect class="{gateway}" x="{left}" y="{y}" width="{user:.1f}" height="{BAR}"/>',
        f'<rect class="{gateway} system" x="{left + user:.1f}" y="{y}" width="{system:.1f}" height="{BAR}"/>',
        _text(left + user + system + 7, middle, f"{_number(figure['cpu_total_us'])} µs", "strong" if gateway == "Signet" else ""),
    ]


def _group(y: float, row: dict) -> tuple[list[str], float]:
    ratio = row["comparison"].get("ratio")
    parts = [_text(MARGIN, y + 14, row["title"], "title")]
    if ratio:
        parts.append(_text(WIDTH - MARGIN, y + 14, f"Signet: {ratio:.2f} of the better other", "faint", "end"))
    y += TITLE
    shown = [name for name in GATEWAYS if name in row["figures"]]
    scale = BARS / max(row["figures"][name]["cpu_total_us"] for name in shown)
    for name in shown:
        parts += _bar(y, name, row["figures"][name], scale)
        y += BAR + GAP
    return parts, y + GROUP


def draw(result: dict) -> str:
    """An SVG picture that follows the reader's light or dark."""
    rows = [row for row in result["rows"] if row["figure"] == Kind.CPU.value and "Signet" in row["figures"]]
    parts, y = [], float(HEAD)
    for row in rows:
        made, y = _group(y, row)
        parts += made
    machine = result["machine"]
    versions = " · ".join(text.replace("nginx version: ", "").replace(" - ", " ").split(" 20")[0] for text in result["versions"].values())
    foot = [_text(MARGIN, y + 4, versions, "faint"),
            _text(MARGIN, y + 22, f"{machine['cpu']}, Linux {machine['kernel']}, {machine['date'][:10]}; medians of {result['rounds']} "
                  f"interleaved rounds of {result['seconds']:g} s", "faint")]
    height = y + 40
    head = [_text(MARGIN, 34, "CPU per call of one gateway worker, mutual TLS 1.3 to the origin", "heading"),
            _text(MARGIN, 54, "Less is better. Solid: user; pale: system. Each group has its own scale. "
                  "Floor: a relay without HTTP and TLS.", "faint")]
    return "\n".join([
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {WIDTH} {height:.0f}" width="{WIDTH}" height="{height:.0f}" role="img" '
        'aria-label="CPU per call of Signet, nginx and HAProxy">',
        f"<style>{_style()}</style>",
        f'<rect class="paper" x="0.5" y="0.5" width="{WIDTH - 1}" height="{height - 1:.0f}" rx="8" stroke="#8b949e" stroke-opacity="0.4"/>',
        *head, *parts, *foot, "</svg>", ""])
