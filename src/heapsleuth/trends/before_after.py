"""How much a quantity changed at a deployment, from before and after it, while load changes as well."""

from __future__ import annotations

from dataclasses import dataclass, fields, replace
from functools import cache
from itertools import product
from typing import TYPE_CHECKING

import numpy as np

from heapsleuth.kernels import innovations

if TYPE_CHECKING:
    from numpy.typing import NDArray

__all__ = ["Change", "Series", "steady_loads", "step_change"]

_FAST_HOURS = (0.25, 0.5, 1.0, 2.0, 4.0)
_SLOW_HOURS = 24.0
_SLOW_SHARES = (0.15, 0.3, 0.6, 1.2)
_ERROR_SHARES = (0.01, 0.1, 0.5, 2.0)
# What is known before looking: the same load at the same hour takes 2 % more or less another day. Three days
# cannot tell how much it is in a service, and taking it for nothing is how deployments get blamed.
_DAY_DRIFT, _DAY_DRIFT_SPREAD = 0.02, 0.7
# Ridge on what is standardised: the effect of load and hour is not expected beyond about 30 %.
_RIDGE = 0.03
_STEADY = 0.03
"""Relative spread of load below which it explains nothing."""
_STEADY_REQUESTS, _STEADY_HOURS = 2500.0, 1.0
_BEYOND = 1.1
"""Factor beyond the loads seen before up to which a cubic may be trusted."""
_MIN_ROWS = 24
_PLACEBO_EVERY_HOURS = 1.0
_PLACEBO_FIRST_HOURS = 12.0
_PLACEBO_WORTH = 3.0


@dataclass(frozen=True)
class Series:
    """
    A quantity by time.

    Attributes:
        hours: float64[n], rising; of day in hours, so that 0, 24, … are the same hour.
        values: float64[n], logarithms.
        variances: float64[n], what counting alone makes of it.
        loads: float64[n], requests per second; free of the noise of counting, see `steady_loads`.
        after: bool[n], whether the new release served it.
        earlier: int64[n], number of an earlier release that served it, 0 for the two that are compared.
            They tell about loads and hours, each at a level of its own.
    """

    hours: NDArray[np.float64]
    values: NDArray[np.float64]
    variances: NDArray[np.float64]
    loads: NDArray[np.float64]
    after: NDArray[np.bool_]
    earlier: NDArray[np.int64]

    def part(self, rows: NDArray[np.bool_]) -> Series:
        """Return some of the rows."""
        return replace(self, **{one.name: getattr(self, one.name)[rows] for one in fields(self)})


@dataclass(frozen=True, slots=True)
class Change:
    """
    The difference of two logarithms, new minus old, and its standard error.

    Attributes:
        base: Logarithm of what it would have been without the change.
        placebo: How many times larger than expected changes were where nothing was deployed; at least 1,
            and part of `error`.
        rows_before, rows_after: Rows (or instances) it rests on.
    """

    value: float
    error: float
    base: float
    rows_before: int
    rows_after: int
    placebo: float = 1.0

    @property
    def score(self) -> float:
        """The change in standard errors."""
        return self.value / self.error if self.error > 0 else 0.0


def step_change(series: Series) -> Change | None:
    """
    Estimate the step of *series* where `after` begins.

    The mean depends on load (cubic) and on the hour (24 and 12 h); the noise is a fast drift, a drift from
    day to day and errors of counting, whose sizes are averaged by likelihood. The same fit at times
    without a deployment tells whether the error is honest; where it was too small it is enlarged.

    Returns:
        None when there are too few rows on either side. Rows of the new release whose load the old one never
        had do not count.
    """
    series = series.part(_known_loads(series))
    after = series.after
    if after.sum() < 2 or (~after & (series.earlier == 0)).sum() < _MIN_ROWS:  # noqa: PLR2004 - one row may be anything
        return None
    columns = np.column_stack([_nuisances(series), after.astype(np.float64), series.values])
    whitened = [_whiten(series, columns, *noise) for noise in _noises()]
    estimates = [_solve(matrix, log_det) for matrix, log_det in whitened]
    logs = np.array(
        [
            one.log_likelihood + _belief(one.scale, noise, series)
            for one, noise in zip(estimates, _noises(), strict=True)
        ]
    )
    weights = np.exp(logs - logs.max())
    weights /= weights.sum()
    values = np.array([one.value for one in estimates])
    value = float(weights @ values)
    spread = float(weights @ (np.array([one.error**2 for one in estimates]) + (values - value) ** 2))
    placebo = _placebo(series, _noises()[int(np.argmax(weights))])
    return Change(
        value=value,
        error=float(np.sqrt(spread)) * placebo,
        base=float(np.average(series.values[after])) - value,
        rows_before=int((~after).sum()),
        rows_after=int(after.sum()),
        placebo=placebo,
    )


def steady_loads(counts: NDArray[np.float64], hours: NDArray[np.float64]) -> NDArray[np.float64]:
    """
    Return requests per hour, each over a time around its row in which 2,500 are counted, at most an hour.

    Counting 100 requests errs by 10 %. A model that is told so takes it for load that has no effect, and
    gives what load does to the hour of the day; the next surge is then blamed on the release.

    Args:
        counts: float64[n], requests of each row.
        hours: float64[n, 2], begin and end of each row.
    """
    lengths = hours[:, 1] - hours[:, 0]
    rate = counts.sum() / max(float(lengths.sum()), 1e-9)
    reach = min(_STEADY_REQUESTS / max(rate, 1e-9), _STEADY_HOURS) / 2
    middles = hours.mean(axis=1)
    first = np.minimum(np.searchsorted(middles, middles - reach), np.arange(len(middles)))
    last = np.maximum(np.searchsorted(middles, middles + reach, side="right"), np.arange(len(middles)) + 1)
    requests, times = (np.concatenate([[0.0], np.cumsum(column)]) for column in (counts, lengths))
    found: NDArray[np.float64] = (requests[last] - requests[first]) / (times[last] - times[first])
    return found


