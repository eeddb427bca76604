"""The histogram against sorted lists, and against HdrHistogram's own package where it is installed."""

from __future__ import annotations

import math
import random

import pytest

from heapsleuth.scenarios.load.histogram import Histogram

PERCENTILES = (0.001, 1, 25, 50, 75, 90, 99, 99.9, 99.99, 100)


def values(seed: int, count: int) -> list[float]:
    chance = random.Random(seed)
    return [10 ** chance.uniform(-6, 2) for _ in range(count)]


@pytest.mark.parametrize(("seed", "count"), [(1, 1), (2, 7), (3, 1000), (4, 20_000)])
def test_percentiles_are_those_of_the_sorted_values_to_three_digits(seed: int, count: int) -> None:
    histogram = Histogram()
    data = values(seed, count)
    for begin in range(0, count, 300):
        histogram.record(data[begin : begin + 300])
    ordered = sorted(data)

    assert histogram.count == count
    for percent in PERCENTILES:
        exact = ordered[max(0, math.ceil(percent / 100 * count - 1e-9) - 1)] * 1000
        # A thousandth, and half a microsecond of rounding.
        assert histogram.percentile_ms(percent) == pytest.approx(exact, rel=0.001, abs=0.0011)


def test_mean_deviation_and_extremes_are_exact() -> None:
    histogram = Histogram()
    histogram.record([0.001, 0.002])
    histogram.record([0.006])

    assert histogram.mean_ms == pytest.approx(3)
    assert histogram.deviation_ms == pytest.approx(math.sqrt(14 / 3))
    assert (histogram.min_ms, histogram.max_ms) == (1.0, 6.0)


def test_an_empty_histogram_has_zeros_and_no_division() -> None:
    histogram = Histogram()
    histogram.record([])

    assert (histogram.count, histogram.mean_ms, histogram.deviation_ms, histogram.min_ms) == (0, 0, 0, 0)
    assert histogram.percentile_ms(99) == 0


def test_values_out_of_range_are_kept_at_its_ends() -> None:
    histogram = Histogram()
    histogram.record([-1.0, 1e-9, 1e9])

    assert histogram.percentile_ms(50) == 0
    assert histogram.percentile_ms(100) == pytest.approx(3_600_000, rel=0.001)


def test_percentiles_equal_those_of_the_reference_package() -> None:
    package = pytest.importorskip("hdrh.histogram")
    reference = package.HdrHistogram(1, 3_600_000_000, 3)
    histogram = Histogram()
    data = [round(value * 1e6) / 1e6 for value in values(5, 5000)]
    histogram.record(data)
    for value in data:
        reference.record_value(round(value * 1e6))

    # The last one is ours exactly: no percentile is above the largest value.
    for percent in PERCENTILES[:-2]:
        assert histogram.percentile_ms(percent) * 1000 == pytest.approx(
            reference.get_value_at_percentile(percent), abs=0.01
        )
