"""How a series grew with work: the facts that later become evidence.

No thresholds of "leak" here; only what happened, per unit of work, round by round.
"""

from __future__ import annotations

from dataclasses import dataclass
from itertools import pairwise
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Sequence

__all__ = ["Growth", "fit"]


@dataclass(frozen=True, slots=True)
class Growth:
    """Growth of one series against work."""

    intervals: int
    """Intervals between snapshots in which the holder existed."""
    total: float
    """Last value minus first."""
    rate: float
    """Least-squares slope per unit of work."""
    growing_share: float
    """Share of the intervals in which the value rose, in [0, 1]."""
    tail: float
    """Rate of the last interval over the mean rate of the ones before it; 1 is steady growth, 0 has
    stopped.  1 when there is only one interval or no growth before the last."""
    slowing: float
    """By how much the rate fell from the first interval to the last where it fell in every one, in
    [0, 1]: what fills up slows down long before it stops."""
    late_start: bool
    """All growth is in the last interval."""
    relative: float
    """Growth over the first value (at least 1)."""
    steadiness: float
    """Share of the variance explained by the straight line (R squared), in [0, 1]."""

    @property
    def grows(self) -> bool:
        """Whether the value rose at all."""
        return self.total > 0


def fit(values: Sequence[float], work: Sequence[float]) -> Growth:
    """
    Describe how *values* grow with *work*.

    Args:
        values: One value per snapshot.
        work: Operations done so far at each snapshot, strictly increasing; same length, at least 2.
    """
    steps = [later - earlier for earlier, later in pairwise(values)]
    widths = [later - earlier for earlier, later in pairwise(work)]
    rates = [step / width for step, width in zip(steps, widths, strict=True)]
    total = float(values[-1] - values[0])
    before = (values[-2] - values[0]) / (work[-2] - work[0]) if len(values) > 2 else 0.0
    tail = 1.0 if len(values) <= 2 or before <= 0 else rates[-1] / before
    slope, r_squared = _line(values, work)
    return Growth(
        intervals=len(steps),
        total=total,
        rate=slope,
        growing_share=sum(step > 0 for step in steps) / len(steps),
        tail=tail,
        slowing=_slowing(rates),
        late_start=len(steps) > 1 and all(step <= 0 for step in steps[:-1]) and steps[-1] > 0,
        relative=total / max(1.0, float(values[0])),
        steadiness=r_squared,
    )


def _line(values: Sequence[float], work: Sequence[float]) -> tuple[float, float]:
    """Return slope and R squared of the least-squares line."""
    count = len(values)
    mean_x, mean_y = sum(work) / count, sum(values) / count
    xx = sum((x - mean_x) ** 2 for x in work)
    xy = sum((x - mean_x) * (y - mean_y) for x, y in zip(work, values, strict=True))
    yy = sum((y - mean_y) ** 2 for y in values)
    slope = xy / xx if xx else 0.0
    return slope, (xy * xy / (xx * yy) if xx and yy else 0.0)


def _slowing(rates: Sequence[float]) -> float:
    if len(rates) < 3 or rates[0] <= 0 or any(later >= earlier for earlier, later in pairwise(rates)):
        return 0.0
    return min(1.0, (rates[0] - rates[-1]) / rates[0])