def _known_loads(series: Series) -> NDArray[np.bool_]:
    """Return which rows are of the old release, or of a load that it has had."""
    before = series.loads[~series.after]
    if not len(before):
        return ~series.after
    low, high = before.min() / _BEYOND, before.max() * _BEYOND
    known: NDArray[np.bool_] = ~series.after | ((series.loads >= low) & (series.loads <= high))
    return known


@dataclass(frozen=True, slots=True)
class _Fit:
    value: float
    error: float
    log_likelihood: float
    scale: float


@cache
def _noises() -> tuple[tuple[float, float, float], ...]:
    """Return hours of the fast drift, then sizes of the slow one and of errors relative to it."""
    return tuple(product(_FAST_HOURS, _SLOW_SHARES, _ERROR_SHARES))


def _nuisances(series: Series) -> NDArray[np.float64]:
    """Return the columns beside the step: constant, load, hour of the day."""
    spread = series.loads.std()
    columns = [np.ones_like(series.hours)]
    if spread > _STEADY * series.loads.mean():
        load = (series.loads - series.loads.mean()) / spread
        columns += [load, load**2 - 1, load**3 - 3 * load]
    for period in (24.0, 12.0):
        angle = series.hours * (2 * np.pi / period)
        columns += [np.cos(angle), np.sin(angle)]
    columns += [series.earlier == number for number in np.unique(series.earlier[series.earlier > 0])]
    return np.column_stack(columns)


def _whiten(
    series: Series, columns: NDArray[np.float64], fast_hours: float, slow: float, errors: float
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    rows, width = columns.shape
    gaps = np.diff(series.hours, prepend=series.hours[0])
    fades = np.exp(-gaps[:, None] / np.array([fast_hours, _SLOW_HOURS]))
    counting = series.variances / series.variances.mean() * errors + 1e-3
    out, surprises = np.empty((rows, width)), np.empty(rows)
    innovations.whiten(
        np.ascontiguousarray(columns), fades, counting, np.array([1.0, slow**2]),
        np.empty((2, width)), np.empty((2, 2)), np.empty(2), out, surprises,
    )  # fmt: skip
    return out, np.log(surprises)


def _solve(whitened: NDArray[np.float64], log_variances: NDArray[np.float64]) -> _Fit:
    """Fit the last column by the others; the one before it is the step."""
    design, response = whitened[:, :-1], whitened[:, -1]
    width = design.shape[1]
    normal = design.T @ design
    ridge = np.full(width, _RIDGE)
    ridge[0] = ridge[-1] = 0.0
    normal[np.diag_indices(width)] += ridge
    inverse = np.linalg.inv(normal)
    coefficients = inverse @ (design.T @ response)
    freedom = len(response) - width
    residual = max(float(((response - design @ coefficients) ** 2).sum() + ridge @ coefficients**2), 1e-12)
    _, log_det = np.linalg.slogdet(normal)
    return _Fit(
        value=float(coefficients[-1]),
        error=float(np.sqrt(residual / freedom * inverse[-1, -1])),
        log_likelihood=-0.5 * (freedom * np.log(residual) + log_variances.sum() + log_det),
        scale=float(np.sqrt(residual / freedom)),
    )


def _belief(scale: float, noise: tuple[float, float, float], series: Series) -> float:
    """Return the logarithm of how likely sizes of noise are before looking."""
    _, slow, errors = noise
    drift = np.log(slow * scale / _DAY_DRIFT) / _DAY_DRIFT_SPREAD
    # Errors cannot be much smaller than counting makes them.
    counting = min(0.0, np.log(errors * scale**2 / series.variances.mean()) + 0.7)
    return float(-0.5 * drift**2 - 2.0 * counting**2)


def _placebo(series: Series, noise: tuple[float, float, float]) -> float:
    """Return how far changes exceed their errors where nothing was deployed (at least 1)."""
    before = ~series.after
    hours = series.hours[before]
    span = series.hours[-1] - series.hours[series.after][0]
    starts = np.arange(hours[0] + _PLACEBO_FIRST_HOURS, hours[-1] - span, _PLACEBO_EVERY_HOURS)
    if len(starts) < 2:  # noqa: PLR2004 - one says nothing
        return 1.0
    steps = (hours[:, None] >= starts).astype(np.float64)
    nuisances = _nuisances(series)[before]
    columns = np.column_stack([nuisances, steps, series.values[before]])
    whitened, logs = _whiten(series.part(before), columns, *noise)
    width = nuisances.shape[1]
    squares = []
    for number, start in enumerate(starts):
        rows = int(np.searchsorted(hours, start + span, side="right"))
        fit = _solve(whitened[:rows][:, [*range(width), width + number, -1]], logs[:rows])
        squares.append((fit.value / fit.error) ** 2)
    # Times that overlap tell the same thing again.
    independent = max(1.0, (hours[-1] - hours[0] - _PLACEBO_FIRST_HOURS) / max(span, 4.0))
    mean = (_PLACEBO_WORTH + independent * float(np.mean(squares))) / (_PLACEBO_WORTH + independent)
    return max(1.0, float(np.sqrt(mean)))
