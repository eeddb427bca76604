"""
Latencies of HTTP requests by service, release, route and 10 minutes.

Each message adds a row to a tail, which costs little and is durable; every maintenance folds the tail
into one row per route and 10 minutes.  Readers see both.
"""

from __future__ import annotations

import math
from collections import Counter, defaultdict
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import orjson
from sqlalchemy import func, select, tuple_

from heapsleuth.store import schema
from heapsleuth.store.database import upsert
from heapsleuth.store.model import HttpBucket
from heapsleuth.store.summaries import SLOT_MS

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from sqlalchemy import Connection

    from heapsleuth.store.database import Database

__all__ = ["Latencies", "tail_rows"]

# Routes kept of a release; the rest go together, for an application that makes a route of every id must
# not fill the disk.
MAX_ROUTES = 200
OTHER = "other"

# Tail rows folded in one transaction.
FOLD_ROWS = 2_000

_FOLDED = "DELETE FROM http_tail WHERE id = ?"
_HTTP = upsert(schema.http)
_ROUTES = upsert(schema.http_routes)
_INSTANCES = upsert(schema.http_instances)


@dataclass(slots=True)
class _Sum:
    """Latencies added up."""

    count: int = 0
    statuses: Counter[str] = field(default_factory=Counter)
    buckets: Counter[int] = field(default_factory=Counter)

    def add(self, count: int, statuses: dict[str, int], buckets: Iterable[tuple[int, int]]) -> None:
        self.count += count
        for status, number in statuses.items():
            self.statuses[status] += number
        for bucket, number in buckets:
            self.buckets[bucket] += number

    def add_body(self, count: int, body: bytes) -> None:
        found = orjson.loads(body)
        self.add(count, found["s"], zip(found["b"], found["n"], strict=True))

    def body(self) -> bytes:
        return orjson.dumps(
            {"s": self.statuses, "b": list(self.buckets.keys()), "n": list(self.buckets.values())}
        )

    def bucket(self, end_ms: float, route: str, release: str, instance: str = "") -> HttpBucket:
        return HttpBucket(
            end_ms,
            route,
            self.count,
            dict(self.statuses),
            dict(sorted(self.buckets.items())),
            release,
            instance,
        )


def tail_rows(latencies: Sequence[tuple[int, int, HttpBucket, float]]) -> list[tuple[int, bytes]]:
    """Return rows of the tail, (series, body), one per series; of (series, instance, bucket, offset of time)."""
    by_series: dict[int, dict[tuple[int, int, str], _Sum]] = {}
    for series, instance, bucket, offset in latencies:
        # The end of an interval that ends on the hour belongs to the 10 minutes before.
        slot = (math.ceil((bucket.at_ms + offset) / SLOT_MS) - 1) * SLOT_MS
        key = (0 if bucket.route else instance, slot, bucket.route)
        sums = by_series.setdefault(series, {})
        if key not in sums:
            sums[key] = _Sum()
        sums[key].add(bucket.count, dict(bucket.statuses), bucket.buckets.items())
    return [
        (
            series,
            orjson.dumps(
                [
                    [*key, one.count, one.statuses, list(one.buckets.keys()), list(one.buckets.values())]
                    for key, one in sums.items()
                ]
            ),
        )
        for series, sums in by_series.items()
    ]


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
            for series, instance, slot, found_route, *rest in self._tail(connection, list(releases)):
                if found_route == route:
                    owner = instance if by_instance else 0
                    sums[slot, series, owner].add(rest[0], rest[1], zip(rest[2], rest[3], strict=True))
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
            for _, _, slot, route, count, *_ in self._tail(connection, releases):
                if slot + SLOT_MS > since_ms:
                    counts[route] += count
        return tuple(route for route, _ in counts.most_common() if route)

    def _tail(self, connection: Connection, series: list[int]) -> Iterable[list[Any]]:
        table = schema.http_tail.c
        for number, body in connection.execute(
            select(table.series, table.body).where(table.series.in_(series))
        ):
            for entry in orjson.loads(body):
                yield [number, *entry]

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
            entries = [(row.series, *entry) for row in rows for entry in orjson.loads(row.body)]
            with self._database.write() as connection:
                self._fold(connection, entries)
                self._database.many(connection, _FOLDED, [(row.id,) for row in rows])
            if len(rows) < FOLD_ROWS:
                return

    def _fold(self, connection: Connection, entries: Sequence[tuple[Any, ...]]) -> None:
        routes: dict[tuple[int, str, int], _Sum] = defaultdict(_Sum)
        instances: dict[tuple[int, int], _Sum] = defaultdict(_Sum)
        busiest: Counter[tuple[int, str]] = Counter()
        for series, _, _, route, count, *_ in entries:
            busiest[series, route] += count
        kept = self._kept_routes(connection, busiest)
        for series, instance, slot, route, count, statuses, buckets, numbers in entries:
            name = route if (series, route) in kept else OTHER
            routes[series, name, slot].add(count, statuses, zip(buckets, numbers, strict=True))
            if instance:
                instances[instance, slot].add(count, statuses, zip(buckets, numbers, strict=True))
        many = self._database.many
        seen: dict[tuple[int, str], tuple[int, int]] = {}
        for (series, name, slot), one in routes.items():
            last, total = seen.get((series, name), (0, 0))
            seen[series, name] = (max(last, slot), total + one.count)
        for row in _existing(connection, schema.http_routes, seen):
            last, total = seen[row.series, row.route]
            seen[row.series, row.route] = (max(last, row.last_ms), total + row.count)
        many(connection, _ROUTES, [(*key, *value) for key, value in seen.items()])
        for row in _existing(connection, schema.http, routes):
            routes[row.series, row.route, row.at_ms].add_body(row.count, row.body)
        many(connection, _HTTP, [(*key, one.count, one.body()) for key, one in routes.items()])
        for row in _existing(connection, schema.http_instances, instances):
            instances[row.instance, row.at_ms].add_body(row.count, row.body)
        many(connection, _INSTANCES, [(*key, one.count, one.body()) for key, one in instances.items()])

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
    for at_ms, number, count, body in connection.execute(found):
        yield at_ms, number, 0, count, body


def _instance_rows(
    connection: Connection, series: list[int], since_ms: float, until_ms: float
) -> Iterable[tuple[int, int, int, int, bytes]]:
    table, who = schema.http_instances.c, schema.instances.c
    found = (
        select(table.at_ms, who.series, table.instance, table.count, table.body)
        .join_from(schema.instances, schema.http_instances, who.id == table.instance)
        .where(who.series.in_(series), table.at_ms > since_ms - SLOT_MS, table.at_ms < until_ms)
    )
    for at_ms, number, instance, count, body in connection.execute(found):
        yield at_ms, number, instance, count, body


def _names(connection: Connection, ids: set[int]) -> dict[int, str]:
    table = schema.instances.c
    names: dict[int, str] = {}
    wanted = sorted(ids)
    for at in range(0, len(wanted), 5_000):
        found = select(table.id, table.name).where(table.id.in_(wanted[at : at + 5_000]))
        names.update((row.id, row.name) for row in connection.execute(found))
    return names
