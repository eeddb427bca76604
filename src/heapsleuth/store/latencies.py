"""
Latencies of HTTP requests by service, release, route and 10 minutes.

Each message adds a row to a tail, which costs little and is durable; every maintenance folds the tail
into one row per route and 10 minutes.  Readers see both.
"""

from __future__ import annotations

import math
from array import array
from collections import Counter, defaultdict
from struct import Struct
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np
import orjson
from sqlalchemy import func, select, tuple_

from heapsleuth.store import schema
from heapsleuth.store.database import upsert
from heapsleuth.store.model import HttpBucket
from heapsleuth.store.summaries import SLOT_MS

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping, Sequence

    from numpy.typing import NDArray
    from sqlalchemy import Connection

    from heapsleuth.store.database import Database

__all__ = ["Latencies", "tail_rows"]

# Routes kept of a release; the rest go together, for an application that makes a route of every id must
# not fill the disk.
MAX_ROUTES = 200
OTHER = "other"

# Tail rows folded in one transaction.
FOLD_ROWS = 2_000

# Buckets there are: 2**(640 / 16 - 10) ms is 12 days.
BUCKETS = 640

_LENGTH = Struct("<I")

_FOLDED = "DELETE FROM http_tail WHERE id = ?"
_HTTP = upsert(schema.http)
_ROUTES = upsert(schema.http_routes)
_INSTANCES = upsert(schema.http_instances)


class _Sum:
    """Latencies added up."""

    __slots__ = ("buckets", "count", "statuses")

    def __init__(self) -> None:
        self.count = 0
        self.statuses: Counter[str] = Counter()
        self.buckets = np.zeros(BUCKETS, dtype=np.int64)

    def add(self, one: _Entry) -> None:
        self.count += one.requests
        for status, number in one.statuses.items():
            self.statuses[status] += number
        np.add.at(self.buckets, one.numbers, one.counts)

    def add_body(self, count: int, body: bytes) -> None:
        found = orjson.loads(body)
        numbers, counts = np.array(found["b"], dtype=np.int32), np.array(found["n"], dtype=np.uint32)
        self.add(_Entry(0, 0, "", count, found["s"], numbers, counts))

    def _filled(self) -> tuple[list[int], list[int]]:
        numbers = np.flatnonzero(self.buckets)
        return numbers.tolist(), self.buckets[numbers].tolist()

    def body(self) -> bytes:
        numbers, counts = self._filled()
        return orjson.dumps({"s": self.statuses, "b": numbers, "n": counts})

    def bucket(self, end_ms: float, route: str, release: str, instance: str = "") -> HttpBucket:
        buckets = dict(zip(*self._filled(), strict=True))
        return HttpBucket(end_ms, route, self.count, dict(self.statuses), buckets, release, instance)


class _Entry(NamedTuple):
    """Latencies of one route in one message; the instance only for all routes together."""

    instance: int
    slot: int
    route: str
    requests: int
    statuses: Mapping[str, int]
    numbers: NDArray[np.int32]
    counts: NDArray[np.uint32]


def tail_rows(latencies: Sequence[tuple[int, int, HttpBucket, float]]) -> list[tuple[int, bytes]]:
    """Return rows of the tail (series, body) for latencies (series, instance, bucket, offset of its time)."""
    by_series: dict[int, tuple[list[Any], array[int], array[int]]] = {}
    for series, instance, bucket, offset in latencies:
        # The end of an interval that ends on the hour belongs to the 10 minutes before.
        slot = (math.ceil((bucket.at_ms + offset) / SLOT_MS) - 1) * SLOT_MS
        owner = 0 if bucket.route else instance
        if series not in by_series:
            by_series[series] = ([], array("i"), array("I"))
        heads, numbers, counts = by_series[series]
        before = len(numbers)
        numbers.extend(bucket.buckets.keys())
        counts.extend(bucket.buckets.values())
        heads.append((owner, slot, bucket.route, bucket.count, dict(bucket.statuses), len(numbers) - before))
    rows = []
    for series, (heads, numbers, counts) in by_series.items():
        head = orjson.dumps(heads)
        rows.append((series, _LENGTH.pack(len(head)) + head + numbers.tobytes() + counts.tobytes()))
    return rows


