"""Floors that rise, floors that settle, and what noise looks like."""

from __future__ import annotations

import pytest

from heapsleuth.leaks.check_model import Round
from heapsleuth.leaks.model import Verdict
from heapsleuth.scenarios.floor import judge_growth, judge_kind
from heapsleuth.scenarios.plan import Budget, Plan, rounds_between_snapshots

MB = 1_000_000


def judged(kind: str, *values: float) -> Verdict:
    return judge_kind(kind, [int(value) for value in values], list(range(len(values)))).verdict


def test_steady_growth_is_a_leak() -> None:
    assert judged("heap", *(10 * MB + 400_000 * i for i in range(6))) is Verdict.LEAK


def test_growth_in_steps_of_a_doubling_table_is_still_a_leak() -> None:
    steps = [0, 0.2, 0.4, 0.9, 1.1, 1.3, 1.9, 2.1]
    assert judged("heap", *(5 * MB + MB * step for step in steps)) is Verdict.LEAK


@pytest.mark.parametrize("noise", [[0, 11_000, 9_000, 21_000, 30_000], [0, 90_000, 70_000, 80_000, 75_000]])
def test_what_leak_free_programs_do_is_no_growth(noise: list[int]) -> None:
    assert judged("heap", *(4 * MB + one for one in noise)) is Verdict.CLEAN


def test_warm_up_that_saturates_is_no_growth() -> None:
    assert judged("heap", *(4 * MB + 2 * MB * (1 - 0.4**i) for i in range(10))) is Verdict.CLEAN


def test_a_burst_that_drains_is_no_growth() -> None:
    assert judged("heap", 4e6, 5e6, 6e6, 7e6, 8e6, 6e6, 4e6, 4e6) is Verdict.CLEAN


def test_too_few_rounds_are_undecided_and_say_so() -> None:
    growth = judge_kind("heap", [MB, 2 * MB, 3 * MB, 4 * MB], [0, 1, 2, 3])
    assert growth.verdict is Verdict.UNDECIDED
    assert "3 rounds are too few" in growth.text


def test_resident_memory_needs_longer_than_the_heap() -> None:
    rise = [50 * MB + 2 * MB * i for i in range(13)]
    assert judged("rss", *rise[:8]) is Verdict.UNDECIDED
    assert judged("rss", *rise) is Verdict.LEAK


def test_resident_memory_after_a_snapshot_says_nothing() -> None:
    rounds = [
        Round(i, 10 * MB, 2 * MB, MB, (50 if i < 6 else 400 + 10 * i) * MB, snapshot="a" if i == 5 else None)
        for i in range(14)
    ]
    by_kind = {one.kind: one for one in judge_growth(rounds)}
    assert by_kind["rss"].verdict is Verdict.CLEAN
    assert by_kind["external"].verdict is Verdict.CLEAN


def budget(left_s: float, round_s: float = 1.0) -> Budget:
    return Budget(total_s=60, spent_s=60 - left_s, round_s=round_s, snapshot_s=1.0, analysis_s=2.0)


def test_snapshots_span_twice_the_rounds_that_raised_the_suspicion() -> None:
    assert rounds_between_snapshots(Plan(), done=5, budget=budget(55)) == 2


def test_a_workload_that_asks_for_more_rounds_gets_them() -> None:
    assert rounds_between_snapshots(Plan(rounds=14), done=5, budget=budget(55)) == 3


def test_little_time_means_fewer_rounds_but_never_none() -> None:
    assert rounds_between_snapshots(Plan(rounds=50), done=5, budget=budget(20)) == 4
    assert rounds_between_snapshots(Plan(), done=5, budget=budget(3)) == 1
