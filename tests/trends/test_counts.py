"""Handles, listeners and timers that pile up."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest
from simulated_life import START_MS, SimulatedLife, a_life, daily, filling, history_of, rising

from heapsleuth.trends.census import Census, Tally
from heapsleuth.trends.counts import judge_counts

if TYPE_CHECKING:
    from heapsleuth.trends.model import TrendVerdict


def judged(simulated: SimulatedLife, census: Census | None = None) -> dict[str, TrendVerdict]:
    history = history_of(simulated)
    found = judge_counts(a_life(), history, census or Census(), history.last_ms)
    return {verdict.kind: verdict for verdict in found}


def counted(hours: int, entry: Any, each_hour: int = 12) -> Census:
    census = Census()
    for number in range(hours * each_hour):
        census.add(number / each_hour, entry(number / each_hour))
    return census


def test_handles_that_are_never_closed_are_a_leak_under_any_load() -> None:
    simulated = SimulatedLife(
        24, load=daily, shapes={"handles": lambda hours, load: 20 + 0.5 * load + 15 * hours}
    )

    verdict = judged(simulated)["handle-leak"]

    assert verdict.state == "alarm"
    assert abs(verdict.numbers["slope_per_hour"] - 15) < 1.5


@pytest.mark.parametrize("hours", [5, 8, 11, 18, 26, 48])
@pytest.mark.parametrize("seed", [1, 2, 3])
def test_handles_that_follow_the_day_are_no_leak(hours: int, seed: int) -> None:
    found = judged(SimulatedLife(hours, load=daily, seed=seed))

    assert {verdict.state for verdict in found.values()} <= {"clear", "undecided"}


def test_a_pool_that_fills_up_is_no_leak() -> None:
    found = judged(SimulatedLife(24, shapes={"handles": filling(20, 300, 5)}))

    assert found["handle-leak"].state == "clear"
    assert found["handle-leak"].evidence_against[0].code == "saturates"


def test_before_two_hours_nothing_is_said() -> None:
    verdict = judged(SimulatedLife(1.5, shapes={"handles": rising(20, 500)}))["handle-leak"]

    assert verdict.state == "undecided"
    assert "2 hours" in verdict.settles[0]


def test_a_rise_in_the_morning_is_undecided_where_nobody_counts_requests() -> None:
    simulated = SimulatedLife(6, load=daily, shapes={"requests_total": None, "handles": rising(300, 20)})
    rows = [
        {name: value for name, value in row.items() if name != "requests_total"} for row in simulated.rows()
    ]
    history = history_of(SimulatedLife(0))
    for row in rows:
        history.add(row["at_ms"], row)
    found = judge_counts(a_life(), history, Census(), history.last_ms)

    assert found[0].state == "undecided"
    assert "time of day" in found[0].settles[0]


def test_listeners_are_named_with_where_they_are_added() -> None:
    census = counted(
        6,
        lambda hours: {
            "listeners": [
                {
                    "emitter": "Bus",
                    "event": "message",
                    "count": 10 + int(60 * hours),
                    "added": "src/orders.js:14",
                },
                {"emitter": "Server", "event": "request", "count": 3},
            ]
        },
    )

    verdict = judged(SimulatedLife(6, shapes={"listeners": rising(100, 60)}), census)["listener-leak"]

    assert verdict.state == "alarm"
    assert verdict.signature == "listener-leak:Bus 'message'"
    assert verdict.title.endswith("by now, added at src/orders.js:14")


def test_timers_are_named_by_callback() -> None:
    census = counted(6, lambda hours: {"timers": {"by": [{"callback": "refresh", "count": int(50 * hours)}]}})

    verdict = judged(SimulatedLife(6, shapes={"timers": rising(10, 50)}), census)["timer-leak"]

    assert verdict.detail == "refresh"


def test_a_census_that_explains_little_of_the_growth_gives_no_name() -> None:
    census = counted(6, lambda hours: {"handles": {"Socket": int(20 * hours), "Server": 1}})

    verdict = judged(SimulatedLife(6, shapes={"handles": rising(20, 200)}), census)["handle-leak"]

    assert verdict.state == "alarm"
    assert verdict.detail == ""


def test_a_census_keeps_what_grows_when_there_are_too_many_things() -> None:
    census = counted(
        4,
        lambda hours: {
            "handles": {
                **{f"Kind{int(hours * 12)}-{number}": 1 for number in range(20)},
                "Socket": int(100 * hours),
            }
        },
    )

    assert len(census.of("handle")) <= 24
    assert census.of("handle")["Socket"].growth > 300


def test_a_census_of_another_form_is_skipped() -> None:
    census = Census()
    census.add(1.0, {"handles": ["Socket"], "listeners": {"a": 1}, "timers": 7})
    census.add(1.0, {"handles": {"Socket": "many"}, "timers": {"by": [None, {"count": None}]}})

    assert not census.of("handle")
    assert not census.of("timer")


def test_a_tally_keeps_the_whole_life_in_few_points() -> None:
    tally = Tally()
    for number in range(10_000):
        tally.add(number / 12, float(number))
    hours, counts = tally.series()

    assert len(hours) <= 48
    assert hours[0] < 100
    assert (tally.last, counts[-1]) == (9999.0, 9999.0)
    assert list(hours) == sorted(hours)


def test_since_is_when_the_rise_was_first_looked_at() -> None:
    verdict = judged(SimulatedLife(12, shapes={"handles": rising(20, 30)}))["handle-leak"]

    assert verdict.since_ms is not None
    assert START_MS <= verdict.since_ms < verdict.at_ms
