#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-3.0-or-later
"""What bench/micro.py says about measurements: a regression is found, noise is not. Runs no benchmark. Ends with "N passed, N failed"."""

import json
import pathlib
import random
import subprocess
import sys
import tempfile
import unittest

HERE = pathlib.Path(__file__).resolve().parent
ROOT = HERE.parent.parent
sys.path.insert(0, str(ROOT / "bench"))

from micro import MicroError, baseline, programs  # noqa: E402
from micro.samples import INSTRUCTIONS, TIME, Comparison, Samples, compare, of_report, spread  # noqa: E402


def noisy(cost: float, seed: int, noise: float = 0.05, machine: float = 1.0, count: int = 24) -> Samples:
    """Repetitions of something that costs `cost` yardsticks, on a machine that is `machine` times as slow as another."""
    draw = random.Random(seed)
    return Samples([machine * 100 * cost * draw.gauss(1, noise) for _ in range(count)],
                   [machine * 100 * draw.gauss(1, noise) for _ in range(count)])


def of_one(old: Samples, new: Samples, kind=TIME) -> Comparison:
    (comparison,) = compare({"x": old}, {"x": new}, kind)
    return comparison


class ReportTest(unittest.TestCase):
    def setUp(self) -> None:
        self.report = json.loads((HERE / "google_benchmark.json").read_text(encoding="utf-8"))

    def test_each_repetition_is_a_sample_in_ns_beside_its_yardstick(self) -> None:
        read = of_report(self.report)
        self.assertEqual(read["http_reader/request_head"].values, [400.0, 402.0, 410.0])
        self.assertEqual(read["http_reader/request_head"].scales, [500.0, 501.0, 520.0])
        self.assertEqual(read["snapshot/build/apis:10000"].values, [26e6, 27e6, 25e6])

    def test_the_yardstick_and_aggregates_are_no_benchmarks(self) -> None:
        self.assertEqual(sorted(of_report(self.report)),
                         ["handshake/resumed/client/manual_time", "http_reader/request_head", "snapshot/build/apis:10000"])

    def test_a_benchmark_with_its_own_clock_counts_by_that(self) -> None:
        self.assertEqual(of_report(self.report)["handshake/resumed/client/manual_time"].values, [86000.0, 87000.0, 88000.0])

    def test_a_benchmark_that_failed_is_an_error_with_its_reason(self) -> None:
        self.report["benchmarks"][0] |= {"error_occurred": True, "error_message": "no session"}
        with self.assertRaisesRegex(MicroError, "no session"):
            of_report(self.report)

    def test_a_program_without_yardstick_is_an_error(self) -> None:
        self.report["benchmarks"] = [run for run in self.report["benchmarks"] if run["run_name"] != "yardstick"]
        with self.assertRaisesRegex(MicroError, "yardstick"):
            of_report(self.report)


