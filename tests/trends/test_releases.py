"""Floors of one release against those of the one before."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from heapsleuth.trends.releases import Slope, judge_floors

FLAT = [Slope(20_000.0, 30_000.0), Slope(-10_000.0, 40_000.0), Slope(30_000.0, 30_000.0)]


def test_a_leak_that_came_with_a_release_is_an_alarm() -> None:
    verdict = judge_floors(
        "shop", ("1.0", FLAT), ("2.0", [Slope(1_100_000.0, 60_000.0)] * 2), 5.0, since_ms=1.0
    )

    assert verdict.state == "alarm"
    assert verdict.kind == "floor-regression"
    assert verdict.subject.release == "2.0"
    assert verdict.numbers["effect_bytes_per_hour"] == pytest.approx(1_090_000, rel=0.03)
    assert "1.09 MB/h faster in 2.0 than in 1.0" in verdict.title


def test_a_leak_that_was_there_before_is_no_regression() -> None:
    leaks = [Slope(1_000_000.0, 50_000.0), Slope(1_050_000.0, 50_000.0)]

    assert judge_floors("shop", ("1.0", leaks), ("2.0", leaks), 0.0).state == "clear"


def test_lives_that_differ_make_the_comparison_careful() -> None:
    unlike = [Slope(value, 10_000.0) for value in (-900_000.0, 200_000.0, 1_100_000.0)]

    verdict = judge_floors("shop", ("1.0", unlike), ("2.0", [Slope(1_500_000.0, 10_000.0)]), 0.0)

    assert verdict.state == "undecided"
    assert verdict.settles


@pytest.mark.parametrize("new", [[], [Slope(1e6, float("inf"))]])
def test_without_a_slope_nothing_is_said_and_nothing_could_be_seen(new: list[Slope]) -> None:
    verdict = judge_floors("shop", ("1.0", FLAT), ("2.0", new), 0.0)

    assert verdict.state == "undecided"
    assert verdict.numbers["smallest_visible_bytes_per_hour"] == float("inf")


def test_healthy_releases_are_hardly_ever_flagged() -> None:
    random = np.random.default_rng(4)
    flagged = 0
    for _ in range(1000):
        old, new = (
            [Slope(float(value), 80_000.0) for value in random.normal(size=3) * np.hypot(80_000, 100_000)]
            for _ in range(2)
        )
        flagged += judge_floors("shop", ("1", old), ("2", new), 0.0).state == "alarm"

    assert flagged == 0


slopes = st.lists(st.builds(Slope, st.floats(-1e7, 1e7), st.floats(1e3, 1e7)), min_size=1, max_size=6)


@given(slopes, slopes)
def test_an_alarm_is_never_about_a_change_that_could_not_be_seen(old: list[Slope], new: list[Slope]) -> None:
    numbers = judge_floors("shop", ("1", old), ("2", new), 0.0).numbers

    assert numbers["smallest_visible_bytes_per_hour"] > 0
    assert numbers["effect_low_bytes_per_hour"] <= numbers["effect_bytes_per_hour"]
    if judge_floors("shop", ("1", old), ("2", new), 0.0).state == "alarm":
        assert numbers["effect_bytes_per_hour"] >= 0.8 * numbers["smallest_visible_bytes_per_hour"]
