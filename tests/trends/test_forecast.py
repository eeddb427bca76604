"""When limits are met."""

from __future__ import annotations

import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from heapsleuth.trends.forecast import (
    Growth,
    container_forecast,
    earliest,
    heap_forecast,
    old_generation_bytes,
)

MIB = 2.0**20


@pytest.mark.parametrize(
    ("node", "limit_mib", "low_mib", "high_mib"),
    [
        ("20.20.2", 4144, 4096, 4096),
        ("v22.1.0", 560, 512, 512),
        ("24.21.0", 4288, 4096, 4096),
        ("26.10.0", 4192, 4096, 4096),
        ("", 4288, 4096, 4240),
        ("99.0.0", 4288, 4096, 4240),
    ],
)
def test_the_old_generation_is_what_the_young_one_leaves(
    node: str, limit_mib: float, low_mib: float, high_mib: float
) -> None:
    found = old_generation_bytes(limit_mib * MIB, node)

    assert (found.low / MIB, found.high / MIB) == (low_mib, high_mib)


def test_a_steady_rise_meets_the_limit_between_four_fifths_of_it_and_all_of_it() -> None:
    forecast = heap_forecast(Growth(100 * MIB, 10 * MIB, 0.0), 560 * MIB, node="20.0.0")

    assert forecast is not None
    assert forecast.limit == "heap"
    assert forecast.limit_bytes == 560 * MIB
    assert forecast.hours.low == pytest.approx((0.80 * 512 - 100) / 10, rel=0.05)
    assert forecast.hours.high == pytest.approx((512 - 100) / 10, rel=0.05)


def test_what_does_not_rise_meets_nothing() -> None:
    assert heap_forecast(Growth(100 * MIB, 0.0, MIB), 560 * MIB) is None
    assert container_forecast(Growth(100 * MIB, -MIB, 0.1 * MIB), 560 * MIB) is None


def test_a_rise_that_may_be_none_has_no_latest_time() -> None:
    forecast = container_forecast(Growth(100 * MIB, MIB, MIB), 560 * MIB)

    assert forecast is not None
    assert forecast.hours.high == math.inf
    assert 0 < forecast.hours.low < 460


def test_past_the_limit_is_now() -> None:
    forecast = container_forecast(Growth(600 * MIB, MIB, 0.0), 560 * MIB)

    assert forecast is not None
    assert (forecast.hours.low, forecast.hours.high) == (0.0, 0.0)


def test_the_limit_that_is_met_first_is_told() -> None:
    heap = heap_forecast(Growth(100 * MIB, 10 * MIB, MIB), 4144 * MIB, node="20.0.0")
    container = container_forecast(Growth(300 * MIB, 11 * MIB, MIB), 512 * MIB)

    assert earliest(heap, container) == container
    assert earliest(None, heap) == heap
    assert earliest(None, None) is None


size = st.floats(1e6, 1e11)


@given(size, st.floats(0, 1e9), st.floats(0, 1e9), size, st.floats(0, 1e8))
def test_the_interval_is_in_order_and_grows_with_doubt(
    level: float, slope: float, error: float, limit: float, level_error: float
) -> None:
    sure = heap_forecast(Growth(level, slope, 0.0), limit)
    doubtful = heap_forecast(Growth(level, slope, error, level_error), limit)

    assert (sure is None) == (doubtful is None) == (slope == 0)
    if sure and doubtful:
        assert 0 <= doubtful.hours.low <= sure.hours.low * (1 + 1e-9)
        assert sure.hours.low <= sure.hours.high <= doubtful.hours.high * (1 + 1e-9)


@given(size, size, st.floats(1e3, 1e9), st.floats(0, 1e9))
def test_the_earliest_is_no_later_than_any(heap: float, container: float, slope: float, error: float) -> None:
    growth = Growth(1e6, slope, error)
    each = [heap_forecast(growth, heap), container_forecast(growth, container)]

    found = earliest(*each)

    assert found is not None
    assert found.hours.low <= found.hours.high
    assert all(found.hours.low <= one.hours.low and found.hours.high <= one.hours.high for one in each if one)
