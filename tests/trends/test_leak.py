"""The leak verdict on made-up processes and on recordings of real ones."""

from __future__ import annotations

import sys
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import pytest
from floor_samples import HOUR_MS, MB, START_MS, Process, alarm_age, follow

from heapsleuth.trends.leak import LeakTrend
from heapsleuth.trends.leak_rules import SENSITIVE
from heapsleuth.trends.model import Life

if TYPE_CHECKING:
    from heapsleuth.trends.model import TrendVerdict

DATA = Path(__file__).parent / "data"


def codes(verdict: TrendVerdict) -> set[str]:
    return {one.code for one in (*verdict.evidence_for, *verdict.evidence_against)}


def test_a_leak_in_a_first_process_is_alarmed_after_a_day_with_its_slope() -> None:
    process = Process(hours=40, leak=2.0)
    trend, verdicts = follow(process)
    age = alarm_age(process, verdicts)
    assert age is not None
    assert 24 <= age <= 40
    last = verdicts[-1]
    assert trend.alarming
    assert last.numbers["slope_low_bytes_per_hour"] <= 2.0 * MB <= last.numbers["slope_high_bytes_per_hour"]
    assert last.numbers["slope_bytes_per_request"] == pytest.approx(2.0 * MB / (50 * 3600), rel=0.15)
    assert "rule-cold" in codes(last)
    assert last.subject.service == "shop"
    assert last.settles


def test_before_a_day_a_first_process_is_undecided_and_says_what_to_wait_for() -> None:
    _, verdicts = follow(Process(hours=20, leak=2.0))
    assert {verdict.state for verdict in verdicts} == {"undecided"}
    assert all(verdict.settles for verdict in verdicts)
    assert any("24 hours" in line for line in verdicts[-1].settles)


def test_a_life_before_lets_the_same_leak_be_found_within_hours() -> None:
    before = Process(hours=30, cache=80)
    known, _ = follow(before)
    after = Process(hours=16, cache=80, leak=2.0, start_ms=START_MS + 30 * HOUR_MS, seed=2)
    _, verdicts = follow(after, earlier=[known])
    age = alarm_age(after, verdicts)
    assert age is not None
    assert age <= 14
    assert "rule-history" in codes(verdicts[-1])


def test_a_second_life_like_the_first_raises_nothing_and_becomes_clear() -> None:
    known, _ = follow(Process(hours=30, cache=80))
    after = Process(hours=26, cache=88, start_ms=START_MS + 30 * HOUR_MS, seed=2)
    _, verdicts = follow(after, earlier=[known])
    assert alarm_age(after, verdicts) is None
    assert verdicts[-1].state == "clear"
    assert all(
        verdict.state == "undecided" for verdict in verdicts if verdict.at_ms < after.start_ms + 12 * HOUR_MS
    )


@pytest.mark.parametrize("tau", [1.0, 6.0, 12.0])
def test_a_cache_that_fills_is_no_leak(tau: float) -> None:
    process = Process(hours=72, cache=150, cache_tau=tau)
    _, verdicts = follow(process)
    assert alarm_age(process, verdicts) is None


def test_growth_that_a_cache_explains_says_so() -> None:
    _, verdicts = follow(Process(hours=26, cache=150, cache_tau=12.0))
    assert codes(verdicts[-1]) & {"warm-up", "slows-down"}
    assert verdicts[-1].state == "undecided"


def test_daily_load_alone_ends_in_clear() -> None:
    process = Process(hours=60, swing=0.7, sessions=60)
    _, verdicts = follow(process)
    assert alarm_age(process, verdicts) is None
    assert verdicts[-1].state == "clear"


@pytest.mark.parametrize("at", [20.0, 52.0, 70.0])
def test_a_single_step_is_no_leak(at: float) -> None:
    process = Process(hours=100, step=40, step_at=at)
    _, verdicts = follow(process)
    assert alarm_age(process, verdicts) is None


def test_a_leak_that_begins_late_is_found_and_dated() -> None:
    process = Process(hours=100, leak=2.0, leak_from=70)
    _, verdicts = follow(process)
    age = alarm_age(process, verdicts)
    assert age is not None
    assert 72 <= age <= 94
    alarm = next(verdict for verdict in verdicts if verdict.state == "alarm")
    assert alarm.since_ms is not None
    assert (alarm.since_ms - START_MS) / HOUR_MS == pytest.approx(70, abs=12)


def test_fast_growth_near_the_limit_is_urgent() -> None:
    process = Process(hours=4, leak=60.0, limit=350, swing=0.1)
    _, verdicts = follow(process)
    age = alarm_age(process, verdicts)
    assert age is not None
    assert age < 3
    assert verdicts[-1].severity == "critical"


def test_an_alarm_ends_when_the_growth_has_stopped_for_long() -> None:
    process = Process(hours=150, leak=2.0, leak_from=64, leak_until=84)
    trend, verdicts = follow(process)
    assert alarm_age(process, verdicts) is not None
    assert not trend.alarming
    assert verdicts[-1].state == "clear"


def test_roll_ups_of_ten_minutes_lead_to_the_same_verdict_as_samples() -> None:
    process = Process(hours=40, leak=2.0)
    fed = LeakTrend(Life("i", "shop", "v1", "host", START_MS))
    rows = process.rows()
    for first in range(0, len(rows), 5):
        group = rows[first : first + 5]
        fed.add({**group[-1], "floor_bytes": min(row["floor_bytes"] for row in group)})
    verdict = fed.evaluate(rows[-1]["at_ms"])
    _, verdicts = follow(process)
    assert verdict.state == verdicts[-1].state == "alarm"
    name = "slope_bytes_per_hour"
    assert verdict.numbers[name] == pytest.approx(verdicts[-1].numbers[name], rel=0.15)


