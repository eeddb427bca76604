"""Memory near its limit."""

from __future__ import annotations

from typing import TYPE_CHECKING

from simulated_life import MB, SimulatedLife, a_life, history_of, steady

from heapsleuth.trends.pressure import judge_pressure
from heapsleuth.trends.settings import Thresholds

if TYPE_CHECKING:
    from heapsleuth.trends.model import TrendVerdict


def judged(simulated: SimulatedLife, thresholds: Thresholds | None = None) -> TrendVerdict:
    history = history_of(simulated)
    return judge_pressure(a_life(), history, thresholds or Thresholds(), history.last_ms)


def test_a_floor_above_70_percent_of_the_heap_limit_is_pressure() -> None:
    verdict = judged(SimulatedLife(2, shapes={"floor_bytes": steady(420 * MB)}))

    assert (verdict.state, verdict.severity) == ("alarm", "warning")
    assert abs(verdict.numbers["heap_share"] - 0.75) < 0.01
    assert "heap holds 75 % of its limit of 560 MB" in verdict.title


def test_a_floor_where_v8_gives_up_is_critical() -> None:
    assert judged(SimulatedLife(2, shapes={"floor_bytes": steady(460 * MB)})).severity == "critical"


def test_peaks_of_the_saw_tooth_near_the_limit_are_no_pressure() -> None:
    shapes = {
        "floor_bytes": steady(100 * MB),
        "heap_used_bytes": lambda hours, _: (100 + 3600 * hours % 450) * MB,
    }
    verdict = judged(SimulatedLife(2, shapes=shapes))

    assert verdict.state == "clear"
    assert verdict.evidence_against[0].code == "heap-share"


def test_the_share_can_be_set() -> None:
    simulated = SimulatedLife(2, shapes={"floor_bytes": steady(300 * MB)})

    assert judged(simulated).state == "clear"
    assert judged(simulated, Thresholds(heap_share=0.5)).state == "alarm"


def test_a_working_set_at_its_limit_is_pressure_though_the_heap_is_far_from_its_own() -> None:
    verdict = judged(SimulatedLife(2, shapes={"container_working_set_bytes": steady(940 * MB)}))

    assert verdict.state == "alarm"
    assert verdict.evidence_for[0].code == "container-share"


def test_tasks_that_wait_for_memory_are_critical_pressure() -> None:
    verdict = judged(SimulatedLife(2, shapes={"memory_pressure_full_avg10": steady(12)}))

    assert (verdict.state, verdict.severity) == ("alarm", "critical")
    assert [one.code for one in verdict.evidence_for] == ["pressure-full"]


def test_ten_minutes_say_nothing_yet() -> None:
    verdict = judged(SimulatedLife(0.2, shapes={"floor_bytes": steady(500 * MB)}))

    assert verdict.state == "undecided"
    assert verdict.settles == ("half an hour of samples",)


def test_without_a_limit_it_asks_for_one() -> None:
    verdict = judged(SimulatedLife(2, shapes={"heap_limit_bytes": None, "container_limit_bytes": None}))

    assert verdict.state == "undecided"
    assert "limit" in verdict.settles[0]


def test_a_heap_that_may_outgrow_its_container_is_told_though_all_is_well_now() -> None:
    verdict = judged(SimulatedLife(2, shapes={"heap_limit_bytes": steady(4000 * MB)}))

    assert verdict.state == "clear"
    assert [one.code for one in verdict.evidence_for] == ["heap-limit-above-container"]
