"""What of a growing container grows."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from simulated_life import MB, SimulatedLife, a_life, daily, filling, history_of, rising

from heapsleuth.trends.memory_split import judge_native, split_growth

if TYPE_CHECKING:
    from heapsleuth.trends.model import TrendVerdict


def judged(simulated: SimulatedLife) -> tuple[TrendVerdict, ...]:
    history = history_of(simulated)
    return judge_native(a_life(), history, history.last_ms)


def growing(**shapes: float) -> SimulatedLife:
    """Return a life in which metrics rise by so many megabytes an hour from where they stand."""
    start = {"rss_anon_bytes": 190, "rss_bytes": 230, "heap_total_bytes": 140, "floor_bytes": 100}
    start |= {"external_bytes": 5, "container_file_bytes": 30, "container_anon_bytes": 195}
    return SimulatedLife(
        20, load=daily, shapes={name: rising(start[name] * MB, rate * MB) for name, rate in shapes.items()}
    )


def test_native_memory_that_grows_is_an_alarm_with_the_split_beside_it() -> None:
    (verdict,) = judged(growing(rss_anon_bytes=6, rss_bytes=6, container_anon_bytes=6))

    assert (verdict.kind, verdict.state) == ("native-growth", "alarm")
    assert abs(verdict.numbers["slope_bytes_per_hour"] - 6 * MB) < 0.5 * MB
    assert verdict.numbers["share_of_growth"] > 0.9
    assert {one.code for one in verdict.evidence_for} >= {"rises", "split-native", "split-heap"}


def test_a_heap_that_grows_is_not_native_growth() -> None:
    simulated = growing(
        rss_anon_bytes=6, rss_bytes=6, container_anon_bytes=6, heap_total_bytes=6, floor_bytes=6
    )

    (verdict,) = judged(simulated)

    assert verdict.state == "clear"
    assert split_growth(history_of(simulated))[0].name == "heap"


def test_buffers_that_grow_are_external_not_native() -> None:
    simulated = growing(rss_anon_bytes=6, rss_bytes=6, container_anon_bytes=6, external_bytes=6)

    (verdict,) = judged(simulated)

    assert verdict.state == "clear"
    assert split_growth(history_of(simulated))[0].name == "external"


def test_page_cache_that_grows_like_a_leak_is_none_and_said_so() -> None:
    (verdict,) = judged(growing(container_file_bytes=50))

    assert verdict.state == "clear"
    assert "page cache, which the kernel gives back" in verdict.evidence_against[-1].text


def test_another_process_in_the_container_is_told_apart() -> None:
    native, other = judged(growing(container_anon_bytes=10))

    assert native.state == "clear"
    assert (other.signature, other.state) == ("native-growth:other-processes", "alarm")


@pytest.mark.parametrize("tau_hours", [2.0, 5.0])
def test_an_allocator_that_warms_up_is_no_leak(tau_hours: float) -> None:
    shapes = {"rss_anon_bytes": filling(150 * MB, 200 * MB, tau_hours)}

    (verdict,) = judged(SimulatedLife(24, shapes=shapes))

    assert verdict.state == "clear"


@pytest.mark.parametrize("seed", range(4))
def test_memory_that_follows_the_day_is_no_leak(seed: int) -> None:
    def follows(_hours: float, load: float) -> float:
        return 150 * MB + load * 0.8 * MB

    found = [
        judged(SimulatedLife(hours, load=daily, seed=seed, shapes={"rss_anon_bytes": follows}))
        for hours in (9, 30)
    ]

    assert {verdict.state for verdicts in found for verdict in verdicts} <= {"clear", "undecided"}


def test_without_a_split_of_memory_it_asks_for_one() -> None:
    (verdict,) = judged(SimulatedLife(12, shapes={"rss_anon_bytes": None, "rss_bytes": None}))

    assert verdict.state == "undecided"
    assert "rss_bytes" in verdict.settles[0]


def test_five_hours_are_too_few() -> None:
    (verdict,) = judged(SimulatedLife(5, shapes={"rss_anon_bytes": rising(150 * MB, 40 * MB)}))

    assert verdict.state == "undecided"
