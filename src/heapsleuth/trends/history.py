"""What is remembered of a life: the metrics verdicts need, by 10 minutes for a day, by hours for four.

At most 228 rows of 40 numbers (37 kB) and one open bucket (10 kB), allocated as they fill.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from collections.abc import Mapping

    from numpy.typing import NDArray

    Floats = NDArray[np.float64]

__all__ = ["BUCKET_MS", "History", "Window"]

BUCKET_MS = 600_000.0
_HOUR_MS = 3_600_000.0
_FINE_ROWS = 150
_COARSE_ROWS = 78
_MERGED = 6
"""Fine rows that become a coarse one."""
_PENDING = 64

_SUMMARY: dict[str, tuple[str, ...]] = {
    # What comes back to its level when work is done: the least tells growth from use.
    "min": (
        "floor_bytes",
        "heap_used_bytes",
        "heap_total_bytes",
        "external_bytes",
        "malloced_bytes",
        "rss_bytes",
        "rss_anon_bytes",
        "container_working_set_bytes",
        "container_anon_bytes",
        "handles",
        "fds",
        "listeners",
        "timers",
    ),
    "max": ("gc_pause_ms_max", "loop_delay_max_ms", "container_used_bytes"),
    "mean": (
        "loop_delay_p99_ms",
        "loop_utilization",
        "requests_open",
        "memory_pressure_some_avg10",
        "memory_pressure_full_avg10",
        "container_file_bytes",
    ),
    "last": (
        "heap_limit_bytes",
        "container_limit_bytes",
        "fds_limit",
        "floor_array_buffers_bytes",
        "requests_total",
        "gc_count",
        "gc_pause_ms_total",
        "gc_minor_ms_total",
        "gc_major_ms_total",
        "gc_incremental_ms_total",
        "gc_weakcb_ms_total",
        "loop_stalls_total",
        "loop_stalled_ms_total",
        "container_oom_kill_total",
    ),
}
_NAMES = tuple(name for names in _SUMMARY.values() for name in names)
_COLUMN = {name: column for column, name in enumerate(_NAMES)}
_ENDS = np.cumsum([len(names) for names in _SUMMARY.values()])
_MIN, _MAX, _MEAN, _LAST = (
    slice(int(end) - len(names), int(end)) for end, names in zip(_ENDS, _SUMMARY.values(), strict=True)
)


def _summarize(rows: NDArray[np.float64]) -> NDArray[np.float64]:
    """Return one row for several; a metric that none of them has is NaN."""
    summary = np.empty(rows.shape[1])
    summary[_MIN] = np.fmin.reduce(rows[:, _MIN])
    summary[_MAX] = np.fmax.reduce(rows[:, _MAX])
    there = ~np.isnan(rows[:, _MEAN])
    counts = there.sum(axis=0)
    sums = np.where(there, rows[:, _MEAN], 0.0).sum(axis=0)
    summary[_MEAN] = np.where(counts > 0, sums / np.maximum(counts, 1), np.nan)
    last = rows[:, _LAST]
    latest = len(rows) - 1 - (~np.isnan(last))[::-1].argmax(axis=0)
    summary[_LAST] = last[latest, np.arange(last.shape[1])]
    return summary


class _Rows:
    """A table that grows up to a number of rows; beyond that the oldest are taken out."""

    __slots__ = ("count", "ends", "most", "values")

    def __init__(self, most: int) -> None:
        self.most = most
        self.count = 0
        self.ends: Floats = np.empty(0)
        self.values: NDArray[np.float32] = np.empty((0, len(_NAMES)), dtype=np.float32)

    def append(self, end_ms: float, row: Floats) -> None:
        if self.count == len(self.ends):
            room = min(self.most, max(8, 2 * self.count))
            self.ends = np.resize(self.ends, room) if self.count else np.empty(room)
            grown = np.empty((room, len(_NAMES)), dtype=np.float32)
            grown[: self.count] = self.values[: self.count]
            self.values = grown
        self.ends[self.count] = end_ms
        self.values[self.count] = row
        self.count += 1

    def take_oldest(self, rows: int) -> tuple[float, Floats]:
        """Take out the oldest rows; return when they end, and their values."""
        end_ms, taken = float(self.ends[rows - 1]), self.values[:rows].astype(np.float64)
        left = self.count - rows
        self.ends[:left] = self.ends[rows : self.count].copy()
        self.values[:left] = self.values[rows : self.count].copy()
        self.count = left
        return end_ms, taken


class Window:
    """
    A stretch of a life.

    Attributes:
        hours: float64[n], the end of each bucket in hours since the first sample of the life.
    """

    def __init__(self, hours: Floats, values: NDArray[np.float32]) -> None:
        self.hours = hours
        self._values = values

    def __len__(self) -> int:
        return len(self.hours)

    @property
    def span_hours(self) -> float:
        """From the first bucket's end to the last one's."""
        return float(self.hours[-1] - self.hours[0]) if len(self.hours) else 0.0

    def column(self, name: str) -> Floats:
        """Return a metric, float64[n]; NaN where it was absent."""
        return self._values[:, _COLUMN[name]].astype(np.float64)

    def first_of(self, *names: str) -> Floats:
        """Return the first of several metrics that this stretch has, else NaNs."""
        columns = [self.column(name) for name in names]
        return next((column for column in columns if not np.isnan(column).all()), columns[-1])

    def latest(self, name: str) -> float:
        """Return a metric's last value; NaN when there is none."""
        column = self.column(name)
        there = np.flatnonzero(~np.isnan(column))
        return float(column[there[-1]]) if len(there) else float("nan")

    def increments(self, name: str) -> Floats:
        """Return what a total gained from bucket to bucket, float64[n - 1]; a reset counter counts from 0."""
        column = self.column(name)
        gained = np.diff(column)
        restarted = gained < 0
        gained[restarted] = column[1:][restarted]
        return gained

    def rate(self, name: str) -> Floats:
        """Return what a total gained per hour, float64[n]; the first is taken to be as the second."""
        if len(self.hours) < 2:  # noqa: PLR2004 - a difference needs two
            return np.full(len(self.hours), np.nan)
        rates = self.increments(name) / np.diff(self.hours)
        return np.concatenate((rates[:1], rates))


