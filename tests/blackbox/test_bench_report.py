# SPDX-License-Identifier: GPL-3.0-or-later
"""What scripts/bench peers tells of its samples: medians, ratios, targets, calls under a wrong identity, and a chart that is XML."""

import sys
import xml.etree.ElementTree

from harness import ROOT

sys.path.append(str(ROOT / "bench"))
# pylint: disable=wrong-import-position
from peers import chart, report  # noqa: E402
from peers.rows import ROWS, Row, Wrong  # noqa: E402


def _row(name: str) -> Row:
    return next(row for row in ROWS if row.name == name)


def _sample(total_us: float, user_us: float, **more) -> dict:
    return {"calls": 1000, "failed": 0, "unexpected": 0, "busy": 0.9, "calls_per_s": 9e5 / total_us, "resident_kib": 20_000,
            "cpu_us": total_us, "ticks": [round(user_us * 1000), round((total_us - user_us) * 1000)],
            "latency_us": {"p50": 10 * total_us, "p99": 20 * total_us, "p999": 30 * total_us}, **more}


def _result(name: str, samples: dict[str, list[dict]]) -> tuple[Row, dict, dict]:
    row = _row(name)
    figures = report.figures(row, samples)
    return row, figures, report.compare(row, figures)


def _pooled(signet: float, signet_user: float) -> tuple[Row, dict, dict]:
    return _result("pooled-150", {
        "Signet": [_sample(signet, signet_user), _sample(signet * 2, signet_user * 2), _sample(signet / 2, signet_user / 2)],
        "nginx": [_sample(20, 10)], "HAProxy": [_sample(25, 8)], "floor": [_sample(8, 1)]})


def test_the_ratio_is_of_medians_and_to_the_better_of_the_others_also_by_user_time():
    _, figures, comparison = _pooled(10, 2)
    assert figures["Signet"]["value"] == 10
    assert (comparison["ratio"], comparison["ratio_user"], comparison["times_floor"]) == (10 / 20, 2 / 8, 10 / 8)


def test_a_target_is_met_only_if_all_of_it_is():
    assert _pooled(13, 2.7)[2]["met"]
    assert not _pooled(13.2, 2)[2]["met"]
    assert not _pooled(10, 3)[2]["met"]


def test_memory_is_held_against_bytes():
    def memory(each: float) -> dict:
        return _result("idle-callers", {name: [{"bytes_each": each, "resident_kib": 1}] for name in ("Signet", "nginx", "HAProxy")})[2]
    assert memory(1024)["met"] and not memory(1025)["met"]


def test_the_table_has_every_gateway_the_ratio_and_the_target():
    latency = _result("rate-150", {name: [_sample(10, 5)] for name in ("Signet", "nginx", "HAProxy", "floor")})
    lines = report.table([_pooled(13.2, 2), latency]).splitlines()
    for word in ("Signet", "nginx", "HAProxy", "floor", "ratio", "target"):
        assert word in lines[0], lines
    for word in ("13.2 (2.0)", "20.0 (10.0)", "25.0 (8.0)", "8.0 (1.0)", "0.66 (0.25)", "≤ 0.65 (≤ 0.35) MISSED"):
        assert word in lines[2], lines
    assert any("100 / 200 / 300" in line and "1.00" in line and "MISSED" in line for line in lines), lines


def test_calls_under_a_wrong_identity_are_told():
    crowd = _result("identities-100", {name: [_sample(10, 5, unexpected=wrong)] for name, wrong in (("Signet", 0), ("nginx", 7))})
    told = report.table([crowd])
    assert "nginx sent 7 of 1,000 calls under another identity's certificate" in told
    assert "Signet sent 0 of 1,000 calls" in told


def test_a_split_of_few_ticks_is_said_to_be_uncertain():
    few = _result("pooled-150", {"Signet": [_sample(0.1, 0.01)]})
    assert "user CPU is uncertain" in report.table([few])
    assert "user CPU is uncertain" not in report.table([_pooled(10, 2)])


def test_sessions_that_were_not_resumed_are_told():
    lost = {"Signet": 15, "nginx": 60, "floor": 1000}
    resumed = _result("resumed", {name: [_sample(10, 5, unexpected=count)] for name, count in lost.items()})
    told = [line for line in report.table([resumed]).splitlines() if "resumed no session" in line]
    assert told == ["resumed: nginx resumed no session in 6.0% of its calls"]


def test_a_row_refuses_figures_of_other_work():
    full = {"calls": 1000, "unexpected": 1}
    try:
        _row("full-p256").check(full)
    except Wrong:
        _row("resumed").check(full)
    else:
        raise AssertionError("a resumed session passed for a full handshake")


def test_the_chart_is_xml_and_shows_every_gateway():
    row, figures, comparison = _pooled(10, 2)
    drawn = chart.draw({
        "rows": [{"title": row.title + " <&>", "figure": row.kind.value, "figures": figures, "comparison": comparison}],
        "machine": {"cpu": "a & b", "kernel": "6.1", "date": "2026-01-01T00:00:00"}, "versions": {"Signet": "signet 1"},
        "rounds": 3, "seconds": 3.0})
    bars = [each.get("class") for each in xml.etree.ElementTree.fromstring(drawn).iter("{http://www.w3.org/2000/svg}rect")]
    assert bars == ["paper"] + [name + kind for name in ("Signet", "nginx", "HAProxy", "floor") for kind in ("", " system")], bars
