"""Detectors that others use, on the same series; each returns the hour of its first alarm, or None."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from collections.abc import Callable

    from numpy.typing import NDArray

    Floats = NDArray[np.float64]

__all__ = ["BASELINES"]

_PER_HOUR = 120
_WINDOW_MB = 5.0


def _first(hours: Floats, fired: NDArray[np.bool_]) -> float | None:
    return float(hours[int(fired.argmax())]) if fired.any() else None


def _in_a_row(true: NDArray[np.bool_], count: int) -> NDArray[np.bool_]:
    """Where the last *count* values were all true."""
    sums = np.concatenate([[0], np.cumsum(true)])
    fired = np.zeros(len(true), bool)
    if len(true) >= count:
        fired[count - 1 :] = sums[count:] - sums[:-count] == count
    return fired


def ten_samples(hours: Floats, heap: Floats, _floor: Floats, _limit: float) -> float | None:
    """Used heap rose by more than 5 MB from sample to sample, on average over 10 samples of 30 s."""
    rise = np.full(len(heap), -np.inf)
    rise[10:] = (heap[10:] - heap[:-10]) / 10
    return _first(hours, rise > _WINDOW_MB)


def five_growing_collections(hours: Floats, _heap: Floats, floor: Floats, _limit: float) -> float | None:
    """Five major collections in a row each left more than the one before (memwatch's rule)."""
    seen = np.flatnonzero(~np.isnan(floor))
    grew = np.diff(floor[seen], prepend=np.inf) > 0
    return _first(hours[seen], _in_a_row(grew, 5))


def least_squares_day(hours: Floats, heap: Floats, _floor: Floats, _limit: float) -> float | None:
    """Least squares over 24 h of used heap: a slope above 1 MB/h."""
    slope, _ = _lines(heap, 24 * _PER_HOUR)
    return _first(hours, slope * _PER_HOUR > 1.0)


def predict_linear(hours: Floats, heap: Floats, _floor: Floats, limit: float) -> float | None:
    """Prometheus: `predict_linear(heap[6h], 24h) > limit`, for 30 minutes."""
    slope, end = _lines(heap, 6 * _PER_HOUR)
    above = end + slope * 24 * _PER_HOUR > limit
    return _first(hours, _in_a_row(above, _PER_HOUR // 2))


def _lines(values: Floats, size: int) -> tuple[Floats, Floats]:
    """Slope per sample and end of the line through the last *size* values, at each place (NaN before)."""
    slope, end = np.full(len(values), -np.inf), np.full(len(values), -np.inf)
    if len(values) < size:
        return slope, end
    x = np.arange(len(values), dtype=np.float64)
    sums = np.concatenate([[0.0], np.cumsum(values)])
    weighted = np.concatenate([[0.0], np.cumsum(values * x)])
    total = sums[size:] - sums[:-size]
    first = x[: len(total)]
    moment = weighted[size:] - weighted[:-size] - first * total
    middle = (size - 1) / 2
    spread = size * (size * size - 1) / 12
    slope[size - 1 :] = (moment - middle * total) / spread
    end[size - 1 :] = total / size + slope[size - 1 :] * middle
    return slope, end


def mann_kendall(hours: Floats, heap: Floats, _floor: Floats, _limit: float) -> float | None:
    """Mann-Kendall on quarter-hour means of used heap over 24 h, once an hour: z above 2.58."""
    quarter, size = _PER_HOUR // 4, 96
    count = len(heap) // quarter
    means = heap[: count * quarter].reshape(count, quarter).mean(axis=1)
    deviation = np.sqrt(size * (size - 1) * (2 * size + 5) / 18)
    above = np.triu_indices(size, 1)
    for end in range(size, count + 1, 4):
        window = means[end - size : end]
        score = np.sign(window[above[1]] - window[above[0]]).sum()
        if (score - 1) / deviation > 2.58:  # noqa: PLR2004 - p < 0.01, both sides
            return float(hours[end * quarter - 1])
    return None


BASELINES: dict[str, Callable[[Floats, Floats, Floats, float], float | None]] = {
    "10 samples, > 5 MB each": ten_samples,
    "five growing major collections": five_growing_collections,
    "least squares over 24 h > 1 MB/h": least_squares_day,
    "predict_linear 6 h, 24 h ahead": predict_linear,
    "Mann–Kendall over 24 h, z > 2.58": mann_kendall,
}
"""By title; arguments: hours, used heap and floor (NaN: none) in MB, a sample per 30 s, and the limit."""
