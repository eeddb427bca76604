"""When requests are meant to start, and in which mix."""

from __future__ import annotations

from collections import Counter

import pytest

from heapsleuth.scenarios.load.plan import LoadPlan, Target
from heapsleuth.scenarios.load.schedule import ClosedLoop, FixedRate, Recorded, Schedule, mix, schedule_of

TARGET = Target("http://127.0.0.1:1/")


def starts(schedule: Schedule, count: int) -> list[float]:
    found = []
    for _ in range(count):
        found.append(schedule.next_at)
        schedule.take()
    return found


def test_a_fixed_rate_has_no_drift_after_many_requests() -> None:
    assert starts(FixedRate(3), 300_001)[-1] == 100_000


def test_a_recording_begins_again_one_mean_gap_after_its_end() -> None:
    assert starts(Recorded([5, 6, 9]), 7) == [0, 1, 4, 6, 7, 10, 12]


def test_a_recording_of_one_request_is_repeated_every_second() -> None:
    assert starts(Recorded([7]), 3) == [0, 1, 2]


@pytest.mark.parametrize(
    ("settings", "kind"),
    [
        ({"requests": 1}, ClosedLoop),
        ({"requests": 1, "rate": 5}, FixedRate),
        ({"sequence": (0,), "offsets_s": (0.0,)}, Recorded),
        ({"sequence": (0,)}, ClosedLoop),
        ({"sequence": (0,), "rate": 5}, FixedRate),
    ],
)
def test_the_plan_decides_on_the_schedule(settings: dict[str, object], kind: type) -> None:
    assert isinstance(schedule_of(LoadPlan((TARGET,), **settings)), kind)  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("weights", "counts"),
    [
        ([1], {0: 1}),
        ([2, 2], {0: 1, 1: 1}),
        ([5, 3, 2], {0: 5, 1: 3, 2: 2}),
        ([0.5, 0.25], {0: 2, 1: 1}),
        ([1, 10_000], {0: 1, 1: 1000}),
        ([1e-9, 1], {0: 1, 1: 1000}),
    ],
)
def test_a_mix_has_each_target_by_its_weight_and_at_least_once(
    weights: list[float], counts: dict[int, int]
) -> None:
    assert Counter(mix(weights)) == counts


def test_a_mix_is_spread_and_has_no_clumps() -> None:
    assert mix([3, 1]) == [0, 0, 1, 0]
    assert mix([1, 1, 1]) == [0, 1, 2]
