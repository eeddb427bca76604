"""Taking what agents send: one transaction for many messages, repeats dropped."""

from __future__ import annotations

from collections import Counter, OrderedDict
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import orjson
from sqlalchemy import func, select

from heapsleuth.store import clocks, schema
from heapsleuth.store.database import insert, upsert
from heapsleuth.store.latency_tail import tail_rows

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from sqlalchemy import Connection

    from heapsleuth.store.database import Database
    from heapsleuth.store.layouts import Layouts
    from heapsleuth.store.model import Batch, Instance, Row

__all__ = ["Intake", "Latest"]

# Instances whose numbers are at hand; more only cost a look-up.
MAX_KNOWN = 50_000

# Names in one look-up; SQLite allows 32,766 values in a statement.
MAX_NAMES = 5_000

_SAMPLE = insert(schema.samples, ("instance", "at_ms", "layout", "body"))
_EVENT = insert(schema.events, ("instance", "series", "at_ms", "type", "body"))
_TAIL = insert(schema.http_tail, ("series", "body"))
_HEARD = upsert(schema.heard)


@dataclass(frozen=True, slots=True)
class _Known:
    """An instance that is in the database, and what it said about itself then."""

    id: int
    series: int
    said: Instance


@dataclass(frozen=True, slots=True)
class Latest:
    """The last sample of an instance, packed."""

    at_ms: float
    layout: int
    body: bytes


@dataclass(slots=True)
class _Taken:
    """A message of which it is settled what of it is kept."""

    batch: Batch
    offset_ms: float
    rows: list[tuple[float, int, bytes]]
    refused: int