def _entries(body: bytes) -> Iterator[_Entry]:
    (length,) = _LENGTH.unpack_from(body)
    at = _LENGTH.size + length
    heads = orjson.loads(body[_LENGTH.size : at])
    size = sum(head[5] for head in heads)
    numbers = np.frombuffer(body, dtype=np.int32, count=size, offset=at).clip(0, BUCKETS - 1)
    counts = np.frombuffer(body, dtype=np.uint32, count=size, offset=at + 4 * size)
    at = 0
    for instance, slot, route, count, statuses, width in heads:
        part = slice(at, at + width)
        yield _Entry(instance, slot, route, count, statuses, numbers[part], counts[part])
        at += width


class Latencies:
    """Reads and folds latencies."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def http(
        self, service: str, since_ms: float, until_ms: float, *, route: str, by_instance: bool
    ) -> list[HttpBucket]:
        """Return latencies by 10 minutes and release, or by instance."""
        if by_instance and route:
            return []
        with self._database.read() as connection:
            releases = _releases(connection, service)
            sums: dict[tuple[int, int, int], _Sum] = defaultdict(_Sum)
            for series, one in self._tail(connection, list(releases)):
                if one.route == route:
                    sums[one.slot, series, one.instance if by_instance else 0].add(one)
            if by_instance:
                kept = _instance_rows(connection, list(releases), since_ms, until_ms)
            else:
                kept = _route_rows(connection, list(releases), route, since_ms, until_ms)
            for slot, series, owner, count, body in kept:
                sums[slot, series, owner].add_body(count, body)
            names = _names(connection, {owner for _, _, owner in sums if owner})
        return [
            one.bucket(slot + SLOT_MS, route, releases[series], names.get(owner, ""))
            for (slot, series, owner), one in sorted(sums.items())
            if since_ms < slot + SLOT_MS and slot < until_ms and (not owner or owner in names)
        ]

    def routes(self, service: str, since_ms: float) -> tuple[str, ...]:
        """Return the routes of a service, the busiest first."""
        counts: Counter[str] = Counter()
        table = schema.http_routes.c
        with self._database.read() as connection:
            releases = list(_releases(connection, service))
            kept = select(table.route, func.sum(table.count)).where(
                table.series.in_(releases), table.last_ms + SLOT_MS > since_ms
            )
            for route, count in connection.execute(kept.group_by(table.route)):
                counts[route] += int(count)
            for _, one in self._tail(connection, releases):
                if one.slot + SLOT_MS > since_ms:
                    counts[one.route] += one.requests
        return tuple(route for route, _ in counts.most_common() if route)

    def _tail(self, connection: Connection, series: list[int]) -> Iterator[tuple[int, _Entry]]:
        table = schema.http_tail.c
        found = select(table.series, table.body).where(table.series.in_(series))
        for number, body in connection.execute(found):
            for entry in _entries(body):
                yield number, entry

    def fold(self) -> None:
        """Fold the tail into rows of 10 minutes, a part at a time."""
        table = schema.http_tail.c
        while True:
            with self._database.read() as connection:
                rows = connection.execute(
                    select(table.id, table.series, table.body).order_by(table.id).limit(FOLD_ROWS)
                ).all()
            if not rows:
                return
            entries = [(row.series, entry) for row in rows for entry in _entries(row.body)]
            with self._database.write() as connection:
                self._fold(connection, entries)
                self._database.many(connection, _FOLDED, [(row.id,) for row in rows])
            if len(rows) < FOLD_ROWS:
                return

    def _fold(self, connection: Connection, entries: Sequence[tuple[int, _Entry]]) -> None:
        routes: dict[tuple[int, str, int], _Sum] = defaultdict(_Sum)
        instances: dict[tuple[int, int], _Sum] = defaultdict(_Sum)
        busiest: Counter[tuple[int, str]] = Counter()
        for series, one in entries:
            busiest[series, one.route] += one.requests
        kept = self._kept_routes(connection, busiest)
        for series, one in entries:
            route = one.route if (series, one.route) in kept else OTHER
            routes[series, route, one.slot].add(one)
            if one.instance:
                instances[one.instance, one.slot].add(one)
        many = self._database.many
        seen: dict[tuple[int, str], tuple[int, int]] = {}
        for (series, name, slot), found in routes.items():
            last, total = seen.get((series, name), (0, 0))
            seen[series, name] = (max(last, slot), total + found.count)
        for row in _existing(connection, schema.http_routes, seen):
            last, total = seen[row.series, row.route]
            seen[row.series, row.route] = (max(last, row.last_ms), total + row.count)
        many(connection, _ROUTES, [(*key, *value) for key, value in seen.items()])
        for row in _existing(connection, schema.http, routes):
            routes[row.series, row.route, row.at_ms].add_body(row.count, row.body)
        many(connection, _HTTP, [(*key, found.count, found.body()) for key, found in routes.items()])
        for row in _existing(connection, schema.http_instances, instances):
            instances[row.instance, row.at_ms].add_body(row.count, row.body)
        many(connection, _INSTANCES, [(*key, found.count, found.body()) for key, found in instances.items()])

    def _kept_routes(self, connection: Connection, busiest: Counter[tuple[int, str]]) -> set[tuple[int, str]]:
        """Return which of the routes keep their name: those known, and the busiest of the new."""
        table = schema.http_routes.c
        numbers = {series for series, _ in busiest}
        known = {
            (row.series, row.route)
            for row in connection.execute(
                select(table.series, table.route).where(table.series.in_(sorted(numbers)))
            )
        }
        room = {number: MAX_ROUTES - sum(1 for series, _ in known if series == number) for number in numbers}
        for series, route in (key for key, _ in busiest.most_common()):
            if (series, route) not in known and (room[series] > 0 or route in {"", OTHER}):
                known.add((series, route))
                room[series] -= 1
        return known


def _existing(connection: Connection, table: Any, keys: Iterable[tuple[Any, ...]]) -> list[Any]:
    columns = list(table.primary_key.columns)
    wanted = sorted(keys)
    rows: list[Any] = []
    for at in range(0, len(wanted), 500):
        rows += connection.execute(select(table).where(tuple_(*columns).in_(wanted[at : at + 500]))).all()
    return rows


def _releases(connection: Connection, service: str) -> dict[int, str]:
    table = schema.series.c
    found = select(table.id, table.release).where(table.service == service)
    return {row.id: row.release for row in connection.execute(found)}


def _route_rows(
    connection: Connection, series: list[int], route: str, since_ms: float, until_ms: float
) -> Iterable[tuple[int, int, int, int, bytes]]:
    table = schema.http.c
    found = select(table.at_ms, table.series, table.count, table.body).where(
        table.series.in_(series),
        table.route == route,
        table.at_ms > since_ms - SLOT_MS,
        table.at_ms < until_ms,
    )
    return [(row[0], row[1], 0, row[2], row[3]) for row in connection.execute(found)]


def _instance_rows(
    connection: Connection, series: list[int], since_ms: float, until_ms: float
) -> Iterable[tuple[int, int, int, int, bytes]]:
    table, who = schema.http_instances.c, schema.instances.c
    found = (
        select(table.at_ms, who.series, table.instance, table.count, table.body)
        .join_from(schema.instances, schema.http_instances, who.id == table.instance)
        .where(who.series.in_(series), table.at_ms > since_ms - SLOT_MS, table.at_ms < until_ms)
    )
    return [tuple(row) for row in connection.execute(found)]


def _names(connection: Connection, ids: set[int]) -> dict[int, str]:
    table = schema.instances.c
    names: dict[int, str] = {}
    wanted = sorted(ids)
    for at in range(0, len(wanted), 5_000):
        found = select(table.id, table.name).where(table.id.in_(wanted[at : at + 5_000]))
        names.update((row.id, row.name) for row in connection.execute(found))
    return names
