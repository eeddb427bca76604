"""Exact 95 % intervals of rates and shares, without a statistics library."""

from __future__ import annotations

import math

__all__ = ["rate_per_1000", "share"]

_TAIL = 0.025
_BISECTIONS = 80


def rate_per_1000(events: int, days: float) -> tuple[float, float, float]:
    """Return events per 1,000 days and the limits of its exact Poisson interval."""
    factor = 1000 / days if days else math.nan
    low = 0.0 if events == 0 else _mean_with(events - 1, 1 - _TAIL)
    high = _mean_with(events, _TAIL)
    return events * factor, low * factor, high * factor


def share(part: int, whole: int) -> tuple[float, float, float]:
    """Return a share and the limits of Wilson's interval."""
    if not whole:
        return math.nan, math.nan, math.nan
    z = 1.959964
    p = part / whole
    middle = (p + z * z / (2 * whole)) / (1 + z * z / whole)
    half = z / (1 + z * z / whole) * math.sqrt(p * (1 - p) / whole + z * z / (4 * whole * whole))
    return p, max(0.0, middle - half), min(1.0, middle + half)


def _poisson(count: int, mean: float) -> float:
    """Return the probability of at most *count* events."""
    return sum(math.exp(k * math.log(mean) - mean - math.lgamma(k + 1)) for k in range(count + 1))


def _mean_with(count: int, probability: float) -> float:
    """Return the mean at which at most *count* events have that probability."""
    low, high = 1e-9, 10.0 * (count + 2)
    for _ in range(_BISECTIONS):
        middle = (low + high) / 2
        if _poisson(count, middle) > probability:
            low = middle
        else:
            high = middle
    return (low + high) / 2