class Intake:
    """The only writer of samples, events and latencies; one thread at a time gets through."""

    def __init__(self, database: Database, layouts: Layouts) -> None:
        self._database = database
        self._layouts = layouts
        self._known: OrderedDict[str, _Known] = OrderedDict()
        self._series: dict[tuple[str, str], int] = {}
        self.latest: dict[int, Latest] = {}
        self.counts: Counter[str] = Counter()
        self.version = 0

    def append(self, batches: Sequence[Batch]) -> tuple[bool, ...]:
        """Keep messages in one transaction; False for each that was a repeat."""
        if not batches:
            return ()
        # Packing may add a layout, which is a transaction of its own.
        taken = [self._take(batch) for batch in batches]
        with self._database.write() as connection:
            known = self._identify(connection, batches)
            ids = [known[batch.instance.name].id for batch in batches]
            fresh, heard = self._fresh(connection, batches, ids)
            kept = [
                (one, known[one.batch.instance.name])
                for one, is_fresh in zip(taken, fresh, strict=True)
                if is_fresh
            ]
            self._write(connection, kept, heard)
        self._remember(known, kept, repeats=fresh.count(False))
        return fresh

    def forget(self, ids: set[int]) -> None:
        """Forget instances that were removed from the database."""
        for name in [name for name, known in self._known.items() if known.id in ids]:
            self._known.pop(name, None)
        for number in ids:
            self.latest.pop(number, None)

    def _take(self, batch: Batch) -> _Taken:
        offset = clocks.offset_of(batch)
        rows: list[tuple[float, int, bytes]] = []
        for sample in batch.samples:
            at_ms = sample.get("at_ms", batch.received_ms) + offset
            if not clocks.usable(at_ms, batch.received_ms):
                continue
            row: Row = sample if not offset and "at_ms" in sample else {**sample, "at_ms": at_ms}
            rows.append((at_ms, *self._layouts.pack_sample(row)))
        return _Taken(batch, offset, rows, refused=len(batch.samples) - len(rows))

    def _identify(self, connection: Connection, batches: Sequence[Batch]) -> dict[str, _Known]:
        """Return the instances by name; those never seen, or that say something new, are written."""
        said = {batch.instance.name: batch for batch in batches}
        known: dict[str, _Known] = {}
        news: list[Batch] = []
        for name, batch in said.items():
            one = self._known.get(name)
            if one is not None and _same(one.said, batch.instance):
                known[name] = one
            else:
                news.append(batch)
        if news:
            self._introduce(connection, news)
            for at in range(0, len(news), MAX_NAMES):
                names = [batch.instance.name for batch in news[at : at + MAX_NAMES]]
                table = schema.instances.c
                found = select(table.id, table.name, table.series).where(table.name.in_(names))
                for row in connection.execute(found):
                    known[row.name] = _Known(row.id, row.series, said[row.name].instance)
        return known

    def _introduce(self, connection: Connection, batches: Sequence[Batch]) -> None:
        columns = [column.name for column in schema.instances.columns if column.name != "id"]
        changed = ", ".join(
            f"{name} = excluded.{name}" for name in columns if name not in {"name", "first_seen_ms"}
        )
        rows = []
        # In one order everywhere, so that two collectors on one PostgreSQL cannot wait for each other.
        for batch in sorted(batches, key=lambda batch: batch.instance.name):
            who = batch.instance
            rows.append(
                (
                    who.name,
                    self._series_of(connection, who.service, who.release),
                    *(who.host, who.pid, who.thread, who.role, who.node, who.agent, who.source),
                    who.started_ms,
                    who.first_seen_ms or batch.received_ms,
                )
            )
        statement = f"{insert(schema.instances, columns)} ON CONFLICT (name) DO UPDATE SET {changed}"
        self._database.many(connection, statement, rows)

    def _series_of(self, connection: Connection, service: str, release: str) -> int:
        table = schema.series.c
        found = select(table.id).where(table.service == service, table.release == release)
        number = self._series.get((service, release)) or connection.execute(found).scalar()
        if number is None:
            statement = f"{insert(schema.series, ('service', 'release'))} ON CONFLICT DO NOTHING"
            self._database.many(connection, statement, [(service, release)])
            number = connection.execute(found).scalar_one()
        return int(number)

    def _fresh(
        self, connection: Connection, batches: Sequence[Batch], ids: Sequence[int]
    ) -> tuple[tuple[bool, ...], dict[int, tuple[int, float]]]:
        """Return which messages are no repeats, and the new (sequence, last seen) of their instances."""
        heard: dict[int, tuple[int, float]] = {}
        statement = "SELECT instance, sequence, last_seen_ms FROM heard WHERE instance IN ?"
        if not self._database.is_sqlite:
            statement += " ORDER BY instance FOR UPDATE"
        found = self._database.among(connection, statement, sorted(set(ids)))
        heard.update((row[0], (row[1], row[2])) for row in found)
        fresh = []
        for batch, number in zip(batches, ids, strict=True):
            sequence, seen = heard.get(number, (0, 0.0))
            is_fresh = batch.sequence == 0 or batch.sequence > sequence
            fresh.append(is_fresh)
            heard[number] = (max(sequence, batch.sequence), max(seen, batch.received_ms))
        return tuple(fresh), heard

    def _write(
        self,
        connection: Connection,
        kept: Sequence[tuple[_Taken, _Known]],
        heard: Mapping[int, tuple[int, float]],
    ) -> None:
        many = self._database.many
        many(connection, _SAMPLE, [(who.id, *row) for one, who in kept for row in one.rows])
        events: list[tuple[Any, ...]] = [
            (who.id, who.series, event.at_ms + one.offset_ms, event.type, orjson.dumps(event.body))
            for one, who in kept
            for event in one.batch.events
        ]
        many(connection, _EVENT, events)
        latencies = [
            (who.series, who.id, bucket, one.offset_ms) for one, who in kept for bucket in one.batch.http
        ]
        many(connection, _TAIL, tail_rows(latencies))
        many(connection, _HEARD, [(number, *last) for number, last in heard.items()])

    def _remember(
        self, known: Mapping[str, _Known], kept: Sequence[tuple[_Taken, _Known]], *, repeats: int
    ) -> None:
        for name, one in known.items():
            self._known[name] = one
            self._series[one.said.service, one.said.release] = one.series
        while len(self._known) > MAX_KNOWN:
            self._known.popitem(last=False)
        for taken, who in kept:
            for at_ms, layout, body in taken.rows[-1:]:
                self.latest[who.id] = Latest(at_ms, layout, body)
            self.counts["samples"] += len(taken.rows)
            self.counts["samples_refused"] += taken.refused
            self.counts["samples_moved"] += len(taken.rows) if taken.offset_ms else 0
        self.counts["messages"] += len(kept)
        self.counts["messages_repeated"] += repeats
        self.version += 1

    def load_latest(self) -> None:
        """Find the last samples of instances again after a restart."""
        table = schema.samples.c
        last = select(func.max(table.id)).group_by(table.instance)
        found = select(table.instance, table.at_ms, table.layout, table.body).where(table.id.in_(last))
        with self._database.read() as connection:
            for row in connection.execute(found):
                self.latest[row.instance] = Latest(row.at_ms, row.layout, row.body)


def _same(one: Instance, other: Instance) -> bool:
    return (
        one.service == other.service
        and one.release == other.release
        and one.started_ms == other.started_ms
        and one.host == other.host
        and one.pid == other.pid
        and one.agent == other.agent
        and one.node == other.node
    )
