"""Success criteria: what passes, what fails, what is not judged, and with which figures."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

import pytest
import report_samples
from check_samples import rounds
from snapshot_builder import NODE26, SnapshotBuilder

from heapsleuth.errors import ExitCode
from heapsleuth.heap.opening import open_heap
from heapsleuth.leaks.check_model import CriterionResult, LoadSummary
from heapsleuth.leaks.model import Verdict
from heapsleuth.scenarios.class_uses import class_uses
from heapsleuth.scenarios.criteria import (
    ClassBudget,
    ClassUse,
    Limits,
    Observed,
    class_budgets,
    exit_code,
    heap_errors,
    judge,
    leak_findings,
    no_crash,
    peak,
    responses,
    stable_floor,
)

if TYPE_CHECKING:
    from pathlib import Path

GOOD_LOAD = LoadSummary(1000, 0, 0, 0, 2.0, 500.0, statuses=((200, 1000),))


def figure(result: CriterionResult, name: str) -> float:
    return dict(result.figures)[name]


@pytest.mark.parametrize(("fail_on", "passed", "sure"), [(0.8, False, 2), (0.96, False, 1), (0.98, True, 0)])
def test_leaks_fail_from_the_confidence_asked_for(fail_on: float, passed: bool, sure: int) -> None:
    result = leak_findings(report_samples.leak(), fail_on)

    assert result.passed is passed
    assert figure(result, "leaks_at_or_above") == sure
    assert figure(result, "highest_confidence") == 0.97


def test_a_leak_exactly_as_sure_as_asked_for_fails() -> None:
    assert leak_findings(report_samples.leak(), 0.97).passed is False


def test_suppressed_leaks_do_not_fail() -> None:
    report = report_samples.leak()
    findings = tuple(replace(one, suppressed="known") for one in report.findings)

    result = leak_findings(replace(report, findings=findings, verdict=Verdict.CLEAN), 0.8)

    assert result.passed is True
    assert result.text == "none but 4 accepted"


def test_no_snapshots_pass_only_with_a_flat_floor() -> None:
    assert leak_findings(None, 0.8).passed is None
    assert leak_findings(None, 0.8, floor_flat=True).passed is True


def test_undecided_snapshots_are_not_judged() -> None:
    report = replace(report_samples.clean(), verdict=Verdict.UNDECIDED)

    assert leak_findings(report, 0.8).passed is None
    assert leak_findings(report_samples.clean(), 0.8).passed is True


def test_a_floor_that_settles_within_two_minutes_is_stable() -> None:
    warming = [10_000_000, 20_000_000, 28_000_000, 30_000_000]
    soak = rounds(warming + [30_100_000, 30_050_000] * 4, every_s=30.0)

    result = stable_floor(soak, 120.0)

    assert result.passed is True
    assert figure(result, "lasted_s") == 330.0


def test_a_floor_that_still_rises_after_two_minutes_is_not_stable() -> None:
    result = stable_floor(rounds([20_000_000 + 400_000 * i for i in range(12)], every_s=30.0), 120.0)

    assert result.passed is False
    assert figure(result, "rise_bytes") == 1_600_000
    assert "22.2 MB to 23.8 MB" in result.text


def test_a_floor_that_falls_is_stable() -> None:
    assert stable_floor(rounds([30_000_000 - 900_000 * i for i in range(12)], every_s=30.0), 120.0).passed


@pytest.mark.parametrize("count", [0, 1, 7])
def test_a_short_run_says_nothing_about_the_floor(count: int) -> None:
    result = stable_floor(rounds([10_000_000] * count, every_s=30.0), 120.0)

    assert result.passed is None
    assert "needs 4 after the first 2 min" in result.text


def test_the_peak_counts_external_memory_and_must_stay_below_the_factor() -> None:
    # 2.1 MB external in each round: 12.1 MB at first.
    below, reached = rounds([10_000_000, 22_000_000]), rounds([10_000_000, 22_100_000])

    assert peak(below, 2.0).passed is True
    assert peak(reached, 2.0).passed is False
    assert figure(peak(reached, 2.0), "ratio") == 2.0


def test_a_peak_between_rounds_counts_when_it_was_seen() -> None:
    assert peak(rounds([10_000_000, 11_000_000]), 2.0, 40_000_000).passed is False
    assert peak(rounds([10_000_000, 11_000_000]), 2.0, 1_000).passed is True


def test_one_round_has_no_peak() -> None:
    assert peak(rounds([10_000_000]), 2.0).passed is None


def test_heap_errors_are_found_in_what_the_program_wrote() -> None:
    output = "ready\nRangeError: Invalid string length\nok\nFATAL ERROR: JavaScript heap out of memory\n"

    assert heap_errors(output) == (
        "RangeError: Invalid string length",
        "FATAL ERROR: JavaScript heap out of memory",
    )
    assert heap_errors("heap used: 12 MB\nAllocated 3 buffers") == ()


def test_a_crash_or_a_heap_error_fails() -> None:
    assert no_crash(None).passed is True
    assert no_crash("signal SIGKILL").text == "the program ended: signal SIGKILL"
    assert no_crash(None, ["heap out of memory"]).passed is False
    assert no_crash("exit code 134", ["heap out of memory"]).text.endswith("134: heap out of memory")


@pytest.mark.parametrize(
    ("load", "passed", "share"),
    [
        (GOOD_LOAD, True, 0.0),
        (replace(GOOD_LOAD, non_2xx=10, statuses=((200, 990), (503, 10))), True, 0.01),
        (replace(GOOD_LOAD, non_2xx=11, statuses=((200, 989), (503, 11))), False, 0.011),
        (replace(GOOD_LOAD, requests=0, errors=5, statuses=()), False, 1.0),
        (replace(GOOD_LOAD, requests=90, errors=10, timeouts=10), False, 0.1),
    ],
)
def test_responses_may_fail_up_to_a_share(load: LoadSummary, passed: bool, share: float) -> None:
    result = responses(load, 0.01)

    assert result.passed is passed
    assert figure(result, "share") == pytest.approx(share)


def test_the_most_frequent_wrong_status_is_named() -> None:
    load = replace(GOOD_LOAD, non_2xx=30, statuses=((200, 970), (404, 10), (500, 20)))

    assert responses(load, 0.0).text == "30 of 1,000 failed (3 %), 20 with status 500"


def test_no_request_is_no_pass() -> None:
    assert responses(replace(GOOD_LOAD, requests=0, statuses=()), 0.01).passed is None


def test_budgets_limit_count_and_growth_of_a_class() -> None:
    uses = {"Row": ClassUse(100, 12.0), "Once": ClassUse(1, None)}
    budgets = (
        ClassBudget("Row", max_count=100),
        ClassBudget("Row", max_count=99),
        ClassBudget("Row", bytes_per_work=11.9),
        ClassBudget("Row", max_count=100, bytes_per_work=12.0),
        ClassBudget("Once", bytes_per_work=1.0),
        ClassBudget("Absent", max_count=0, bytes_per_work=0.0),
    )

    assert [one.passed for one in class_budgets(uses, budgets)] == [True, False, False, True, None, True]
    assert {one.passed for one in class_budgets(None, budgets)} == {None}
    assert class_budgets(uses, budgets)[1].text == "100 objects of at most 99"


def test_a_broken_budget_fails_even_when_another_limit_of_it_is_not_judged() -> None:
    budget = ClassBudget("Once", max_count=0, bytes_per_work=1.0)

    assert class_budgets({"Once": ClassUse(1, None)}, [budget])[0].passed is False


def test_criteria_that_are_off_are_not_listed() -> None:
    observed = Observed(rounds=rounds([1, 2]), load=GOOD_LOAD, floor_flat=True)
    off = Limits(fail_on=None, stable_within_s=None, peak_factor=None, crash=False, non_2xx_share=None)

    assert judge(observed, off) == ()
    on = Limits(stable_within_s=120.0, peak_factor=2.0, budgets=(ClassBudget("Row", 1),))
    assert [one.name for one in judge(observed, on)] == [
        "leak-findings",
        "stable-floor",
        "peak",
        "no-crash",
        "responses",
        "budget:Row",
    ]


def test_a_module_without_load_is_not_judged_by_responses() -> None:
    assert "responses" not in [one.name for one in judge(Observed(), Limits())]


@pytest.mark.parametrize(
    ("verdict", "failed", "code"),
    [
        (Verdict.CLEAN, [], ExitCode.FINE),
        (Verdict.UNDECIDED, [], ExitCode.UNDECIDED),
        (Verdict.LEAK, [], ExitCode.UNDECIDED),
        (Verdict.LEAK, ["leak-findings"], ExitCode.LEAK),
        (Verdict.CLEAN, ["peak"], ExitCode.LEAK),
        (Verdict.UNDECIDED, ["budget:Row"], ExitCode.LEAK),
        (Verdict.LEAK, ["leak-findings", "no-crash"], ExitCode.LEAK),
        (Verdict.UNDECIDED, ["no-crash", "peak"], ExitCode.FAILED),
        (Verdict.CLEAN, ["responses"], ExitCode.FAILED),
    ],
)
def test_exit_codes_follow_criteria_before_the_verdict(
    verdict: Verdict, failed: list[str], code: ExitCode
) -> None:
    names = {"leak-findings", *failed}
    criteria = [CriterionResult(name, passed=name not in failed, text="") for name in sorted(names)]

    assert exit_code(verdict, criteria) is code


def heap_with(rows: int, folder: Path, name: str) -> Path:
    heap = SnapshotBuilder()
    table = heap.add(heap.global_object(), "property", "table", "object", "Table", size=24)
    for i in range(rows):
        heap.add(table, "element", i, "object", "Row", size=40)
    return heap.write(folder / f"{name}.heapsnapshot", NODE26)


def test_what_a_class_uses_is_counted_in_the_last_snapshot_and_grows_since_the_first(tmp_path: Path) -> None:
    first, last = (open_heap(heap_with(rows, tmp_path, f"{rows}")) for rows in (3, 8))

    uses = class_uses(last, first, 10.0)

    assert uses["Row"] == ClassUse(8, 20.0)
    assert uses["Table"] == ClassUse(1, 0.0)


def test_one_snapshot_counts_but_shows_no_growth(tmp_path: Path) -> None:
    assert class_uses(open_heap(heap_with(8, tmp_path, "a")))["Row"] == ClassUse(8, None)


def test_a_leak_fails_when_confidence_is_not_asked_about() -> None:
    assert exit_code(Verdict.LEAK, []) is ExitCode.LEAK