class History:
    """Takes samples in the order of their times; others, and repeats, are left out."""

    __slots__ = ("_bucket", "_coarse", "_fine", "_pending", "_waiting", "closed", "first_ms", "last_ms")

    def __init__(self) -> None:
        self.first_ms = 0.0
        self.last_ms = 0.0
        self.closed = 0
        """Buckets that are complete, ever."""
        self._bucket = -1
        self._pending: Floats | None = None
        self._waiting = 0
        self._fine = _Rows(_FINE_ROWS)
        self._coarse = _Rows(_COARSE_ROWS)

    def add(self, at_ms: float, row: Mapping[str, float]) -> bool:
        """Take a sample; return whether it was new."""
        if at_ms <= self.last_ms:
            return False
        self.first_ms = self.first_ms or at_ms
        self.last_ms = at_ms
        # A sample tells of the time before it, so one on the border belongs to the bucket that ends there.
        bucket = -int(-at_ms // BUCKET_MS) - 1
        if bucket != self._bucket:
            self.close()
            self._bucket = bucket
        if self._pending is None:
            self._pending = np.empty((_PENDING, len(_NAMES)), dtype=np.float32)
        elif self._waiting == _PENDING:
            self._pending[0] = _summarize(self._pending.astype(np.float64))
            self._waiting = 1
        get = row.get
        self._pending[self._waiting] = [get(name, np.nan) for name in _NAMES]
        self._waiting += 1
        return True

    def close(self) -> None:
        """Complete the open bucket, if any: the life has ended, or time has gone on."""
        if not self._waiting or self._pending is None:
            return
        row = _summarize(self._pending[: self._waiting].astype(np.float64))
        if self._fine.count == _FINE_ROWS:
            end_ms, taken = self._fine.take_oldest(_MERGED)
            if self._coarse.count == _COARSE_ROWS:
                self._coarse.take_oldest(1)
            self._coarse.append(end_ms, _summarize(taken))
        # The time of the last sample, not the bucket's end: buckets of long lives have both equal within
        # a sample, and the first and last buckets of a life may be far from full.
        self._fine.append(self.last_ms_of_bucket, row)
        self._waiting = 0
        self.closed += 1

    @property
    def last_ms_of_bucket(self) -> float:
        """End of the open bucket or, in the one that is still going on, its last sample."""
        return min(self.last_ms, (self._bucket + 1) * BUCKET_MS)

    def end(self) -> None:
        """Complete the open bucket and let go of the room for the next one."""
        self.close()
        self._pending = None

    @property
    def hours(self) -> float:
        """Hours from the first sample to the last."""
        return (self.last_ms - self.first_ms) / _HOUR_MS

    @property
    def nbytes(self) -> int:
        """Memory held by the numbers."""
        tables = sum(rows.values.nbytes + rows.ends.nbytes for rows in (self._fine, self._coarse))
        return tables + (0 if self._pending is None else self._pending.nbytes)

    def window(self, hours: float = float("inf"), *, skip_hours: float = 0.0) -> Window:
        """Return the last so many hours, without the first `skip_hours` of the life."""
        ends = np.concatenate((self._coarse.ends[: self._coarse.count], self._fine.ends[: self._fine.count]))
        values = np.concatenate(
            (self._coarse.values[: self._coarse.count], self._fine.values[: self._fine.count])
        )
        age = (ends - self.first_ms) / _HOUR_MS
        last = age[-1] if len(age) else 0.0
        chosen = (age >= skip_hours) & (age > last - hours)
        return Window(age[chosen], values[chosen])
