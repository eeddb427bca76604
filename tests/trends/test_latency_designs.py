"""Changes at a deployment: before and after it, and side by side."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from latency_samples import Counted, service

from heapsleuth.trends.before_after import Series, step_change
from heapsleuth.trends.canary import canary_change
from heapsleuth.trends.latency_histogram import SIZE, add_to


def series(seed: int, *, step: float = 0.0, hours_after: float = 6, noise: float = 0.02) -> Series:
    random = np.random.default_rng(seed)
    hours = np.arange(-72, hours_after, 1 / 6)
    loads = 20 * (1 + 0.5 * np.cos(2 * np.pi * hours / 24))
    drift = np.zeros(len(hours))
    for row in range(1, len(hours)):
        drift[row] = 0.85 * drift[row - 1] + np.sqrt(1 - 0.85**2) * random.normal() * noise
    after = hours >= 0
    values = np.log(50) + 0.3 * (loads / 30) ** 3 + drift + step * after
    return Series(hours, values, np.full(len(hours), 1e-5), loads, after, np.zeros(len(hours), np.int64))


@pytest.mark.parametrize("step", [-0.2, 0.0, 0.1, 0.3])
def test_a_step_is_found_within_its_error(step: float) -> None:
    changes = [step_change(series(seed, step=step)) for seed in range(8)]

    scores = [(change.value - step) / change.error for change in changes if change]
    assert len(scores) == 8
    assert np.abs(scores).max() < 3.5
    assert all(change.error < 0.06 for change in changes if change)


def test_more_hours_make_the_error_smaller() -> None:
    short, long = (step_change(series(1, hours_after=hours)) for hours in (1, 24))

    assert short is not None
    assert long is not None
    assert long.error < short.error


def test_jumps_without_a_deployment_make_the_error_larger() -> None:
    calm = series(2)
    jumpy = replace(calm, values=calm.values + 0.25 * (np.floor(calm.hours / 9) % 2))

    usual, doubtful = step_change(calm), step_change(jumpy)

    assert usual is not None
    assert doubtful is not None
    assert doubtful.error > 2 * usual.error
    assert abs(doubtful.value) < 3.7 * doubtful.error


def test_a_day_of_another_release_does_not_pass_for_the_old_one() -> None:
    plain = series(3, step=0.0)
    other = plain.hours < -40
    shifted = Series(
        plain.hours,
        plain.values - 0.5 * other,
        plain.variances,
        plain.loads,
        plain.after,
        other.astype(np.int64),
    )

    change = step_change(shifted)

    assert change is not None
    assert abs(change.value) < 3.7 * change.error
    assert change.error < 0.06


def test_two_hours_of_the_old_release_are_asked_for() -> None:
    whole = series(4)

    assert step_change(whole.part(whole.hours > -3)) is None
    assert step_change(whole.part(whole.hours < 0)) is None


def table(rows_by_instance: list[list[Counted]]) -> np.ndarray:
    counts = np.zeros((len(rows_by_instance), len(rows_by_instance[0]), SIZE), np.uint32)
    for instance, rows in enumerate(rows_by_instance):
        for slot, row in enumerate(rows):
            add_to(counts[instance, slot], row.buckets)
    return counts.astype(float)


def fleet(slower_ms: float, *, offsets: list[float] | None = None, surge: float = 1.0) -> np.ndarray:
    """Three instances of the old release, then two of the new one; they share a stormy weather."""
    shifts = offsets or [0.0] * 5
    return table(
        [
            service(
                "", 0, 2, seed=5, median_ms=50 * np.exp(shifts[number]), wander=0.2, instance=f"i{number}",
                slower_ms=slower_ms if number >= 3 else 0.0, surge=surge if number >= 3 else 1.0,
            )
            for number in range(5)
        ]
    )  # fmt: skip


NEW = np.array([False, False, False, True, True])


def test_what_happens_to_both_releases_does_not_count() -> None:
    same, slower = canary_change(fleet(0.0), NEW, 0.5), canary_change(fleet(10.0), NEW, 0.5)

    assert same is not None
    assert slower is not None
    assert abs(same.value) < 3 * same.error
    assert slower.value > 5 * slower.error
    assert slower.error < 0.03
    assert np.exp(slower.base) * np.expm1(slower.value) == pytest.approx(10.0, rel=0.15)


def test_instances_that_differ_among_each_other_make_the_error_larger() -> None:
    alike = canary_change(fleet(0.0), NEW, 0.5)
    unlike = canary_change(fleet(0.0, offsets=[-0.2, 0.0, 0.2, 0.1, 0.3]), NEW, 0.5)

    assert alike is not None
    assert unlike is not None
    assert unlike.error > 3 * alike.error


def test_a_difference_that_comes_and_goes_makes_the_error_larger() -> None:
    steady = fleet(0.0)
    torn = steady.copy()
    late = fleet(40.0)
    torn[3:, ::8] = late[3:, ::8]
    torn[3:, 1::8] = late[3:, 1::8]

    usual, doubtful = canary_change(steady, NEW, 0.99), canary_change(torn, NEW, 0.99)

    assert usual is not None
    assert doubtful is not None
    assert doubtful.error > 1.3 * usual.error


def test_instances_that_get_less_load_are_compared_with_doubt() -> None:
    even, uneven = canary_change(fleet(0.0), NEW, 0.5), canary_change(fleet(0.0, surge=0.4), NEW, 0.5)

    assert even is not None
    assert uneven is not None
    assert uneven.error > even.error


def test_one_release_alone_or_too_short_a_time_is_no_comparison() -> None:
    counts = fleet(0.0)

    assert canary_change(counts, np.zeros(5, bool), 0.5) is None
    assert canary_change(counts[:, :2], NEW, 0.5) is None
