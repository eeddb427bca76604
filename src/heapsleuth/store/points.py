"""The points of a chart on their way from packed rows to lines."""

from __future__ import annotations

from dataclasses import dataclass, fields
from typing import TYPE_CHECKING, Any

import numpy as np

from heapsleuth.store.metrics import Keep, metric
from heapsleuth.store.model import Chart, Line
from heapsleuth.store.summaries import COVERS, HOUR_MS, SLOT_MS, combine

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from numpy.typing import NDArray

__all__ = ["Points", "draw", "value_column"]


# How many bits are set in the number of each place, up to those of an hour of 10 minutes.
_BITS = np.array([number.bit_count() for number in range(1 << HOUR_MS // SLOT_MS)])


@dataclass(frozen=True)
class Points:
    """
    Values of one metric: whose, when, and what to add up.

    Attributes:
        owners: int64[n], instances or series.
        times: float64[n], the beginning of each time.
        covers: int64[n], which 10 minutes of it there is something of, a bit for each.
        sums: float64[n], of the values of `counts` instances and times of one step.
        lows, highs: float64[n], the smallest and largest of them.
    """

    owners: NDArray[np.int64]
    times: NDArray[np.float64]
    covers: NDArray[np.int64]
    sums: NDArray[np.float64]
    counts: NDArray[np.float64]
    lows: NDArray[np.float64]
    highs: NDArray[np.float64]

    @staticmethod
    def none() -> Points:
        """Return no points."""
        whole, none = np.empty(0, dtype=np.int64), np.empty(0)
        return Points(whole, none, whole, none, none, none, none)

    @staticmethod
    def join(parts: Sequence[Points]) -> Points:
        """Return all of them."""
        parts = parts or [Points.none()]
        return Points(*(np.concatenate([getattr(p, one.name) for p in parts]) for one in fields(Points)))

    def where(self, wanted: NDArray[np.bool_]) -> Points:
        """Return some of them."""
        return Points(*(getattr(self, one.name)[wanted] for one in fields(Points)))

    def within(self, since_ms: float, until_ms: float) -> Points:
        """Return those that begin within a time."""
        return self.where((self.times >= since_ms) & (self.times < until_ms))

    def owned_by(self, owners: Sequence[int]) -> Points:
        """Return them with other owners."""
        rest = [getattr(self, one.name) for one in fields(Points)][1:]
        return Points(np.array(owners, dtype=np.int64), *rest)

    @staticmethod
    def of_sums(
        name: str,
        owners: Sequence[int],
        times: Sequence[float],
        columns: NDArray[np.void],
    ) -> Points:
        """Return one metric of rows of sums."""
        aspects: list[Any] = [
            columns[f"{name}:{aspect}"].astype(np.float64) for aspect in ("sum", "count", "low", "high")
        ]
        covers = np.ones(len(times), dtype=np.int64)
        if COVERS in (columns.dtype.names or ()):
            covers = columns[COVERS].astype(np.int64)
        return Points(np.array(owners, dtype=np.int64), np.array(times, np.float64), covers, *aspects)

    @staticmethod
    def of_rows(
        name: str,
        owners: NDArray[np.int64],
        times: NDArray[np.float64],
        columns: Mapping[str, NDArray[np.float64]],
    ) -> Points:
        """Return one metric of instances' rows, see `summarise`."""
        value = value_column(name)
        if value not in columns:
            return Points.none()
        own = {column: columns[column] for column in (f"{name}:low", f"{name}:high") if column in columns}
        found = combine(
            np.arange(len(owners)), len(owners), {name: columns[value], value: columns[value], **own}
        )
        aspects: list[Any] = [found[f"{name}:{aspect}"] for aspect in ("sum", "count", "low", "high")]
        return Points(owners, times, np.ones(len(times), dtype=np.int64), *aspects)


def value_column(name: str) -> str:
    """Return the column of an instance's row that charts show."""
    return f"{name}:gain" if metric(name).keep is Keep.TOTAL else name


def draw(
    name: str, found: Points, labels: Mapping[int, str], *, start: float, until_ms: float, step: float
) -> Chart:
    """
    Return the chart.

    Args:
        name: The metric.
        found: Its points.
        labels: By owner; owners of one label are added up, points of others left out.
        start: Where it begins, ms.
        until_ms: Where it ends.
        step: Length of its buckets, ms.
    """
    times = np.arange(start, until_ms, step, dtype=np.float64)
    order = {label: at for at, label in enumerate(dict.fromkeys(labels.values()))}
    row = np.array([order.get(labels.get(owner, "?"), -1) for owner in found.owners.tolist()], dtype=np.int64)
    used = (row >= 0) & (found.counts > 0)
    inside = found.where(used).within(start, until_ms)
    row = row[used][(found.times[used] >= start) & (found.times[used] < until_ms)]
    cell = row * len(times) + ((inside.times - start) // step).astype(np.int64)
    values, low, high = _fill(name, inside, cell, len(order) * len(times), min(step, SLOT_MS))
    lines = []
    for label, at in order.items():
        part = slice(at * len(times), (at + 1) * len(times))
        if not np.isnan(values[part]).all():
            lines.append(Line(label, values[part], low[part], high[part]))
    return Chart(name, float(step), times, tuple(lines))


def _fill(
    name: str, found: Points, cell: NDArray[np.int64], size: int, slot_ms: float
) -> tuple[NDArray[np.float64], NDArray[np.float64], NDArray[np.float64]]:
    """Return value, least and most of each cell; totals as rates per second."""
    sums = np.bincount(cell, found.sums, size)
    counts = np.bincount(cell, found.counts, size)
    low, high = np.full(size, np.nan), np.full(size, np.nan)
    np.fmin.at(low, cell, found.lows)
    np.fmax.at(high, cell, found.highs)
    kind = metric(name)
    per = slot_ms / 1000 if kind.keep is Keep.TOTAL else 1.0
    if kind.summed:
        slots = np.bincount(*_covered(cell, found), size)
        values = np.divide(sums, slots * per, out=np.full(size, np.nan), where=slots > 0)
        return values, values, values
    values = np.divide(sums, counts * per, out=np.full(size, np.nan), where=counts > 0)
    return values, low / per, high / per


def _covered(cell: NDArray[np.int64], found: Points) -> tuple[NDArray[np.int64], NDArray[np.float64]]:
    """Return how many steps of each time of each cell are covered: what instances share counts once."""
    pairs, groups = np.unique(np.stack([cell, found.times]), axis=1, return_inverse=True)
    covers = np.zeros(pairs.shape[1], dtype=np.int64)
    np.bitwise_or.at(covers, groups.ravel(), found.covers)
    return pairs[0].astype(np.int64), _BITS[covers].astype(np.float64)
