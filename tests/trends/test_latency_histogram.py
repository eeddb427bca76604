"""Quantiles of bucketed latencies."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from latency_samples import count

from heapsleuth.trends.latency_histogram import SIZE, add_to, log_quantiles


def histogram(latencies_ms: list[float]) -> np.ndarray:
    counts = np.zeros(SIZE, np.uint32)
    add_to(counts, count(np.array(latencies_ms)))
    return counts[None, :].astype(float)


@given(st.lists(st.floats(0.1, 60_000), min_size=1, max_size=200), st.sampled_from([0.5, 0.9, 0.99]))
def test_a_quantile_is_within_a_bucket_of_the_true_one(latencies_ms: list[float], share: float) -> None:
    (value,), (variance,) = log_quantiles(histogram(latencies_ms), share)

    ordered = np.sort(latencies_ms)
    true = ordered[max(0, int(np.ceil(share * len(ordered))) - 1)]
    assert abs(value - np.log(true)) <= np.log(2) / 16 + 1e-9
    assert 0 < variance < np.inf


def test_an_empty_histogram_has_no_quantile() -> None:
    values, variances = log_quantiles(np.zeros((2, SIZE)), 0.5)

    assert np.isnan(values).all()
    assert np.isinf(variances).all()


@pytest.mark.parametrize("share", [0.5, 0.99])
def test_the_variance_is_that_of_drawing_anew(share: float) -> None:
    random = np.random.default_rng(3)
    drawn = [histogram(list(50 * np.exp(0.4 * random.normal(size=2000))))[0] for _ in range(200)]

    values, variances = log_quantiles(np.array(drawn), share)

    assert np.sqrt(variances.mean()) == pytest.approx(values.std(), rel=0.3)


def test_latencies_out_of_range_are_counted_at_the_edges() -> None:
    counts = np.zeros(SIZE, np.uint32)

    add_to(counts, {0: 2, 10: 1, 5000: 4})

    assert counts[0] == 3
    assert counts[-1] == 4