def test_array_buffers_are_judged_by_their_own_floor() -> None:
    process = Process(hours=40, leak=2.0, metric="floor_array_buffers_bytes")
    _, verdicts = follow(process, "external-leak")
    assert verdicts[-1].state == "alarm"
    assert verdicts[-1].kind == "external-leak"
    _, verdicts = follow(process, "heap-leak")
    assert verdicts[-1].state == "undecided"


def saw_tooth(leak: float, hours: float) -> list[dict[str, float]]:
    """Used memory every minute as a scraped service shows it: garbage is collected every 20 minutes."""
    rows = []
    random = np.random.default_rng(3)
    for minute in range(1, int(hours * 60)):
        used = 100 + leak * minute / 60 + 3.0 * (minute % 20) + 0.3 * random.normal()
        rows.append({"at_ms": START_MS + minute * 60_000, "heap_used_bytes": used * MB})
    return rows


def test_without_floors_used_memory_after_large_drops_stands_for_them_and_takes_longer() -> None:
    ages = {}
    for leak in (0.0, 3.0):
        trend = LeakTrend(Life("i", "shop", started_ms=START_MS))
        states = {}
        for row in saw_tooth(leak, 60):
            trend.add(row)
            if row["at_ms"] % 600_000 < 60_000:
                verdict = trend.evaluate(row["at_ms"])
                states[(row["at_ms"] - START_MS) / HOUR_MS] = verdict.state
        assert "no-floor" in codes(verdict)
        ages[leak] = [age for age, state in states.items() if state == "alarm"]
        assert "clear" not in states.values()
    assert not ages[0.0]
    assert min(ages[3.0]) >= 48


def test_no_sample_is_no_error_and_undecided() -> None:
    verdict = LeakTrend(Life("i", "shop")).evaluate(START_MS)
    assert verdict.state == "undecided"
    assert verdict.settles


def test_few_collections_are_named_as_the_reason() -> None:
    _, verdicts = follow(Process(hours=30, leak=1.0, every=3.0))
    assert verdicts[-1].state == "undecided"
    assert "few-collections" in codes(verdicts[-1])


def test_a_month_of_samples_stays_small() -> None:
    trend = LeakTrend(Life("i", "shop", started_ms=START_MS))
    for row in Process(hours=24 * 30, every=1 / 15).rows():
        trend.add(row)
    verdict = trend.evaluate(START_MS + 24 * 30 * HOUR_MS)
    assert verdict.state == "clear"
    series = trend.series
    arrays = (series.floors(), series.floor_loads(), series.smoothed_loads())
    assert sum(array.nbytes for array in arrays) < 150_000
    assert sum(map(sys.getsizeof, (series._floors, series._floor_loads, series._loads))) < 20_000


def test_the_sensitive_preset_speaks_up_no_later_than_the_default_one() -> None:
    process = Process(hours=60, leak=0.8, noise=2.0)
    _, verdicts = follow(process)
    usual = alarm_age(process, verdicts)
    sensitive = LeakTrend(Life("i", "shop", started_ms=START_MS), preset=SENSITIVE)
    first = None
    for row in process.rows():
        sensitive.add(row)
        if first is None and sensitive.evaluate(row["at_ms"]).state == "alarm":
            first = (row["at_ms"] - START_MS) / HOUR_MS
    assert first is not None
    assert usual is None or first <= usual


def recorded(name: str, earlier: list[LeakTrend]) -> tuple[LeakTrend, TrendVerdict]:
    """A real process of 90 minutes, each minute standing for eight: floors of all its major collections."""
    with np.load(DATA / "floors_90min.npz") as file:
        columns = file[name]
    trend = LeakTrend(Life(name, "recorded", started_ms=START_MS))
    for seconds, floor, requests in columns.tolist():
        at_ms = START_MS + seconds * 8000
        trend.add({"at_ms": at_ms, "floor_bytes": floor, "requests_total": requests})
        verdict = trend.evaluate(at_ms, earlier)
    return trend, verdict


def test_a_real_leaking_process_is_found_by_its_life_before_and_real_load_is_not_taken_for_one() -> None:
    steady, first = recorded("steady", [])
    assert first.state == "undecided"
    _, leaking = recorded("leak", [steady])
    assert leaking.state == "alarm"
    # 26.6 MB in an hour of the recording, so in eight hours of this clock.
    assert leaking.numbers["slope_bytes_per_hour"] == pytest.approx(3.5 * MB, rel=0.25)
    _, daily = recorded("daily", [steady])
    assert daily.state != "alarm"


def test_a_wrong_hour_of_the_start_is_no_age_below_zero() -> None:
    trend = LeakTrend(Life("i", "shop", started_ms=START_MS))
    trend.add({"at_ms": START_MS - HOUR_MS, "floor_bytes": 1e8})
    assert trend.evaluate(START_MS - HOUR_MS).state == "undecided"


def test_later_processes_of_longer_lives_do_not_change_what_was_seen_of_the_first() -> None:
    process = Process(hours=30, cache=80)
    known, verdicts = follow(process)
    state = verdicts[-1].state
    follow(replace(process, start_ms=START_MS + 30 * HOUR_MS, leak=3.0), earlier=[known])
    assert known.evaluate(verdicts[-1].at_ms).state == state
