"""What slow requests lost to stalls of the loop."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from heapsleuth.trends.attribution import SlowRequests, lost_to_stalls
from heapsleuth.trends.model import Life

Pair = tuple[float, float]


def event(
    requests: list[Pair], stalls: list[tuple[float, float, float]], *, at_ms: float = 0.0
) -> dict[str, Any]:
    return {
        "type": "slow",
        "at_ms": at_ms,
        "median_ms": 10.0,
        "requests": [{"at_ms": at, "ms": took} for at, took in requests],
        "stalls": [{"at_ms": at, "ms": took, "gc_ms": gc} for at, took, gc in stalls],
    }


def shares(requests: list[Pair], stalls: list[tuple[float, float, float]]) -> Pair:
    lost = lost_to_stalls(event(requests, stalls))
    return lost.stalled_ms / lost.whole_ms, lost.collecting_ms / lost.whole_ms


@pytest.mark.parametrize(
    ("requests", "stalls", "expected"),
    [
        pytest.param([(0, 110)], [(5, 100, 0)], (1.0, 0.0), id="all of it"),
        pytest.param([(0, 110)], [(200, 100, 0)], (0.0, 0.0), id="none"),
        pytest.param([(0, 110)], [(60, 100, 0)], (0.5, 0.0), id="half"),
        pytest.param([(0, 110)], [(60, 50, 25)], (0.5, 0.25), id="half of it collections"),
        pytest.param([(0, 110)], [(0, 110, 110)], (1.0, 1.0), id="no more than the time beyond the median"),
        pytest.param([(0, 110)], [(10, 30, 0), (60, 50, 0)], (0.8, 0.0), id="one stall after the other"),
        pytest.param([(0, 210)], [(10, 100, 0)], (0.25, 0.0), id="a stall long before the end counts half"),
        pytest.param([(0, 110), (0, 30)], [(10, 20, 0)], ((10 + 20) / 120, 0.0), id="two requests"),
        pytest.param([(0, 110), (0, 9)], [(60, 50, 0)], (0.5, 0.0), id="a quick request lost nothing"),
    ],
)
def test_the_share_is_what_overlaps(
    requests: list[Pair], stalls: list[tuple[float, float, float]], expected: Pair
) -> None:
    assert shares(requests, stalls) == pytest.approx(expected)


times = st.floats(0, 1000)
stall = st.tuples(times, st.floats(0.1, 200), st.floats(0, 300))


@given(st.lists(st.tuples(times, st.floats(0, 500)), max_size=8), st.lists(stall, max_size=8))
def test_parts_never_exceed_the_whole(requests: list[Pair], stalls: list[tuple[float, float, float]]) -> None:
    lost = lost_to_stalls(event(requests, stalls))

    assert 0 <= lost.collecting_ms <= lost.stalled_ms + 1e-9
    assert lost.stalled_ms <= lost.whole_ms + 1e-9
    assert lost.requests == sum(took > 10 for _, took in requests)


@pytest.mark.parametrize(
    "body", [{}, {"requests": None, "stalls": 3}, {"requests": [1], "stalls": [{"ms": "x"}]}]
)
def test_what_is_no_event_says_nothing(body: dict[str, Any]) -> None:
    assert lost_to_stalls(body).whole_ms == 0


def verdict(stalls_gc: float | None, *, events: int = 10) -> Any:
    watched = SlowRequests(Life("shop-1", "shop", "2.0"))
    for number in range(events):
        at = number * 30_000.0
        stalls = [] if stalls_gc is None else [(at + 20, 90.0, stalls_gc)]
        watched.add(event([(at, 110.0 + k) for k in range(10)], stalls, at_ms=at + 30_000))
    return watched.evaluate(events * 30_000.0 + 1)


def test_a_loop_that_stands_still_is_an_alarm_and_says_how_much() -> None:
    found = verdict(0.0)

    assert found.state == "alarm"
    assert found.detail == "loop"
    assert found.title == "86 % of the time slow requests lost was the event loop standing still"
    assert (
        found.numbers["stall_share_low"] <= found.numbers["stall_share"] <= found.numbers["stall_share_high"]
    )


def test_collections_are_told_apart() -> None:
    found = verdict(60.0)

    assert found.detail == "gc"
    assert found.title.endswith("standing still (GC 57 %)")


def test_requests_that_wait_for_something_else_clear_the_loop() -> None:
    assert verdict(None).state == "clear"


def test_a_few_slow_requests_decide_nothing() -> None:
    found = verdict(0.0, events=1)

    assert found.state == "undecided"
    assert found.settles


def test_what_is_older_than_half_an_hour_is_forgotten() -> None:
    watched = SlowRequests(Life("shop-1", "shop"))
    for _ in range(100):
        watched.add(event([(0, 500.0)] * 50, [(0, 500, 0)], at_ms=1.0))

    assert watched.evaluate(3_600_000.0).state == "undecided"
