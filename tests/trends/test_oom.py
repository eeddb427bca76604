"""Processes that die of their memory, and those that are restarted on purpose."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from simulated_life import HOUR_MS, MB, START_MS, SimulatedLife, a_life, history_of, rising, steady

from heapsleuth.trends.oom import Ends, LifeEnd, describe_end

if TYPE_CHECKING:
    from heapsleuth.trends.model import TrendVerdict

LIFE_HOURS = 30.0


def an_end(
    number: int, *, share: float = 0.9, rose: bool = True, release: str = "1.0", kills: float = 0.0
) -> LifeEnd:
    """Return the end of the number-th life of one slot, each 30 hours long."""
    began = START_MS + number * LIFE_HOURS * HOUR_MS
    life = replace(a_life(f"shop-{number}", release), started_ms=began)
    return LifeEnd(life, began + LIFE_HOURS * HOUR_MS, share, "heap", rose, kills, kills)


def judged(ends: Ends, hours_later: float = 1.0, lives: int = 3) -> TrendVerdict:
    now = START_MS + (lives * LIFE_HOURS + hours_later) * HOUR_MS
    return ends.evaluate(now, oldest_ms=START_MS, counted=True, limited=True)


def test_life_after_life_that_ends_at_the_limit_is_a_saw_tooth() -> None:
    ends = Ends("shop")
    for number in range(3):
        ends.add(an_end(number))

    verdict = judged(ends)

    assert (verdict.state, verdict.severity) == ("alarm", "critical")
    assert verdict.title == "processes die of their memory again and again, every 30.0 h"
    assert verdict.evidence_for[0].code == "saw-tooth"
    assert verdict.numbers["lives_ended_near_a_limit"] == 3


def test_a_saw_tooth_is_over_when_the_next_life_outlives_it() -> None:
    ends = Ends("shop")
    for number in range(3):
        ends.add(an_end(number))

    assert judged(ends, hours_later=60).state == "clear"


def test_lives_that_end_far_from_the_limit_are_restarts() -> None:
    ends = Ends("shop")
    for number in range(3):
        ends.add(an_end(number, share=0.4))

    assert judged(ends).state == "clear"


def test_one_end_near_the_limit_is_undecided_and_says_what_would_settle() -> None:
    ends = Ends("shop")
    ends.add(an_end(2))

    verdict = judged(ends)

    assert verdict.state == "undecided"
    assert "137 or 134" in verdict.settles[1]


def test_a_life_that_stood_still_near_its_limit_did_not_die_of_growth() -> None:
    ends = Ends("shop")
    for number in range(3):
        ends.add(an_end(number, rose=False))

    assert judged(ends).state == "clear"


def test_a_deployment_ended_the_life_when_the_next_one_has_another_release() -> None:
    ends = Ends("shop")
    for number in range(3):
        ends.add(an_end(number, release=f"1.{number}"))
        ends.succeeded(a_life(f"shop-{number + 1}", f"1.{number + 1}"), 0.0)

    assert judged(ends).state == "clear"


def test_the_next_life_sees_that_the_kernel_had_killed_the_last() -> None:
    ends = Ends("shop")
    ends.add(an_end(2, share=0.5))
    ends.succeeded(a_life("shop-3"), 1.0)

    verdict = judged(ends)

    assert verdict.state == "alarm"
    assert verdict.evidence_for[0].code == "kernel-killed"


def test_instances_that_end_together_near_the_limit_were_rolled() -> None:
    ends = Ends("shop")
    for number in range(2):
        for slot in range(4):
            end = an_end(number)
            ends.add(replace(end, life=replace(end.life, slot=f"web-{slot}", instance=f"i{slot}-{number}")))

    assert judged(ends, lives=2).state == "clear"


def test_a_kill_of_another_process_in_the_group_is_an_alarm_for_a_day() -> None:
    ends = Ends("shop")
    ends.killed(a_life(), START_MS + 60 * HOUR_MS)

    assert judged(ends, hours_later=-10).evidence_for[0].code == "kernel-killed-other"
    assert judged(ends, hours_later=30).state == "clear"


def test_a_life_that_goes_on_after_all_has_not_ended() -> None:
    ends = Ends("shop")
    for number in range(3):
        ends.add(an_end(number))
    ends.take_back(an_end(2).life)
    ends.take_back(an_end(1).life)

    assert judged(ends).state == "clear"


def test_without_limits_or_counters_it_is_undecided() -> None:
    verdict = Ends("shop").evaluate(START_MS + 50 * HOUR_MS, oldest_ms=START_MS, counted=False, limited=False)

    assert verdict.state == "undecided"
    assert len(verdict.settles) == 3


def test_an_end_is_described_by_its_last_half_hour() -> None:
    history = history_of(SimulatedLife(20, shapes={"floor_bytes": rising(100 * MB, 20 * MB)}))

    end = describe_end(a_life(), history, history.last_ms)

    assert end.limit == "heap"
    assert abs(end.share - 0.89) < 0.02
    assert end.rose
    assert end.kill_total == 0


def test_a_working_set_at_its_limit_counts_where_the_heap_is_far_from_its_own() -> None:
    shapes = {"container_working_set_bytes": rising(300 * MB, 33 * MB), "floor_bytes": steady(100 * MB)}

    end = describe_end(a_life(), history_of(SimulatedLife(20, shapes=shapes)), START_MS)

    assert end.limit == "container"
    assert end.share > 0.9


def test_ends_stay_few_however_many_there_are() -> None:
    ends = Ends("shop")
    for number in range(100):
        ends.add(an_end(number))
    for slot in range(3000):
        end = an_end(1)
        ends.add(replace(end, life=replace(end.life, slot=f"web-{slot}")))

    assert len(ends._by_slot) == 1000
    assert all(len(one) <= 12 for one in ends._by_slot.values())