class ComparisonTest(unittest.TestCase):
    def test_the_same_work_is_never_a_regression_however_noisy(self) -> None:
        for seed in range(200):
            for noise in (0.001, 0.02, 0.1):
                comparison = of_one(noisy(1, seed, noise), noisy(1, seed + 1000, noise))
                self.assertFalse(comparison.is_regression(TIME.threshold), f"{seed} {noise}")

    def test_work_that_costs_half_as_much_again_is_a_regression(self) -> None:
        for seed in range(200):
            comparison = of_one(noisy(1, seed), noisy(1.5, seed + 1000))
            self.assertEqual(comparison.verdict, "more", seed)
            self.assertTrue(comparison.is_regression(TIME.threshold), seed)

    def test_work_that_costs_less_is_seen_and_no_regression(self) -> None:
        for seed in range(200):
            comparison = of_one(noisy(1, seed), noisy(0.6, seed + 1000))
            self.assertEqual(comparison.verdict, "less", seed)
            self.assertFalse(comparison.is_regression(TIME.threshold), seed)

    def test_a_machine_that_is_half_as_fast_today_is_no_regression(self) -> None:
        for seed in range(200):
            self.assertFalse(of_one(noisy(1, seed), noisy(1, seed + 1000, machine=2)).is_regression(TIME.threshold), seed)

    def test_a_machine_at_a_slightly_other_speed_hides_no_regression(self) -> None:
        for seed in range(200):
            self.assertTrue(of_one(noisy(1, seed, 0.02), noisy(1.5, seed + 1000, 0.02, machine=1.1)).is_regression(TIME.threshold), seed)

    def test_code_that_suffers_more_than_the_yardstick_when_the_machine_is_busy_is_no_regression(self) -> None:
        self.assertFalse(of_one(noisy(1, 1, 0.02), noisy(1.4, 2, 0.02, machine=1.25)).is_regression(TIME.threshold))

    def test_a_difference_within_the_threshold_is_marked_and_passes(self) -> None:
        comparison = of_one(noisy(1, 1, 0.001), noisy(1.08, 2, 0.001))
        self.assertEqual(comparison.verdict, "more")
        self.assertFalse(comparison.is_regression(TIME.threshold))
        self.assertTrue(comparison.is_regression(0.05))

    def test_a_difference_in_the_noise_passes_whatever_the_threshold(self) -> None:
        comparison = of_one(noisy(1, 1, 0.2, count=9), noisy(1.15, 2, 0.2, count=9))
        self.assertFalse(comparison.is_regression(0.0))

    def test_a_few_disturbed_repetitions_do_not_count(self) -> None:
        quiet, disturbed = noisy(1, 1, 0.01), noisy(1, 2, 0.01)
        disturbed.values[:5] = [value * 10 for value in disturbed.values[:5]]
        self.assertLess(spread(disturbed.scaled()), 0.05)
        self.assertFalse(of_one(quiet, disturbed).is_regression(TIME.threshold))

    def test_instructions_are_judged_more_closely_than_time(self) -> None:
        old = Samples([1_000_000.0], [1.0])
        self.assertTrue(of_one(old, Samples([1_030_000.0], [1.0]), INSTRUCTIONS).is_regression(INSTRUCTIONS.threshold))
        self.assertEqual(of_one(old, Samples([1_004_000.0], [1.0]), INSTRUCTIONS).verdict, "")

    def test_what_only_one_side_has_is_named_and_no_regression(self) -> None:
        comparisons = compare({"gone": noisy(1, 1)}, {"added": noisy(1, 2)}, TIME)
        self.assertEqual([(one.name, one.verdict) for one in comparisons], [("added", "new"), ("gone", "not measured")])
        self.assertFalse(any(one.is_regression(0.0) for one in comparisons))


class BaselineTest(unittest.TestCase):
    def test_what_is_saved_is_loaded(self) -> None:
        with tempfile.TemporaryDirectory() as folder:
            path = baseline.path_in(pathlib.Path(folder) / "new")
            content = baseline.load(path)
            content["time"]["x"] = baseline.entry(noisy(1, 1), of="abc")
            baseline.save(path, content)
            self.assertEqual(baseline.samples(baseline.load(path)["time"]), {"x": noisy(1, 1)})

    def test_a_damaged_or_foreign_file_is_an_error_that_names_it(self) -> None:
        with tempfile.TemporaryDirectory() as folder:
            path = pathlib.Path(folder) / "x.json"
            for text in ("{", '{"format": 0}', "[]"):
                path.write_text(text, encoding="utf-8")
                with self.assertRaisesRegex(MicroError, "x.json"):
                    baseline.load(path)


class ProgramsTest(unittest.TestCase):
    def test_slow_benchmarks_are_counted_over_few_iterations_quick_ones_over_many(self) -> None:
        self.assertEqual(programs.iterations_for(80e6), 1)
        self.assertEqual(programs.iterations_for(50.0), 2**14)
        self.assertEqual(programs.iterations_for(600.0) % 16, 0)

    def test_a_missing_tool_is_named(self) -> None:
        with self.assertRaisesRegex(MicroError, "no-such-tool"):
            programs.need("python3", "no-such-tool")

    def test_other_programs_of_the_build_folder_are_no_benchmarks(self) -> None:
        with tempfile.TemporaryDirectory() as folder:
            (pathlib.Path(folder) / "bench").mkdir()
            for name, text in (("bench-router", "echo yardstick; echo router/find"), ("bench-floor", "exit 106")):
                program = pathlib.Path(folder) / "bench" / name
                program.write_text(f"#!/bin/sh\n{text}\n")
                program.chmod(0o700)
            (found,) = programs.find(pathlib.Path(folder), "")
        self.assertEqual((found.path.name, found.benchmarks), ("bench-router", ("router/find",)))

    def test_comparing_without_a_baseline_ends_with_2_and_says_what_to_do(self) -> None:
        with tempfile.TemporaryDirectory() as folder:
            done = subprocess.run([str(ROOT / "bench/micro.py"), "--no-build", "--compare", "--baselines", folder], capture_output=True,
                                  text=True, check=False)
        self.assertEqual(done.returncode, 2)
        self.assertIn("--save", done.stderr)


if __name__ == "__main__":
    result = unittest.main(exit=False).result
    failed = len(result.failures) + len(result.errors)
    print(f"{result.testsRun - failed} passed, {failed} failed")
    sys.exit(1 if failed else 0)
