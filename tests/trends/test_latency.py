"""The comparison of a service's releases, fed as the collector feeds it."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING

import numpy as np
import pytest
from latency_samples import DEPLOYED_MS, HOUR_MS, Counted, service

from heapsleuth.trends.latency import LatencyTrend

if TYPE_CHECKING:
    from collections.abc import Iterable

    from heapsleuth.trends.model import TrendVerdict


def judged(
    rows: Iterable[Counted], *, hours: float = 3.0, span_ms: float = 300_000.0
) -> dict[str, TrendVerdict]:
    trend = LatencyTrend("shop")
    for row in sorted(rows, key=lambda one: one.at_ms):
        trend.add(row, span_ms=span_ms)
    return {verdict.detail: verdict for verdict in trend.evaluate(DEPLOYED_MS + hours * HOUR_MS)}


def deployment(slower_ms: float, *, seed: int = 0, hours: float = 3.0, surge: float = 1.0) -> list[Counted]:
    before = service("1.0", -60, 0, seed=seed)
    return before + service("2.0", 0, hours, seed=seed + 100, slower_ms=slower_ms, surge=surge)


def canary(slower_ms: float, *, hours: float = 3.0) -> list[Counted]:
    rows = [Counted(DEPLOYED_MS, "1.0", "a", {300: 5})]
    for instance in "abcd":
        new = instance in "cd"
        rows += service(
            "2.0" if new else "1.0", 0, hours, seed=4, wander=0.3, instance=instance,
            slower_ms=slower_ms if new else 0.0,
        )  # fmt: skip
    return rows


def test_ten_milliseconds_more_at_the_median_are_an_alarm() -> None:
    verdict = judged(deployment(10.0))["p50"]

    assert verdict.state == "alarm"
    assert verdict.kind == "latency-regression"
    assert (verdict.subject.service, verdict.subject.release) == ("shop", "2.0")
    assert verdict.since_ms == DEPLOYED_MS
    assert verdict.numbers["effect_ms"] == pytest.approx(10, abs=4)
    assert verdict.numbers["effect_low_ms"] < 10 < verdict.numbers["effect_high_ms"]
    assert "slower in 2.0 than in 1.0" in verdict.title
    assert [one.code for one in verdict.evidence_for][:3] == ["before-after", "interval", "score"]


@pytest.mark.parametrize("seed", range(4))
@pytest.mark.parametrize("surge", [1.0, 1.4])
def test_more_load_is_no_slower_release(seed: int, surge: float) -> None:
    verdicts = judged(deployment(0.0, seed=seed, surge=surge))

    assert {one.state for one in verdicts.values()} <= {"clear", "undecided"}


def test_a_faster_release_is_no_alarm() -> None:
    assert judged(deployment(-8.0))["p50"].state == "clear"


def test_side_by_side_less_can_be_seen_than_one_after_the_other() -> None:
    after, beside = judged(deployment(0.0))["p50"], judged(canary(0.0))["p50"]

    assert beside.state == "clear"
    assert beside.evidence_against[0].code == "canary"
    assert beside.numbers["smallest_visible_ms"] < after.numbers["smallest_visible_ms"]
    assert judged(canary(6.0))["p50"].state == "alarm"


@pytest.mark.parametrize("hours", [0.2, 0.7, 1.5, 3.0])
def test_every_verdict_says_what_it_could_have_seen_and_what_settles_it(hours: float) -> None:
    for verdict in judged(deployment(0.0, hours=hours), hours=hours).values():
        assert verdict.numbers["smallest_visible_ms"] > 0
        assert verdict.settles or verdict.state == "clear"


def test_clear_is_only_said_when_ten_milliseconds_would_have_been_seen() -> None:
    p99 = judged([*service("1.0", -60, 0, median_ms=500), *service("2.0", 0, 3, seed=9, median_ms=500)])[
        "p99"
    ]

    assert p99.state == "undecided"
    assert p99.numbers["smallest_visible_ms"] > 10
    assert any("same time" in one for one in p99.settles)


def test_new_processes_may_be_slow_for_a_quarter_of_an_hour() -> None:
    cold = service("2.0", 0, 0.25, slower_ms=300.0) + service("2.0", 0.25, 3, seed=100)

    assert judged([*service("1.0", -60, 0), *cold])["p50"].state != "alarm"


def test_hours_in_which_both_served_count_for_neither() -> None:
    mixed = service("2.0", 0, 1, slower_ms=80.0) + service("1.0", 0, 1, slower_ms=80.0)
    rows = [*service("1.0", -60, 0), *mixed, *service("2.0", 1, 4, seed=100)]

    verdict = judged(rows, hours=4)["p50"]

    assert verdict.evidence_against[0].code == "before-after"
    assert verdict.state != "alarm"


def test_one_release_is_no_comparison() -> None:
    assert judged(service("1.0", -60, 0)) == {}


def test_a_release_that_was_taken_back_is_no_longer_compared() -> None:
    rows = [*deployment(10.0), *service("1.0", 3, 6, seed=7)]

    assert judged(rows, hours=6) == {}


def test_roll_ups_of_ten_minutes_say_the_same() -> None:
    rows = [
        *service("1.0", -60, 0, span_ms=600_000.0, requests=800),
        *service("2.0", 0, 3, seed=100, span_ms=600_000.0, requests=800, slower_ms=12.0),
    ]

    verdict = judged(rows, span_ms=600_000.0)["p50"]

    assert verdict.state == "alarm"
    assert verdict.numbers["effect_ms"] == pytest.approx(12, abs=5)


def test_between_looks_nothing_is_judged_anew() -> None:
    trend = LatencyTrend("shop")
    for row in sorted(deployment(0.0), key=lambda one: one.at_ms):
        trend.add(row, span_ms=300_000.0)

    first = trend.evaluate(DEPLOYED_MS + 2.1 * HOUR_MS)

    assert trend.evaluate(DEPLOYED_MS + 2.9 * HOUR_MS) is first


def test_memory_is_bounded_however_long_and_however_many_releases() -> None:
    trend = LatencyTrend("shop")
    for number, at_ms in enumerate(np.arange(0, 8 * 24 * HOUR_MS, 300_000.0)):
        for instance in range(12):
            release = f"r{number // 100 + instance % 2}"
            trend.add(Counted(float(at_ms), release, f"i{instance}", {300: 1}), span_ms=300_000.0)

    slots = trend._slots
    arrays = [*slots.fine.values(), *slots.coarse.values()]
    arrays += [counts for table in slots.by_instance.values() for counts in table.values()]

    assert sum(counts.nbytes for counts in arrays) < 16e6
    assert len(slots.first_ms) < 30
    assert sys.getsizeof(slots.by_instance) < 10_000
