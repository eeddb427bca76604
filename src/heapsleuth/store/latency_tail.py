"""
Latencies as they came: one row per transaction and release, packed column by column.

A thousand samples a second have tens of thousands of counts; they are only ever touched by numpy.
"""

from __future__ import annotations

import math
from array import array
from dataclasses import dataclass, fields
from struct import Struct
from typing import TYPE_CHECKING

import numpy as np
import orjson

from heapsleuth.store.summaries import SLOT_MS

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from numpy.typing import NDArray

    from heapsleuth.store.model import HttpBucket

__all__ = ["BUCKETS", "STATUSES", "Tail", "tail_rows"]

# Buckets there are: 2**(640 / 16 - 10) ms is 12 days.
BUCKETS = 640

STATUSES = ("1xx", "2xx", "3xx", "4xx", "5xx")

# Lengths: of the routes' names, entries, counts.
_HEAD = Struct("<III")

# Of each entry: instance (0: not told by instance), beginning of its 10 minutes, number of its route in
# the row, requests, how many buckets it has; of each bucket: number, requests.
_ENTRY = (("owners", "q"), ("slots", "q"), ("routes", "i"), ("requests", "q"), ("widths", "i"))
_COUNT = (("numbers", "i"), ("counts", "q"))


@dataclass(frozen=True)
class Tail:
    """
    Latencies of one release.

    Attributes:
        names: Of the routes.
        owners, slots, routes, requests, widths: int64[n] by entry.
        statuses: int64[n, 5], requests by class of status.
        numbers, counts: int64[m], the buckets of the entries one after the other.
    """

    names: tuple[str, ...]
    owners: NDArray[np.int64]
    slots: NDArray[np.int64]
    routes: NDArray[np.int64]
    requests: NDArray[np.int64]
    widths: NDArray[np.int64]
    statuses: NDArray[np.int64]
    numbers: NDArray[np.int64]
    counts: NDArray[np.int64]

    @staticmethod
    def read(bodies: Iterable[bytes]) -> Tail:
        """Return rows of the tail as one."""
        place: dict[str, int] = {}
        parts: dict[str, list[NDArray[np.int64]]] = {name: [] for name, _ in (*_ENTRY, *_COUNT)}
        statuses: list[NDArray[np.int64]] = []
        for body in bodies:
            length, entries, counts = _HEAD.unpack_from(body)
            at = _HEAD.size + length
            names = orjson.loads(body[_HEAD.size : at])
            for name, kind in _ENTRY:
                column = np.frombuffer(body, dtype=kind, count=entries, offset=at)
                at += column.nbytes
                if name == "routes":
                    column = np.array([place.setdefault(one, len(place)) for one in names])[column]
                parts[name].append(column)
            statuses.append(np.frombuffer(body, dtype="q", count=entries * len(STATUSES), offset=at))
            at += statuses[-1].nbytes
            for name, kind in _COUNT:
                parts[name].append(np.frombuffer(body, dtype=kind, count=counts, offset=at))
                at += parts[name][-1].nbytes
        none = np.empty(0, dtype=np.int64)
        joined = {name: np.concatenate([none, *found]).astype(np.int64) for name, found in parts.items()}
        joined["numbers"] = joined["numbers"].clip(0, BUCKETS - 1)
        by_status = np.concatenate([none, *statuses]).reshape(-1, len(STATUSES))
        return Tail(tuple(place), statuses=by_status, **joined)

    def where(self, wanted: NDArray[np.bool_]) -> Tail:
        """Return some of the entries."""
        of_counts = np.repeat(wanted, self.widths)
        kept = {
            one.name: getattr(self, one.name)[of_counts if one.name in {"numbers", "counts"} else wanted]
            for one in fields(Tail)
            if one.name != "names"
        }
        return Tail(self.names, **kept)

    def add_up(
        self, groups: NDArray[np.int64], count: int
    ) -> tuple[NDArray[np.int64], NDArray[np.int64], NDArray[np.int64]]:
        """
        Add up entries by group.

        Args:
            groups: int64[n], the number of each entry's group.
            count: How many groups there are.

        Returns:
            Requests int64[count], requests by status int64[count, 5], and by bucket int64[count, BUCKETS].
        """
        requests = np.zeros(count, dtype=np.int64)
        np.add.at(requests, groups, self.requests)
        statuses = np.zeros((count, len(STATUSES)), dtype=np.int64)
        np.add.at(statuses, groups, self.statuses)
        cells = np.repeat(groups, self.widths) * BUCKETS + self.numbers
        buckets = np.bincount(cells, self.counts, count * BUCKETS).astype(np.int64)
        return requests, statuses, buckets.reshape(count, BUCKETS)


def tail_rows(latencies: Sequence[tuple[int, int, HttpBucket, float]]) -> list[tuple[int, bytes]]:
    """Return rows of the tail (series, body) for latencies (series, instance, bucket, offset of its time)."""
    by_series: dict[int, list[tuple[int, HttpBucket, float]]] = {}
    for series, instance, bucket, offset in latencies:
        by_series.setdefault(series, []).append((instance, bucket, offset))
    return [(series, _packed(found)) for series, found in by_series.items()]


def _packed(latencies: Sequence[tuple[int, HttpBucket, float]]) -> bytes:
    place: dict[str, int] = {}
    columns = {name: array(kind) for name, kind in (*_ENTRY, *_COUNT)}
    statuses = array("q")
    for instance, bucket, offset in latencies:
        columns["owners"].append(0 if bucket.route else instance)
        # An interval that ends on the full 10 minutes belongs to those before.
        columns["slots"].append((math.ceil((bucket.at_ms + offset) / SLOT_MS) - 1) * SLOT_MS)
        columns["routes"].append(place.setdefault(bucket.route, len(place)))
        columns["requests"].append(bucket.count)
        columns["widths"].append(len(bucket.buckets))
        statuses.extend([bucket.statuses.get(name, 0) for name in STATUSES])
        columns["numbers"].extend(bucket.buckets.keys())
        columns["counts"].extend(bucket.buckets.values())
    names = orjson.dumps(list(place))
    head = _HEAD.pack(len(names), len(latencies), len(columns["numbers"]))
    entries = [columns[name].tobytes() for name, _ in _ENTRY]
    return b"".join([head, names, *entries, statuses.tobytes(), *(columns[n].tobytes() for n, _ in _COUNT)])
