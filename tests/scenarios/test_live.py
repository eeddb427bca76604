"""The modest verdict of `heapsleuth run`: windows of the floor, and eight in a row that grew."""

from __future__ import annotations

import random
from typing import TYPE_CHECKING

import pytest

from heapsleuth.capture.reports import Sample
from heapsleuth.scenarios.live import FloorWatch, Live

if TYPE_CHECKING:
    from collections.abc import Iterable

MB = 1_000_000


def watched(
    floors: Iterable[float], *, majors: int = 1, requests: int = 100, step_s: float = 4.0
) -> FloorWatch:
    watch = FloorWatch()
    for number, floor in enumerate(floors):
        metrics = {
            "floor_bytes": floor,
            "gc_major_count": float(number * majors),
            "requests_total": float(number * requests),
        }
        watch.add(Sample(number * step_s * 1000, metrics))
    return watch


def test_a_floor_that_grows_in_eight_windows_is_a_potential_leak_with_its_figures() -> None:
    leak = watched([10 * MB + number * MB for number in range(10)]).potential_leak

    assert leak is not None
    assert leak.text == (
        "potential leak: the floor grew in each of the last 8 windows, from 11.0 MB to 19.0 MB in 32.0 s, "
        "10.0 kB per request"
    )


@pytest.mark.parametrize("count", [1, 5, 9])
def test_fewer_windows_than_eight_steps_say_nothing(count: int) -> None:
    assert watched([10 * MB + number * MB for number in range(count)]).potential_leak is None


def test_a_single_window_without_growth_withdraws_the_verdict() -> None:
    floors = [10 * MB + number * MB for number in range(10)]

    assert watched([*floors, floors[-1]]).potential_leak is None


def test_noise_around_a_constant_floor_is_no_leak() -> None:
    rng = random.Random(7)
    for _ in range(200):
        assert watched(10 * MB + rng.gauss(0, MB / 10) for _ in range(60)).potential_leak is None


def test_growth_by_crumbs_is_no_leak() -> None:
    assert watched([10 * MB + number * 1000 for number in range(20)]).potential_leak is None


def test_without_collections_or_without_requests_nothing_is_known() -> None:
    floors = [10 * MB + number * MB for number in range(20)]

    assert len(watched(floors, majors=0).floors) == 0
    assert len(watched(floors, requests=0).floors) == 0


def test_a_window_lasts_three_seconds_and_keeps_its_lowest_floor() -> None:
    watch = watched([9 * MB, 8 * MB, 7 * MB, 9 * MB, 5 * MB, 6 * MB, 6 * MB], step_s=1.0)

    assert [one.used_bytes for one in watch.floors] == [7 * MB, 5 * MB]
    assert [one.at_s for one in watch.floors] == [3.0, 6.0]


def test_rates_are_between_the_last_two_samples_and_repeats_are_dropped() -> None:
    live = Live()
    live.add(Sample(1000, {"requests_total": 10.0}))
    assert live.rate("requests_total") is None
    live.add(
        Sample(
            3000, {"requests_total": 30.0, "heap_space_old_used_bytes": 2.0, "heap_space_new_used_bytes": 3.0}
        )
    )
    live.add(Sample(3000, {"requests_total": 99.0}))

    assert live.rate("requests_total") == 10
    assert list(live.spaces().items()) == [("new", 3.0), ("old", 2.0)]
