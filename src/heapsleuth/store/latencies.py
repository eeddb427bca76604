"""
Latencies of HTTP requests by service, release, route and 10 minutes.

Each transaction of messages adds rows to a tail, which costs little and is durable; every maintenance
folds the tail into one row per route and 10 minutes.  Readers see both.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from typing import TYPE_CHECKING, Any

import numpy as np
import orjson
from sqlalchemy import func, select

from heapsleuth.store import schema
from heapsleuth.store.database import upsert
from heapsleuth.store.latency_tail import BUCKETS, STATUSES, Tail
from heapsleuth.store.model import HttpBucket
from heapsleuth.store.summaries import SLOT_MS

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from numpy.typing import NDArray
    from sqlalchemy import Connection

    from heapsleuth.store.database import Database

    # Requests, by status, by bucket.
    _Counts = tuple[int, NDArray[np.int64], NDArray[np.int64]]
    # Route, beginning of its 10 minutes, and what came.
    _Added = tuple[str, int, _Counts]

__all__ = ["Latencies"]

# Routes kept of a release; the rest go together, for an application that makes a route of every id must
# not fill the disk.
MAX_ROUTES = 200
OTHER = "other"

# Tail rows folded in one transaction.
FOLD_ROWS = 4_000

_FOLDED = "DELETE FROM http_tail WHERE id = ?"
_HTTP = upsert(schema.http)
_ROUTES = upsert(schema.http_routes)
_INSTANCES = upsert(schema.http_instances)


class _Sum:
    """Latencies added up."""

    __slots__ = ("buckets", "requests", "statuses")

    def __init__(self) -> None:
        self.requests = 0
        self.statuses = np.zeros(len(STATUSES), dtype=np.int64)
        self.buckets = np.zeros(BUCKETS, dtype=np.int64)

    def add(self, requests: int, statuses: NDArray[np.int64], buckets: NDArray[np.int64]) -> None:
        self.requests += int(requests)
        self.statuses += statuses
        self.buckets += buckets

    def add_body(self, requests: int, body: bytes) -> None:
        statuses, numbers, counts = orjson.loads(body)
        self.requests += requests
        self.statuses += statuses
        self.buckets[numbers] += counts

    def _filled(self) -> tuple[list[int], list[int]]:
        numbers = np.flatnonzero(self.buckets)
        return numbers.tolist(), self.buckets[numbers].tolist()

    def body(self) -> bytes:
        return orjson.dumps((self.statuses.tolist(), *self._filled()))


class Latencies:
    """Reads and folds latencies."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def http(
        self, service: str, since_ms: float, until_ms: float, *, route: str, by_instance: bool
    ) -> list[HttpBucket]:
        """Return latencies by 10 minutes and release, or those of all routes by instance."""
        if by_instance and route:
            return []
        sums: dict[tuple[int, int, int], _Sum] = defaultdict(_Sum)
        found: dict[tuple[int, int, int], tuple[int, bytes]] = {}
        with self._database.read() as connection:
            releases = _releases(connection, service)
            for series in releases:
                tail = self._tail(connection, series)
                tail = tail.where(tail.routes == (tail.names.index(route) if route in tail.names else -1))
                owners = tail.owners if by_instance else np.zeros_like(tail.owners)
                for (owner, slot), one in _grouped(tail, owners, tail.slots).items():
                    sums[slot, series, owner].add(*one)
            if by_instance:
                kept = _instance_rows(connection, list(releases), since_ms, until_ms)
            else:
                kept = _route_rows(connection, list(releases), route, since_ms, until_ms)
            for slot, series, owner, requests, body in kept:
                # Most rows have nothing in the tail, and need no adding up.
                if (slot, series, owner) in sums:
                    sums[slot, series, owner].add_body(requests, body)
                else:
                    found[slot, series, owner] = (requests, body)
            found.update((key, (one.requests, one.body())) for key, one in sums.items())
            names = self._names(connection, {owner for _, _, owner in found if owner})
        return [
            _bucket(
                slot + SLOT_MS, route, releases[series], names.get(owner, ""), *found[slot, series, owner]
            )
            for slot, series, owner in sorted(found)
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
            for series in releases:
                tail = self._tail(connection, series)
                recent = tail.slots + SLOT_MS > since_ms
                for number, count in zip(tail.routes[recent], tail.requests[recent], strict=True):
                    counts[tail.names[number]] += int(count)
        return tuple(route for route, _ in counts.most_common() if route)

    def _tail(self, connection: Connection, series: int) -> Tail:
        table = schema.http_tail.c
        found = select(table.body).where(table.series == series)
        return Tail.read(row.body for row in connection.execute(found))

    def _names(self, connection: Connection, ids: set[int]) -> dict[int, str]:
        statement = "SELECT id, name FROM instances WHERE id IN ?"
        return {row.id: row.name for row in self._database.among(connection, statement, sorted(ids))}

    def fold(self) -> None:
        """
        Fold the tail into rows of 10 minutes, a release at a time.

        Only one thread of one process may be at it: what is there is read before the transaction that
        replaces it, so that ingest waits for nothing but the writing.
        """
        with self._database.read() as connection:
            table = schema.http_tail.c
            waiting = [row.series for row in connection.execute(select(table.series).distinct())]
        for series in waiting:
            folded = FOLD_ROWS
            while folded == FOLD_ROWS:
                with self._database.pace.step():
                    folded = self._fold(series)

    def _fold(self, series: int) -> int:
        table = schema.http_tail.c
        with self._database.read() as connection:
            oldest = select(table.id, table.body).where(table.series == series).order_by(table.id)
            rows = connection.execute(oldest.limit(FOLD_ROWS)).all()
            tail = Tail.read(row.body for row in rows)
            known = self._known_routes(connection, series)
            added = _by_route(tail, known)
            routes = self._routes_now(connection, series, added)
            instances = self._instances_now(connection, tail)
        seen = dict(known)
        for name, slot, (requests, _, _) in added:
            last, count = seen.get(name, (0, 0))
            seen[name] = (max(last, slot), count + int(requests))
        many = self._database.many
        with self._database.write() as connection:
            many(connection, _HTTP, [(series, *key, one.requests, one.body()) for key, one in routes.items()])
            many(connection, _INSTANCES, [(*key, one.requests, one.body()) for key, one in instances.items()])
            many(connection, _ROUTES, [(series, name, *one) for name, one in seen.items()])
            many(connection, _FOLDED, [(row.id,) for row in rows])
        return len(rows)

    def _known_routes(self, connection: Connection, series: int) -> dict[str, tuple[int, int]]:
        table = schema.http_routes.c
        found = select(table.route, table.last_ms, table.count).where(table.series == series)
        return {route: (last, count) for route, last, count in connection.execute(found)}

    def _routes_now(
        self, connection: Connection, series: int, added: Sequence[_Added]
    ) -> dict[tuple[str, int], _Sum]:
        """Return what the rows of routes become."""
        sums: dict[tuple[str, int], _Sum] = defaultdict(_Sum)
        for name, slot, one in added:
            sums[name, slot].add(*one)
        table = schema.http.c
        found = select(table.route, table.at_ms, table.count, table.body).where(
            table.series == series,
            table.route.in_(sorted({name for name, _ in sums})),
            table.at_ms.in_(sorted({slot for _, slot in sums})),
        )
        for route, slot, requests, body in connection.execute(found):
            if (route, slot) in sums:
                sums[route, slot].add_body(requests, body)
        return sums

    def _instances_now(self, connection: Connection, tail: Tail) -> dict[tuple[int, int], _Sum]:
        """Return what the rows of instances become."""
        tail = tail.where(tail.owners > 0)
        sums: dict[tuple[int, int], _Sum] = defaultdict(_Sum)
        for key, one in _grouped(tail, tail.owners, tail.slots).items():
            sums[key].add(*one)
        for slot in np.unique(tail.slots).tolist():
            statement = (
                "SELECT instance, at_ms, count AS requests, body FROM http_instances "  # noqa: S608
                f"WHERE at_ms = {int(slot)} AND instance IN ?"
            )
            for row in self._database.among(connection, statement, np.unique(tail.owners).tolist()):
                if (row.instance, row.at_ms) in sums:
                    sums[row.instance, row.at_ms].add_body(row.requests, row.body)
        return sums


def _bucket(end_ms: float, route: str, release: str, instance: str, requests: int, body: bytes) -> HttpBucket:
    statuses, numbers, counts = orjson.loads(body)
    by_status = {name: n for name, n in zip(STATUSES, statuses, strict=True) if n}
    return HttpBucket(
        end_ms, route, requests, by_status, dict(zip(numbers, counts, strict=True)), release, instance
    )


def _grouped(
    tail: Tail, first: NDArray[np.int64], second: NDArray[np.int64]
) -> dict[tuple[int, int], _Counts]:
    """Return sums by two keys."""
    seconds, places = np.unique(second, return_inverse=True)
    both, groups = np.unique(first * max(1, len(seconds)) + places, return_inverse=True)
    sums = tail.add_up(groups, len(both))
    keys = [(key // len(seconds), int(seconds[key % len(seconds)])) for key in both.tolist()]
    return dict(zip(keys, zip(*sums, strict=True), strict=True))


def _kept_routes(tail: Tail, known: Iterable[str]) -> set[str]:
    """Return which routes keep their name: those known, and the busiest of the new while there is room."""
    kept = {"", OTHER, *known}
    busiest = Counter(
        dict(zip(tail.names, np.bincount(tail.routes, tail.requests, len(tail.names)), strict=True))
    )
    for name, _ in busiest.most_common():
        if len(kept) >= MAX_ROUTES:
            break
        kept.add(name)
    return kept


def _by_route(tail: Tail, known: Iterable[str]) -> list[_Added]:
    kept = _kept_routes(tail, known)
    names = [name if name in kept else OTHER for name in tail.names]
    grouped = _grouped(tail, tail.routes, tail.slots)
    return [(names[number], slot, one) for (number, slot), one in grouped.items()]


def _releases(connection: Connection, service: str) -> dict[int, str]:
    table = schema.series.c
    found = select(table.id, table.release).where(table.service == service)
    return {row.id: row.release for row in connection.execute(found)}


def _route_rows(
    connection: Connection, series: Sequence[int], route: str, since_ms: float, until_ms: float
) -> list[tuple[Any, ...]]:
    table = schema.http.c
    found = select(table.at_ms, table.series, table.count, table.body).where(
        table.series.in_(series),
        table.route == route,
        table.at_ms > since_ms - SLOT_MS,
        table.at_ms < until_ms,
    )
    return [(row[0], row[1], 0, row[2], row[3]) for row in connection.execute(found)]


def _instance_rows(
    connection: Connection, series: Sequence[int], since_ms: float, until_ms: float
) -> list[tuple[Any, ...]]:
    table, who = schema.http_instances.c, schema.instances.c
    found = (
        select(table.at_ms, who.series, table.instance, table.count, table.body)
        .join_from(schema.instances, schema.http_instances, who.id == table.instance)
        .where(who.series.in_(series), table.at_ms > since_ms - SLOT_MS, table.at_ms < until_ms)
    )
    return [tuple(row) for row in connection.execute(found)]
