"""Quantiles of latencies that were counted in the protocol's buckets, 16 to each doubling."""

from __future__ import annotations

from math import log
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from collections.abc import Mapping

    from numpy.typing import NDArray

__all__ = ["SIZE", "add_to", "log_quantiles"]

SIZE = 384
"""Buckets kept, 16 µs to 4 minutes; what lies outside falls into the first or last."""

_FIRST_NUMBER = 64
_STEP = log(2) / 16
_FIRST = _FIRST_NUMBER * _STEP - 10 * log(2)
# Where a quantile stands inside its bucket is known to about this part of the bucket, however many requests.
_INSIDE = 0.02


def add_to(counts: NDArray[np.uint32], buckets: Mapping[int, int]) -> None:
    """Add requests by the protocol's bucket number to uint32[SIZE]."""
    numbers = np.fromiter(buckets, np.int64, len(buckets)) - _FIRST_NUMBER
    np.add.at(counts, np.clip(numbers, 0, SIZE - 1), np.fromiter(buckets.values(), np.uint32, len(buckets)))


def log_quantiles(
    counts: NDArray[np.float64], share: float
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """
    Return the quantile of each histogram as the natural logarithm of milliseconds, and its variance.

    Inside a bucket requests are taken to be spread evenly by logarithm. The variance is that of drawing so
    many requests, from how far the neighbouring order statistics are apart.

    Args:
        counts: (n, SIZE) float64.
        share: In (0, 1); 0.5 is the median.

    Returns:
        Two float64[n]; NaN and infinity for empty histograms.
    """
    sums = np.cumsum(counts, axis=1)
    whole = sums[:, -1]
    some = np.maximum(whole, 1.0)
    half = np.sqrt(share * (1 - share) / some)
    edge = np.minimum(0.5 / some, 0.5)
    middle = _position(sums, counts, np.full(len(counts), share))
    below = _position(sums, counts, np.clip(share - half, edge, 1 - edge))
    above = _position(sums, counts, np.clip(share + half, edge, 1 - edge))
    variance = ((above - below) / 2 * _STEP) ** 2 + (_INSIDE * _STEP) ** 2
    return np.where(whole > 0, _FIRST + middle * _STEP, np.nan), np.where(whole > 0, variance, np.inf)


def _position(
    sums: NDArray[np.float64], counts: NDArray[np.float64], shares: NDArray[np.float64]
) -> NDArray[np.float64]:
    """Return where the share of each histogram is reached, in buckets from the first one's lower edge."""
    rows = np.arange(len(sums))
    wanted = shares * sums[:, -1]
    bucket = np.argmax(sums >= np.maximum(wanted, 1e-9)[:, None], axis=1)
    inside = np.maximum(counts[rows, bucket], 1e-9)
    found: NDArray[np.float64] = bucket + np.clip(1 - (sums[rows, bucket] - wanted) / inside, 0.0, 1.0)
    return found
