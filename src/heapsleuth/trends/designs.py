"""What may move a heap's floor, as columns of a regression: load, time of day, warm-up, a step, a leak."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Literal

import numpy as np

from heapsleuth.kernels import gls

if TYPE_CHECKING:
    from collections.abc import Sequence

    from heapsleuth.trends.floor import FloorSeries, Numbers

__all__ = ["MB", "Design", "Rows", "Term", "lowest_rows"]

MB = 1e6
"""Columns and slopes are in megabytes, so that all columns are of similar size."""

_VARIES = 0.03
"""A load whose standard deviation is a smaller share of its mean explains nothing."""
_DAILY_HOURS = 40.0
"""Shorter spans cannot tell a daily rhythm from a trend."""
_WARM_SHARES = (0.0125, 0.022, 0.038, 0.067, 0.12, 0.2, 0.36, 0.63, 1.1, 1.9)
_RHOS = np.array([0.0, 0.3, 0.5, 0.7, 0.8, 0.88, 0.94, 0.975])
"""Correlations of neighbouring rows tried."""
_TINY = 1e-6


@dataclass(frozen=True, slots=True)
class Rows:
    """
    The lowest floors of one life in equal pieces of its time.

    Attributes:
        hours: float64[n], age of the process.
        floors: float64[n], MB.
        loads: float64[n], requests per second around them; NaN: not known.
        smoothed: float64[k + 1, n], see `FloorSeries.smoothed_loads`.
        start_hours: When the process began, in hours since 1970.
    """

    hours: Numbers
    floors: Numbers
    loads: Numbers
    smoothed: Numbers
    start_hours: float

    def __len__(self) -> int:
        return len(self.hours)


@dataclass(frozen=True, slots=True)
class Term:
    """
    A column with a meaning.

    Attributes:
        clock: What it goes with: hours, or requests served at the mean rate (also in hours).
        at: In hours: time constant of a warm-up (infinite: a square root), age at a step or a slope's begin.
        late_rate: Of a warm-up, what the column gains per hour in the second half of the current life.
    """

    kind: Literal["none", "echo", "warm-up", "step", "slope"]
    column: int = -1
    clock: Literal["hours", "requests"] = "hours"
    at: float = 0.0
    late_rate: float = 0.0


def lowest_rows(series: FloorSeries, *pieces: tuple[float, float, int]) -> Rows:
    """Return the lowest floors of pieces of a life: from and to an age in hours, and at most so many rows."""
    ends = series.row_ends()
    floors = series.floors()
    found = []
    for begin, end, count in pieces:
        bins = ((ends - begin - _TINY) * (count / (end - begin))).astype(np.int32)
        bins[(ends <= begin + _TINY) | (ends > end + _TINY)] = -1
        np.minimum(bins, count - 1, out=bins)
        lowest = np.empty(count, np.int32)
        gls.lowest_in_bins(floors, bins, lowest)
        found.append(lowest[lowest >= 0])
    at = np.concatenate(found)
    return Rows(
        ends[at],
        floors[at] / MB,
        series.floor_loads()[at],
        series.smoothed_loads()[:, at],
        series.started_ms / 3_600_000,
    )


@dataclass
class Design:
    """
    The columns for the current life and, where given, earlier ones of the same slot.

    Earlier lives share what load and warm-up do, but have levels of their own and no slope.

    Attributes:
        warm_shares: Time constants of warm-up tried, as shares of the span; none: no warm-up at all.
        base: Columns in every model.
        echoes: What follows the load with delay, the first of them nothing.
        slopes: The leak, by clock.
        warm_ups: Growth that ends, the first of them nothing.
    """

    current: Rows
    earlier: Sequence[Rows] = ()
    warm_shares: tuple[float, ...] = _WARM_SHARES
    base: list[int] = field(default_factory=list)
    echoes: list[Term] = field(default_factory=lambda: [Term("none")])
    slopes: list[Term] = field(default_factory=list)
    warm_ups: list[Term] = field(default_factory=lambda: [Term("none")])

    def __post_init__(self) -> None:
        lives = [*self.earlier, self.current]
        sizes = [len(life) for life in lives]
        ends = np.cumsum(sizes)
        self.rows = int(ends[-1])
        self._first = self.rows - sizes[-1]
        self._columns: list[Numbers] = []
        self._gaps = np.full(self.rows, -1.0)
        for life, end, size in zip(lives, ends, sizes, strict=True):
            level = np.zeros(self.rows)
            level[end - size : end] = 1.0
            self.base.append(self._add(level))
            self._gaps[end - size + 1 : end] = np.diff(life.hours)
        within = self._gaps > 0
        self._gaps[within] /= np.median(self._gaps[within])
        self.hours = np.concatenate([life.hours for life in lives])
        self.span = float(self.hours.max())
        starts = np.repeat([life.start_hours for life in lives], sizes)
        self._floors = np.concatenate([life.floors for life in lives])
        self._floors -= self._floors.mean()
        clocks: dict[Literal["hours", "requests"], Numbers] = {"hours": self.hours, **self._add_load(lives)}
        if self.span > _DAILY_HOURS:
            angle = 2 * np.pi / 24 * (self.hours + starts)
            self.base += [self._add(np.cos(angle)), self._add(np.sin(angle))]
        self._clocks = clocks
        self.slopes = self.slopes_from(0.0)
        for name, clock in clocks.items():
            for tau in self.span * np.array(self.warm_shares):
                self._add_warm_up(1 - np.exp(-clock / tau), name, float(tau))
            if self.warm_shares:
                self._add_warm_up(np.sqrt(clock), name, np.inf)

    def _add_warm_up(self, shape: Numbers, clock: Literal["hours", "requests"], tau: float) -> None:
        now, hours = shape[self._first :], self.current.hours
        middle = len(now) // 2
        rate = (now[-1] - now[middle]) / (hours[-1] - hours[middle])
        self.warm_ups.append(Term("warm-up", self._add(shape), clock, tau, float(rate)))

    def _add(self, column: Numbers) -> int:
        self._columns.append(column)
        return len(self._columns) - 1

    def _add_load(self, lives: Sequence[Rows]) -> dict[Literal["hours", "requests"], Numbers]:
        """Add the load's columns where it varies; return the clock that requests are."""
        load = np.concatenate([life.loads for life in lives])
        mean = float(load.mean())
        spread = float(load.std())
        if not spread > _VARIES * mean:  # also where the load is not known
            return {}
        self.base.append(self._add((load - mean) / spread))
        smoothed = np.concatenate([life.smoothed for life in lives], axis=1)
        echoes = smoothed[:-1]
        means = echoes.mean(axis=1, keepdims=True)
        spreads = echoes.std(axis=1, keepdims=True)
        varies = (spreads > _VARIES * means).ravel()
        for column in ((echoes - means) / np.where(spreads > 0, spreads, 1.0))[varies]:
            self.echoes.append(Term("echo", self._add(column)))
        work = smoothed[-1]
        return {"requests": work * (self.hours[-1] / work[-1])}

    def slopes_from(self, age: float) -> list[Term]:
        """Add a slope that begins at an age in the current life, by each clock."""
        terms = []
        for name, clock in self._clocks.items():
            now = clock[self._first :]
            column = np.zeros(self.rows)
            begin = np.interp(age, self.current.hours, now)
            column[self._first :] = np.maximum(now - begin, 0.0)
            terms.append(Term("slope", self._add(column), name, age))
        return terms

    def steps(self, since: float, every: int) -> list[Term]:
        """Add a step in the current life at every so many of the rows since an age in hours."""
        terms = []
        begin = max(2, int(np.searchsorted(self.current.hours, since)))
        for row in range(begin, len(self.current) - 1, every):
            column = np.zeros(self.rows)
            column[self._first + row :] = 1.0
            terms.append(Term("step", self._add(column), at=float(self.current.hours[row])))
        return terms

    def prepare(self) -> None:
        """Make the products that fits need; columns added later are not seen."""
        columns = np.empty((self.rows, len(self._columns) + 1))
        columns[:, :-1] = np.array(self._columns).T
        columns[:, -1] = self._floors
        count = columns.shape[1]
        self._products = np.empty((len(_RHOS), count, count))
        self._log_determinants = np.empty(len(_RHOS))
        gls.whitened_products(
            columns, self._gaps, _RHOS, np.empty(count), self._products, self._log_determinants
        )

    def fit(self, echoes: Numbers, extras: Numbers, slopes: Numbers) -> Numbers:
        """
        Fit models that have three columns (int64[m] each; −1: none) besides the base.

        Returns:
            float64[m, 6], see `gls.fit_models`.
        """
        count = len(slopes)
        width = len(self.base) + 3
        models = np.empty((count, width), np.int32)
        models[:, :-3] = self.base
        models[:, -3], models[:, -2], models[:, -1] = echoes, extras, slopes
        fits = np.empty((count, 6))
        gls.fit_models(
            self._products,
            self._log_determinants,
            self.rows,
            models,
            np.empty((width + 1, width + 1)),
            np.empty(count),
            fits,
        )
        return fits
