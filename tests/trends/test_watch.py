"""A service under watch: its lives, the verdicts about them, and what becomes of many of the same."""

from __future__ import annotations

import tracemalloc
from dataclasses import replace

import pytest
from simulated_life import (
    HOUR_MS,
    MB,
    START_MS,
    SimulatedLife,
    a_life,
    daily,
    looked_at,
    rising,
    steady,
    watched,
)

from heapsleuth.trends.history import BUCKET_MS, History
from heapsleuth.trends.merging import merged
from heapsleuth.trends.model import Subject, TrendVerdict
from heapsleuth.trends.settings import Thresholds
from heapsleuth.trends.watch import ServiceWatch
from heapsleuth.trends.window import GrowthWindow


@pytest.mark.parametrize("seed", [1, 2])
def test_a_healthy_service_with_a_day_and_a_night_raises_no_alarm(seed: int) -> None:
    service = ServiceWatch("shop")
    healthy = SimulatedLife(50, load=daily, seed=seed)

    alarms = watched(service, healthy, a_life())

    assert alarms == {}
    kinds = {verdict.kind: verdict.state for verdict in service.evaluate(START_MS + 50 * HOUR_MS)}
    assert kinds["memory-pressure"] == kinds["gc-pauses"] == kinds["loop-blocked"] == "clear"


def test_three_looks_in_a_row_come_before_an_alarm_about_handles() -> None:
    life = SimulatedLife(12, shapes={"handles": rising(20, 60)})
    watch = looked_at(life)

    assert any(verdict.kind == "handle-leak" and verdict.state == "alarm" for verdict in watch.verdicts)

    short = SimulatedLife(2.7, shapes={"handles": rising(20, 60)})
    verdict = next(one for one in looked_at(short).verdicts if one.kind == "handle-leak")

    assert verdict.state == "undecided"
    assert "more looks" in verdict.settles[0]


def test_many_instances_with_one_problem_are_one_verdict_about_the_worst() -> None:
    service = ServiceWatch("shop")
    alarms: dict[str, TrendVerdict] = {}
    for number in range(4):
        floor = steady((430 + 10 * number) * MB) if number < 3 else steady(100 * MB)
        life = a_life(f"shop-{number}", slot=f"web-{number}/main/0")
        alarms = watched(service, SimulatedLife(2, shapes={"floor_bytes": floor}), life)

    verdict = alarms["memory-pressure"]

    assert verdict.subject == Subject("shop", "1.0", "shop-2")
    assert verdict.title.endswith("in 3 of 4 instances")
    assert (verdict.numbers["instances_concerned"], verdict.numbers["instances_judged"]) == (3, 4)


def test_releases_are_judged_apart() -> None:
    service = ServiceWatch("shop")
    watched(service, SimulatedLife(2), a_life("a", "1.0", "web-1"))
    alarms = watched(
        service, SimulatedLife(2, shapes={"floor_bytes": steady(450 * MB)}), a_life("b", "2.0", "web-2")
    )

    assert alarms["memory-pressure"].subject.release == "2.0"
    states = {
        one.subject.release: one.state
        for one in service.evaluate(START_MS + 2 * HOUR_MS)
        if one.kind == "memory-pressure"
    }
    assert states == {"1.0": "clear", "2.0": "alarm"}


def test_a_process_that_dies_at_its_limit_life_after_life_is_recognised() -> None:
    service = ServiceWatch("shop")
    alarms: dict[str, TrendVerdict] = {}
    for number in range(3):
        began = START_MS + number * 9 * HOUR_MS
        life = replace(a_life(f"shop-{number}"), started_ms=began)
        leaking = SimulatedLife(
            9,
            started_ms=began,
            shapes={"floor_bytes": rising(80 * MB, 47 * MB), "container_oom_kill_total": None},
        )
        alarms |= watched(service, leaking, life)

    assert alarms["oom-kills"].title == "processes die of their memory again and again, every 9.0 h"


def test_the_kernels_count_of_kills_is_carried_from_life_to_life() -> None:
    service = ServiceWatch("shop")
    first = SimulatedLife(3)
    watched(service, first, a_life("shop-1"))
    second = SimulatedLife(
        2, started_ms=START_MS + 3.05 * HOUR_MS, shapes={"container_oom_kill_total": steady(1)}
    )
    alarms = watched(service, second, replace(a_life("shop-2"), started_ms=second.started_ms))

    assert alarms["oom-kills"].subject.instance == "shop-1"


def test_an_instance_that_was_cut_off_and_comes_back_has_not_ended() -> None:
    service = ServiceWatch("shop")
    watched(service, SimulatedLife(9, shapes={"floor_bytes": rising(80 * MB, 47 * MB)}), a_life())
    service.evaluate(START_MS + 9.5 * HOUR_MS)
    ended = len(service._ends._by_slot["web-1/main/0"])
    again = SimulatedLife(1, started_ms=START_MS + 9.6 * HOUR_MS)
    watched(service, again, a_life())

    assert ended == 1
    assert len(service._ends._by_slot["web-1/main/0"]) == 0
    assert not service._lives["shop-1"].ended


