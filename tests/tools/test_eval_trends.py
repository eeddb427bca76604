"""The evaluation of trends: intervals, other detectors, and a stored service from sample to table."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest
from trends.baselines import (
    BASELINES,
    five_growing_collections,
    least_squares_day,
    mann_kendall,
    predict_linear,
)
from trends.intervals import rate_per_1000, share
from trends.leaks import detected_by, detection, false_alarms
from trends.page import section_text
from trends.running import outcomes
from trends.services import OURS, Job, Outcome, judge_series

DATA = Path(__file__).parents[1] / "trends" / "data" / "simulated_leak.npz"


def test_poisson_intervals_are_those_of_the_tables() -> None:
    assert rate_per_1000(0, 1000) == pytest.approx((0, 0, 3.689), abs=1e-3)
    assert rate_per_1000(10, 1000) == pytest.approx((10, 4.795, 18.39), abs=1e-2)


def test_shares_lie_in_their_interval() -> None:
    assert share(82, 100) == pytest.approx((0.82, 0.733, 0.883), abs=1e-3)
    assert share(0, 10)[1] == 0


def rising(per_hour: float, hours: int, noise: float = 0.0) -> tuple[Any, Any]:
    at = np.arange(1, hours * 120 + 1) / 120
    random = np.random.default_rng(1)
    return at, 100 + per_hour * at + noise * random.normal(size=len(at))


@pytest.mark.parametrize("title", BASELINES)
def test_other_detectors_are_silent_about_a_flat_line(title: str) -> None:
    hours, heap = rising(0.0, 40)
    assert BASELINES[title](hours, heap, heap, 1000.0) is None


def test_least_squares_over_a_day_fires_at_the_first_full_day() -> None:
    hours, heap = rising(1.5, 40, noise=2.0)
    assert least_squares_day(hours, heap, heap, 1e6) == pytest.approx(24.0)


def test_prediction_fires_when_the_limit_is_a_day_away_for_half_an_hour() -> None:
    hours, heap = rising(10.0, 40)
    # 100 + 10 t + 240 > 500 from hour 16 on.
    assert predict_linear(hours, heap, heap, 500.0) == pytest.approx(16.5, abs=0.02)


def test_mann_kendall_finds_any_steady_rise() -> None:
    hours, heap = rising(0.5, 40, noise=1.0)
    assert mann_kendall(hours, heap, heap, 1e6) == pytest.approx(24.0)


def test_five_growing_collections_start_anew_after_a_fall() -> None:
    hours = np.arange(12) / 4
    floor = np.array([1, 2, 3, 4, 5, 4, 5, np.nan, 6, 7, 8, 9.0])
    assert five_growing_collections(hours, floor, floor, 0.0) == hours[11]


@pytest.fixture(scope="module")
def outcome() -> Outcome:
    """2 MB/h after a deploy, as simulated; the first life had 30 hours."""
    with np.load(DATA) as file:
        series: dict[str, Any] = {
            name: file[name].astype(np.float64) for name in ("t", "heap", "post", "load", "life")
        }
    return judge_series(Job("cache_fast", 1, "deploy", 2.0), {**series, "p": {"limit": 512.0}})


def test_the_stored_leak_is_found_in_the_second_life_only(outcome: Outcome) -> None:
    assert outcome.alarms[OURS][0] is None
    assert detected_by(outcome, OURS) == outcome.alarms[OURS][1]
    assert outcome.rules == ["", "history"]


def test_an_alarm_before_the_leak_does_not_count_as_found() -> None:
    job = Job("steady", 1, "mature", 1.0)
    assert detected_by(Outcome(job, 6.0, {OURS: [59.0]}), OURS) is None
    assert detected_by(Outcome(job, 6.0, {OURS: [70.0]}), OURS) == 10.0


def test_tables_count_alarms_by_class_and_found_leaks_by_hour() -> None:
    quiet = Outcome(Job("steady", 1), 7.0, {OURS: [None]}, [""])
    false = Outcome(Job("burst", 2), 7.0, {OURS: [None, 30.0]}, ["", "cold"])
    text = section_text(false_alarms([quiet, false], ["lru_linear"]))
    assert "| steady | 7 | 0 |" in text
    assert "| **all classes** | 14 | 1 | 71.43" in text
    found = Outcome(Job("steady", 3, "cold", 1.0), 4.0, {OURS: [30.0]}, ["cold"])
    row = detection([found]).rows[0]
    assert [cell[:4] for cell in row[3:]] == ["0.00", "0.00", "1.00", "1.00", "1.00"]


def test_what_was_judged_before_is_not_judged_again(tmp_path: Path, outcome: Outcome) -> None:
    kept = tmp_path / "kept.jsonl"
    with kept.open("w", encoding="utf-8") as file:
        import json

        file.write(json.dumps(outcome.as_json()) + "\n" + '{"job": {"kind": "cut')
    assert outcomes([outcome.job], kept, 1, print) == [outcome]
