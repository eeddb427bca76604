"""Garbage collection that holds the program up."""

from __future__ import annotations

from typing import TYPE_CHECKING

from simulated_life import SimulatedLife, a_life, history_of, steady

from heapsleuth.trends.gc import judge_gc
from heapsleuth.trends.settings import Thresholds

if TYPE_CHECKING:
    from heapsleuth.trends.model import TrendVerdict


def judged(simulated: SimulatedLife) -> TrendVerdict:
    history = history_of(simulated)
    return judge_gc(a_life(), history, Thresholds(), history.last_ms)


def test_long_pauses_again_and_again_are_an_alarm_with_the_kind_that_takes_the_time() -> None:
    verdict = judged(
        SimulatedLife(
            3,
            shapes={"gc_pause_ms_max": steady(240)},
            totals_per_hour={"gc_major_ms_total": steady(90_000), "gc_pause_ms_total": steady(94_000)},
        )
    )

    assert verdict.state == "alarm"
    assert "up to 240 ms" in verdict.title
    assert [one.code for one in verdict.evidence_for] == ["longest-pause", "gc-share", "gc-kind-major"]
    assert "heap snapshot" in verdict.settles[0]


def test_one_long_pause_is_an_accident() -> None:
    verdict = judged(
        SimulatedLife(3, shapes={"gc_pause_ms_max": lambda hours, _: 400 if 2.5 < hours < 2.55 else 10})
    )

    assert verdict.state == "clear"
    assert verdict.numbers["longest_ms"] == 400


def test_short_pauses_that_take_a_sixth_of_the_time_are_an_alarm() -> None:
    verdict = judged(SimulatedLife(3, totals_per_hour={"gc_pause_ms_total": steady(600_000)}))

    assert verdict.state == "alarm"
    assert "17 % of the time" in verdict.title


def test_no_collection_seen_is_no_health() -> None:
    verdict = judged(SimulatedLife(3, totals_per_hour={"gc_count": steady(0)}))

    assert verdict.state == "undecided"
    assert verdict.settles


def test_a_counter_that_began_anew_is_no_negative_time() -> None:
    simulated = SimulatedLife(3)
    history = history_of(simulated)
    again = SimulatedLife(3, started_ms=history.last_ms)
    for row in again.rows():
        history.add(row["at_ms"], row)

    verdict = judge_gc(a_life(), history, Thresholds(), history.last_ms)

    assert verdict.state == "clear"
    assert 0 < verdict.numbers["gc_share"] < 0.01