def test_instances_that_are_gone_are_forgotten() -> None:
    service = ServiceWatch("shop")
    for number in range(20):
        life = replace(a_life(f"shop-{number}"), started_ms=START_MS + number * HOUR_MS)
        watched(service, SimulatedLife(1, started_ms=life.started_ms), life)

    assert len(service) <= 3


def test_repeats_and_samples_out_of_order_change_nothing() -> None:
    once, twice = ServiceWatch("shop"), ServiceWatch("shop")
    rows = list(SimulatedLife(3).rows())
    once.add(a_life(), rows)
    for number in range(0, len(rows), 10):
        twice.add(a_life(), rows[number : number + 10])
        twice.add(a_life(), rows[max(0, number - 20) : number + 5])
    now = START_MS + 3 * HOUR_MS

    assert once.evaluate(now) == twice.evaluate(now)


def test_looking_again_with_nothing_new_judges_nothing_anew() -> None:
    service = ServiceWatch("shop")
    service.add(a_life(), list(SimulatedLife(3).rows()))
    now = START_MS + 3 * HOUR_MS

    assert service.evaluate(now) is service.evaluate(now + 1000)


def test_rows_and_events_without_sense_are_skipped() -> None:
    service = ServiceWatch("shop")
    service.add(a_life(), [])
    service.add(a_life(), [{"heap_used_bytes": 1.0}])
    service.add_event("census", {"at_ms": "now"}, a_life())
    service.add_event("unheard-of", {"at_ms": START_MS}, a_life())

    assert {one.state for one in service.evaluate(START_MS)} <= {"undecided"}


def test_two_weeks_of_an_instance_take_less_than_120_kB() -> None:
    tracemalloc.start()
    try:
        service = ServiceWatch("shop")
        before = tracemalloc.get_traced_memory()[0]
        for day in range(14):
            part = SimulatedLife(24, step_s=600, started_ms=START_MS + day * 24 * HOUR_MS)
            service.add(a_life(), list(part.rows()))
        for number in range(24):
            handles = {f"Kind{one}": number for one in range(40)}
            service.add_event("census", {"at_ms": START_MS + number * HOUR_MS, "handles": handles}, a_life())
        taken = tracemalloc.get_traced_memory()[0] - before
    finally:
        tracemalloc.stop()

    assert taken < 120_000


def test_history_keeps_a_day_finely_and_three_more_by_hours() -> None:
    history = History()
    for row in SimulatedLife(9 * 24, step_s=300, shapes={"floor_bytes": rising(100 * MB, 1 * MB)}).rows():
        history.add(row["at_ms"], row)
    history.end()
    window = history.window()
    steps = window.hours[1:] - window.hours[:-1]

    assert 4 * 24 < window.span_hours < 5 * 24
    assert steps.max() < 1.01
    assert steps.min() > BUCKET_MS / HOUR_MS - 0.01
    assert list(window.hours) == sorted(window.hours)
    # The least of each bucket, a line of 1 MB an hour.
    assert (
        abs((window.column("floor_bytes")[-1] - window.column("floor_bytes")[0]) / window.span_hours - 1 * MB)
        < 2e4
    )


def test_ten_samples_in_a_row_inform_and_alarm_only_when_told_to() -> None:
    window = GrowthWindow()
    for number in range(11):
        window.add(START_MS + number * 30_000, (100 + 6 * number) * MB, Thresholds())

    informed = window.evaluate(a_life(), Thresholds(), START_MS)
    alarmed = window.evaluate(a_life(), Thresholds(window_alarm=True), START_MS)

    assert informed is not None
    assert (informed.state, informed.severity, informed.signature) == (
        "undecided",
        "info",
        "heap-leak:growth-window",
    )
    assert alarmed is not None
    assert alarmed.state == "alarm"


def test_one_sample_that_falls_ends_the_row() -> None:
    window = GrowthWindow()
    for number in range(30):
        window.add(START_MS, (100 + 6 * (number % 9)) * MB, Thresholds())

    assert window.evaluate(a_life(), Thresholds(), START_MS) is None


def test_one_young_instance_among_clear_ones_leaves_the_service_clear() -> None:
    def verdict(instance: str, state: str) -> TrendVerdict:
        return TrendVerdict("heap-leak", state, Subject("shop", "1", instance), START_MS, state, "info")  # type: ignore[arg-type]

    (found,) = merged([verdict("a", "clear"), verdict("b", "clear"), verdict("c", "undecided")])
    (open_,) = merged([verdict("a", "clear"), verdict("b", "undecided"), verdict("c", "undecided")])

    assert found.state == "clear"
    assert open_.state == "undecided"
