"""The heap's floor and the load of one process, as rows: 2 minutes long for 6 hours, then 10 minutes."""

from __future__ import annotations

import math
from array import array

import numpy as np
from numpy.typing import NDArray

from heapsleuth.kernels import gls

__all__ = ["FINE_HOURS", "LOAD_TAUS", "FloorSeries", "Numbers"]

Numbers = NDArray[np.float64]

FINE_HOURS = 6.0
LOAD_TAUS = np.array([0.1, 0.25, 0.5, 1.0, 2.0, 3.0, 4.5, 7.0])
"""Hours over which memory may follow the load: sessions, connections and the like live that long."""

_BUCKET_HOURS = 1 / 30
_BUCKETS_PER_ROW = 5
_FINE_ROWS = 180
_MOST_ROWS = _FINE_ROWS + 7 * 144
_ROWS_DROPPED = 144
_MS_PER_BUCKET = 120_000.0


class FloorSeries:
    """
    Takes samples in the order of time and keeps, per row, the lowest floor and the load.

    At most 7 days and 14 kB, 80 kB more during looks; of longer lives the oldest day is dropped,
    and what its load leaves behind is kept.

    Attributes:
        started_ms: When the process began.
        dropped: How many of the oldest rows were dropped.
    """

    def __init__(self, started_ms: float) -> None:
        self.started_ms = started_ms
        self.dropped = 0
        self._carried = np.zeros(len(LOAD_TAUS) + 1)
        self._smoothed = np.empty((len(LOAD_TAUS) + 1, 0))
        self._smoothed_rows = 0
        self._floors = array("f")
        self._floor_loads = array("f")
        self._loads = array("f")
        self._bucket = -1
        self._bucket_floor = math.inf
        self._bucket_requests = 0.0
        self._bucket_ms = 0.0
        self._pending: list[tuple[float, float]] = []
        self._last_floor = math.nan
        self._last_ms = math.nan
        self._last_total = math.nan
        self._requests = 0.0
        self._counted_ms = 0.0

    def add(self, at_ms: float, floor_bytes: float | None, requests_total: float | None) -> None:
        """
        Take a sample.

        Args:
            at_ms: Its time; a sample older than the one before is ignored.
            floor_bytes: Memory used after the last major collection. The value of the sample before
                means that there was no collection since: it says nothing new.
            requests_total: Requests since the process began; None: nobody counts.
        """
        bucket = int((at_ms - self.started_ms) // _MS_PER_BUCKET)
        if bucket < self._bucket or bucket < 0:
            return
        requests = span = 0.0
        if requests_total is not None:
            # A counter that fell was set back: nothing is known of the time between.
            if requests_total >= self._last_total:
                requests = requests_total - self._last_total
                span = at_ms - self._last_ms
                self._requests += requests
                self._counted_ms += span
            self._last_total = requests_total
            self._last_ms = at_ms
        if bucket > self._bucket:
            between = bucket - self._bucket - 1
            self._close_bucket()
            for _ in range(between):
                self._push(math.inf, requests / span * 1000 if span > 0 else math.nan)
            self._bucket = bucket
        self._bucket_requests += requests
        self._bucket_ms += span
        if floor_bytes is not None and floor_bytes != self._last_floor:
            self._last_floor = floor_bytes
            self._bucket_floor = min(self._bucket_floor, floor_bytes)

    def forget_floors(self) -> None:
        """Drop the floors, keep the load."""
        self._floors = array("f", [math.nan] * len(self._floors))
        self._pending = [(math.inf, load) for _, load in self._pending]
        self._bucket_floor = math.inf

    def _close_bucket(self) -> None:
        if self._bucket >= 0:
            load = self._bucket_requests / self._bucket_ms * 1000 if self._bucket_ms > 0 else math.nan
            self._push(self._bucket_floor, load)
        self._bucket_floor = math.inf
        self._bucket_requests = self._bucket_ms = 0.0

    def _push(self, floor: float, load: float) -> None:
        if len(self._floors) + self.dropped < _FINE_ROWS:
            self._append(floor, load, load)
            return
        self._pending.append((floor, load))
        if len(self._pending) == _BUCKETS_PER_ROW:
            lowest, at_lowest = min(self._pending)
            known = [load for _, load in self._pending if load == load]  # noqa: PLR0124 - not NaN
            mean = sum(known) / len(known) if known else math.nan
            self._append(lowest, at_lowest, mean)
            self._pending.clear()

    def _append(self, floor: float, floor_load: float, load: float) -> None:
        self._floors.append(floor if floor < math.inf else math.nan)
        self._floor_loads.append(floor_load)
        self._loads.append(load)
        if len(self._floors) > _MOST_ROWS:
            self._carried = self._smooth(_ROWS_DROPPED)[1]
            for column in (self._floors, self._floor_loads, self._loads):
                del column[:_ROWS_DROPPED]
            self.dropped += _ROWS_DROPPED

    @property
    def hours(self) -> float:
        """Age of the process at the last row's end, in hours."""
        rows = len(self._floors) + self.dropped
        return rows * _BUCKET_HOURS if rows <= _FINE_ROWS else FINE_HOURS + (rows - _FINE_ROWS) / 6

    def mean_rate(self) -> float:
        """Requests per hour over all that was seen; 0 where nobody counts."""
        return self._requests / self._counted_ms * 3_600_000 if self._counted_ms > 0 else 0.0

    def row_ends(self) -> Numbers:
        """Age of the process at the end of each row kept, in hours."""
        count = np.arange(1 + self.dropped, 1 + self.dropped + len(self._floors), dtype=np.float64)
        return np.where(count <= _FINE_ROWS, count * _BUCKET_HOURS, FINE_HOURS + (count - _FINE_ROWS) / 6)

    def floors(self) -> Numbers:
        """Lowest floor of each row in bytes; NaN: no major collection."""
        return np.array(self._floors, dtype=np.float64)

    def floor_loads(self) -> Numbers:
        """Requests per second around the lowest floor of each row; NaN: not known."""
        return np.array(self._floor_loads, dtype=np.float64)

    def smoothed_loads(self) -> Numbers:
        """
        Float64[k + 1, rows]: exponentially weighted means of the load by `LOAD_TAUS`, begun at 0 with the
        process, and the requests since then in units of 3600.
        """
        rows = len(self._loads) + self.dropped
        if rows != self._smoothed_rows:
            self._smoothed = self._smooth(len(self._loads))[0]
            self._smoothed_rows = rows
        return self._smoothed

    def forget_smoothed(self) -> None:
        """Drop what is kept only to make several looks in a row cheap: 80 kB."""
        self._smoothed = np.empty((len(LOAD_TAUS) + 1, 0))
        self._smoothed_rows = 0

    def _smooth(self, rows: int) -> tuple[Numbers, Numbers]:
        loads = np.array(self._loads[:rows], dtype=np.float64)
        known = np.isfinite(loads)
        if not known.all():
            loads[~known] = loads[known].mean() if known.any() else 0.0
        lengths = np.where(np.arange(self.dropped, self.dropped + rows) < _FINE_ROWS, _BUCKET_HOURS, 1 / 6)
        out = np.empty((len(LOAD_TAUS) + 1, rows))
        state = self._carried.copy()
        gls.smooth(loads, lengths, LOAD_TAUS, state, out)
        return out, state
