"""
From samples to roll-ups, all instances of a chunk at once.

Two steps: samples of an instance within a time become one row (`summarise`), rows of the instances of a
release one row of sums (`combine`), which hours add up again.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import numpy as np

from heapsleuth.store.metrics import Keep, metric

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from numpy.typing import NDArray

    from heapsleuth.store.layouts import Layouts

__all__ = ["COVERS", "DAY_MS", "HOUR_MS", "SLOT_MS", "Samples", "Summary", "combine", "summarise"]

SLOT_MS = 600_000
HOUR_MS = 3_600_000
DAY_MS = 86_400_000

# The column of an hour's row that tells which of its 10 minutes there is something of, a bit for each.
COVERS = "covers"


@dataclass(frozen=True)
class Samples:
    """
    Samples of several instances, ordered by instance and time, without repeats.

    Attributes:
        owners: int64[n], the instance of each.
        names: Of the columns; `at_ms` is one of them.
        values: float64[n, names], NaN where a sample lacks a metric.
    """

    owners: NDArray[np.int64]
    names: tuple[str, ...]
    values: NDArray[np.float64]

    @property
    def times(self) -> NDArray[np.float64]:
        """When each was taken, float64[n], milliseconds."""
        return self.values[:, self.names.index("at_ms")]

    @staticmethod
    def gather(parts: Sequence[tuple[NDArray[np.int64], tuple[str, ...], NDArray[np.float64]]]) -> Samples:
        """Return samples of several layouts as one table; of several at one time the last stays."""
        names = tuple(sorted({name for _, part_names, _ in parts for name in part_names} | {"at_ms"}))
        place = {name: at for at, name in enumerate(names)}
        values = np.full((sum(len(owners) for owners, _, _ in parts), len(names)), np.nan)
        at = 0
        for owners, part_names, matrix in parts:
            values[at : at + len(owners), [place[name] for name in part_names]] = matrix
            at += len(owners)
        owner = np.concatenate([owners for owners, _, _ in parts]) if parts else np.empty(0, np.int64)
        times = values[:, place["at_ms"]]
        order = np.lexsort((np.arange(len(owner)), times, owner))
        owner, values, times = owner[order], values[order], times[order]
        keep = np.ones(len(owner), dtype=bool)
        keep[:-1] = (owner[1:] != owner[:-1]) | (times[1:] != times[:-1])
        return Samples(owner[keep], names, values[keep])

    @staticmethod
    def unpack(
        layouts: Layouts, rows: Sequence[tuple[int, int, bytes]]
    ) -> list[tuple[NDArray[np.int64], tuple[str, ...], NDArray[np.float64]]]:
        """Return the parts of packed samples: (instance, layout, body)."""
        by_layout: dict[int, list[tuple[int, bytes]]] = {}
        for instance, layout, body in rows:
            by_layout.setdefault(layout, []).append((instance, body))
        parts = []
        for number, found in by_layout.items():
            names = layouts[number].names
            matrix = np.frombuffer(b"".join(body for _, body in found)).reshape(len(found), len(names))
            parts.append((np.array([instance for instance, _ in found], dtype=np.int64), names, matrix))
        return parts


@dataclass(frozen=True)
class Summary:
    """
    One row for each instance (or release) and time.

    Attributes:
        owners: int64[n].
        slots: float64[n], when the time begins.
        starts: int64[n], where its samples begin, and end for the one before.
        columns: float64[n] by name: a metric's own name, and `name:low`, `name:high`, `name:gain`,
            or for releases `name:sum`, `name:count`, `name:low`, `name:high`.
    """

    owners: NDArray[np.int64]
    slots: NDArray[np.float64]
    starts: NDArray[np.int64]
    columns: dict[str, NDArray[np.float64]] = field(default_factory=dict)


def summarise(
    samples: Samples, step_ms: float, before: Mapping[int, Mapping[str, float]] | None = None
) -> Summary:
    """
    Return one row for each instance and time of `step_ms`.

    Args:
        samples: Of any instances.
        step_ms: Times begin at its multiples.
        before: Totals of instances before their first sample here, by metric; without, what is gained
            is counted from the first sample on.
    """
    slots = np.floor(samples.times / step_ms) * step_ms
    new = np.ones(len(slots), dtype=bool)
    new[1:] = (samples.owners[1:] != samples.owners[:-1]) | (slots[1:] != slots[:-1])
    starts = np.flatnonzero(new)
    result = Summary(samples.owners[starts], slots[starts], starts)
    if not len(starts):
        return result
    by_keep: dict[Keep, list[int]] = {}
    for column, name in enumerate(samples.names):
        by_keep.setdefault(metric(name).keep, []).append(column)
    for keep, columns in by_keep.items():
        names = [samples.names[column] for column in columns]
        values = samples.values[:, columns]
        found = _FOLDS[keep](values, starts)
        for aspect, matrix in found.items():
            for at, name in enumerate(names):
                result.columns[name + aspect] = matrix[:, at]
        if keep is Keep.TOTAL:
            first = _first(values, starts)
            for at, name in enumerate(names):
                result.columns[f"{name}:gain"] = _gains(result, name, first[:, at], before or {})
    return result


def _mean(values: NDArray[np.float64], starts: NDArray[np.int64]) -> dict[str, NDArray[np.float64]]:
    there = ~np.isnan(values)
    counts = np.add.reduceat(there, starts, axis=0, dtype=np.int64)
    sums = np.add.reduceat(np.where(there, values, 0.0), starts, axis=0)
    return {
        "": np.divide(sums, counts, out=np.full_like(sums, np.nan), where=counts > 0),
        ":low": np.fmin.reduceat(values, starts, axis=0),
        ":high": np.fmax.reduceat(values, starts, axis=0),
    }


def _last(values: NDArray[np.float64], starts: NDArray[np.int64]) -> dict[str, NDArray[np.float64]]:
    places = np.where(np.isnan(values), -1, np.arange(len(values))[:, None])
    last = np.maximum.reduceat(places, starts, axis=0)
    found = np.take_along_axis(values, np.maximum(last, 0), axis=0)
    return {"": np.where(last < 0, np.nan, found)}


def _first(values: NDArray[np.float64], starts: NDArray[np.int64]) -> NDArray[np.float64]:
    beyond = len(values)
    places = np.where(np.isnan(values), beyond, np.arange(beyond)[:, None])
    first = np.minimum.reduceat(places, starts, axis=0)
    found = np.take_along_axis(values, np.minimum(first, beyond - 1), axis=0)
    return np.where(first == beyond, np.nan, found)


_FOLDS = {
    Keep.LEAST: lambda values, starts: {"": np.fmin.reduceat(values, starts, axis=0)},
    Keep.MOST: lambda values, starts: {"": np.fmax.reduceat(values, starts, axis=0)},
    Keep.LAST: _last,
    Keep.TOTAL: _last,
    Keep.MEAN: _mean,
}


def _gains(
    summary: Summary, name: str, first: NDArray[np.float64], before: Mapping[int, Mapping[str, float]]
) -> NDArray[np.float64]:
    last = summary.columns[name]
    earlier = np.empty_like(last)
    earlier[1:] = last[:-1]
    begins = np.ones(len(last), dtype=bool)
    begins[1:] = summary.owners[1:] != summary.owners[:-1]
    earlier[begins] = [before.get(int(owner), {}).get(name, np.nan) for owner in summary.owners[begins]]
    gained = last - np.where(np.isnan(earlier), first, earlier)
    # A scraped process that was started anew counts from zero again.
    return np.where(gained < 0, last, gained)


def combine(
    groups: NDArray[np.int64], count: int, columns: Mapping[str, NDArray[np.float64]]
) -> dict[str, NDArray[np.float64]]:
    """
    Add up rows of instances, or of sums, by group.

    Args:
        groups: int64[n], the number of each row's group.
        count: How many groups there are.
        columns: Of `summarise`, or of this function.

    Returns:
        `name:sum`, `name:count`, `name:low` and `name:high` of each metric, float64[count].
    """
    found: dict[str, NDArray[np.float64]] = {}
    for name in sorted({column.partition(":")[0] for column in columns} - {"at_ms", COVERS}):
        if f"{name}:sum" in columns:
            values, weights = columns[f"{name}:sum"], columns[f"{name}:count"]
        else:
            gain = metric(name).keep is Keep.TOTAL
            values = columns[f"{name}:gain" if gain else name]
            weights = (~np.isnan(values)).astype(np.float64)
        own_band = f"{name}:low" in columns
        low = np.full(count, np.nan)
        high = np.full(count, np.nan)
        np.fmin.at(low, groups, columns[f"{name}:low"] if own_band else values)
        np.fmax.at(high, groups, columns[f"{name}:high"] if own_band else values)
        counts = np.bincount(groups, np.nan_to_num(weights), count).astype(np.float64)
        sums = np.bincount(groups, np.nan_to_num(values), count)
        found[f"{name}:sum"] = np.where(counts > 0, sums, np.nan)
        found[f"{name}:count"] = counts
        found[f"{name}:low"] = low
        found[f"{name}:high"] = high
    return found
