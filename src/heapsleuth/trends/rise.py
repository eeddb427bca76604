"""Does a level rise by itself, or with the load, the time of day, or only until it is full?

A straight line with load and the time of day beside it, its error widened for what neighbouring points have
in common; then the last third must still rise, and so must what is left when a curve that fills up takes
all it can. Made for levels that come back when work is done (handles,
timers, native memory); heap floors have a detector of their own.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal

import numpy as np

if TYPE_CHECKING:
    from numpy.typing import NDArray

    Floats = NDArray[np.float64]

__all__ = ["Rise", "rise"]

Shape = Literal["rises", "flat", "saturates", "undecided"]

MIN_POINTS = 12
MIN_HOURS = 2.0
_DAY_HOURS = 26.0
_HARMONICS_AFTER_HOURS = 40.0
_MOST_POINTS = 60
_Z_RISES = 5.0
_Z_STILL = 2.0
_Z_REST = 3.0
_FILLING_SHARES = (0.1, 0.25, 0.5, 1.0)
"""Time constants of what fills up, as shares of the time looked at; slower ones are straight lines."""
_STILL_SHARE = 0.4
"""The last third must rise at least so fast, as a share of the whole: an exponential that has come to 2.5 of
its time constants gives 0.2, a straight line 1."""
_BLOCKS = 8
_RISING_BLOCKS = 6
_MIN_LOAD_VARIATION = 0.03
_LAG_HOURS = 2.0
_MAX_CORRELATION = 0.95
_NO_GROWTH = "no growth that matters"


@dataclass(frozen=True, slots=True)
class Rise:
    """
    How a level went.

    Attributes:
        per_hour, error: Slope and its standard error, with load and the time of day taken out.
        growth: Slope times the time looked at.
        start, end: Medians of the first and last eighth.
        why: What speaks against a rise, or what is missing; empty for `rises`.
    """

    shape: Shape
    per_hour: float = 0.0
    error: float = 0.0
    growth: float = 0.0
    start: float = 0.0
    end: float = 0.0
    hours: float = 0.0
    why: str = ""

    @property
    def z(self) -> float:
        """Slope in standard errors."""
        return self.per_hour / self.error if self.error else 0.0


def rise(hours: Floats, values: Floats, load: Floats | None, *, smallest: float) -> Rise:
    """
    Judge a level over time.

    Args:
        hours: float64[n], increasing.
        values: float64[n]; NaN where unknown.
        load: float64[n], requests per hour; None or NaN where unknown.
        smallest: Growth below this is flat, whatever its certainty.
    """
    known = ~np.isnan(values)
    hours, values = hours[known], values[known]
    load = None if load is None else load[known]
    span = float(hours[-1] - hours[0]) if len(hours) else 0.0
    if len(hours) < MIN_POINTS or span < MIN_HOURS:
        return Rise("undecided", hours=span, why=f"needs {MIN_HOURS:g} hours of samples")
    if float(np.ptp(values)) < smallest:
        # Most levels of most services, and a twentieth of the cost.
        change = float(values[-1] - values[0])
        start, end = float(values[0]), float(values[-1])
        return Rise("flat", change / span, 0.0, change, start, end, span, _NO_GROWTH)
    hours, values, load = _thinned(hours, values, load)
    slope, error = _slope(hours, values, load, smallest / span)
    eighth = max(1, len(hours) // _BLOCKS)
    found = Rise(
        "flat",
        slope,
        error,
        slope * span,
        float(np.median(values[:eighth])),
        float(np.median(values[-eighth:])),
        span,
    )
    return _shaped(found, hours, values, load, smallest)


def _shaped(found: Rise, hours: Floats, values: Floats, load: Floats | None, smallest: float) -> Rise:
    def as_(shape: Shape, why: str = "") -> Rise:
        return Rise(
            shape, found.per_hour, found.error, found.growth, found.start, found.end, found.hours, why
        )

    if found.growth < smallest:
        low = found.growth + 2 * found.error * found.hours
        return as_("flat", _NO_GROWTH) if low < 2 * smallest else as_("undecided", "noisy")
    third = hours >= hours[-1] - found.hours / 3
    late, late_error = _slope(hours[third], values[third], None if load is None else load[third], 0.0)
    if late + 2 * late_error < _STILL_SHARE * found.per_hour:
        # Before its certainty is asked for: a curve fits no line, which makes the line's error large.
        return as_("saturates", "it has slowed down or stopped in the last third of the time")
    if found.z < _Z_RISES:
        return as_("undecided", "growth within what load and chance explain")
    if late < _STILL_SHARE * found.per_hour or late < _Z_STILL * late_error:
        return as_("undecided", "it may have slowed down in the last third of the time")
    for share in _FILLING_SHARES:
        curve = 1 - np.exp(-(hours - hours[0]) / (share * found.hours))
        rest, rest_error = _slope(hours, values, load, 0.0, curve)
        if rest < _STILL_SHARE * found.per_hour or rest < _Z_REST * rest_error:
            return as_("undecided", "something that fills up explains it as well")
    medians = np.array([np.median(block) for block in np.array_split(values, _BLOCKS)])
    if int((np.diff(medians) > 0).sum()) < _RISING_BLOCKS:
        return as_("flat", "it came back down in between")
    if not _varies(load) and found.hours < _DAY_HOURS and found.end < 2 * found.start + smallest:
        # Where load is known and steady it explains nothing; where it is unknown, a morning looks like this.
        return as_("rises") if load is not None else as_("undecided", "may be the time of day")
    return as_("rises")


def _thinned(hours: Floats, values: Floats, load: Floats | None) -> tuple[Floats, Floats, Floats | None]:
    """Return at most 60 points: the least value of each group, which is nearest to what stays."""
    each = -(-len(hours) // _MOST_POINTS)
    groups = len(hours) // each
    # What does not fill a group is left out at the beginning, where it matters least.
    begin = len(hours) - groups * each
    lowest = values[begin:].reshape(groups, each).argmin(axis=1) + np.arange(groups) * each + begin
    if load is None or np.isnan(load).all():
        return hours[lowest], values[lowest], None
    if np.isnan(load).any():
        load = np.where(np.isnan(load), np.nanmedian(load), load)
    return hours[lowest], values[lowest], load[lowest]


def _varies(load: Floats | None) -> bool:
    return load is not None and bool(np.std(load) > _MIN_LOAD_VARIATION * abs(np.mean(load)))


def _lagging(hours: Floats, load: Floats) -> Floats:
    """Return the load of the hours before, weighted exponentially: sessions live that long."""
    lagging = load.copy()
    for number in range(1, len(load)):
        kept = np.exp(-(hours[number] - hours[number - 1]) / _LAG_HOURS)
        lagging[number] = kept * lagging[number - 1] + (1 - kept) * load[number]
    return lagging


def _slope(
    hours: Floats, values: Floats, load: Floats | None, least_error: float, curve: Floats | None = None
) -> tuple[float, float]:
    """
    Return slope per hour and its standard error.

    Args:
        hours: As for `rise`.
        values: As for `rise`.
        load: As for `rise`.
        least_error: A tenth of which the error is never below.
        curve: What else may explain the values.
    """
    columns = [np.ones(len(hours)), hours - hours[0]]
    if load is not None and _varies(load) and len(hours) > 2 * len(columns):
        columns.append((load - load.mean()) / load.std())
        lagging = _lagging(hours, load)
        if _varies(lagging):
            columns.append((lagging - lagging.mean()) / lagging.std())
    if curve is not None:
        columns.append(curve)
    if hours[-1] - hours[0] > _HARMONICS_AFTER_HOURS:
        angle = 2 * np.pi * hours / 24
        columns += [np.cos(angle), np.sin(angle)]
    design = np.stack(columns, axis=1)
    solution, *_ = np.linalg.lstsq(design, values, rcond=None)
    residuals = values - design @ solution
    free = max(1, len(hours) - design.shape[1])
    variance = float(residuals @ residuals) / free
    inverse = np.linalg.pinv(design.T @ design)
    power = float(residuals @ residuals)
    correlation = float(residuals[1:] @ residuals[:-1]) / power if power > 0 else 0.0
    correlation = min(max(correlation, 0.0), _MAX_CORRELATION)
    widened = variance * inverse[1, 1] * (1 + correlation) / (1 - correlation)
    return float(solution[1]), max(float(np.sqrt(max(widened, 0.0))), least_error / 10)
