"""The store on a SQL database; its parts are the modules beside this one."""

from __future__ import annotations

from collections import defaultdict
from dataclasses import fields
from typing import TYPE_CHECKING

import numpy as np
from sqlalchemy import select

from heapsleuth.store import schema
from heapsleuth.store.charts import Charts, read_samples
from heapsleuth.store.intake import Intake
from heapsleuth.store.latencies import Latencies
from heapsleuth.store.layouts import Layouts
from heapsleuth.store.metrics import metric
from heapsleuth.store.model import Instance, ServiceSummary
from heapsleuth.store.records import Records
from heapsleuth.store.retention import Keep
from heapsleuth.store.summaries import SLOT_MS
from heapsleuth.store.upkeep import Upkeep

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from typing import Any

    from sqlalchemy import Select

    from heapsleuth.store.database import Database
    from heapsleuth.store.model import Batch, Chart, HttpBucket, Row

__all__ = ["SqlStore"]

# An instance counts as alive if it was heard of this long before the last of its service.
ALIVE_MS = 300_000.0


class SqlStore(Records):
    """
    A `Store` in SQLite or PostgreSQL.  Thread-safe; every method raises StoreError when the database fails.

    Attributes:
        keep: How long things are kept.
    """

    def __init__(self, database: Database, keep: Keep | None = None) -> None:
        super().__init__(database)
        self.keep = keep or Keep()
        self._layouts = Layouts(database)
        self._intake = Intake(database, self._layouts)
        self._latencies = Latencies(database)
        self._charts = Charts(database, self._layouts, self._intake)
        self._upkeep = Upkeep(database, self.keep, self._layouts)
        self._intake.load_latest()

    def append(self, batches: Sequence[Batch]) -> tuple[bool, ...]:
        """Keep what agents sent, in one transaction; False for each batch that was a repeat."""
        return self._intake.append(batches)

    def counts(self) -> Mapping[str, int]:
        """Return what was taken since the start: `samples`, `samples_refused`, `messages_repeated`, …"""
        return dict(self._intake.counts)

    def services(self, since_ms: float) -> tuple[ServiceSummary, ...]:
        """Return the services heard of since then, by name."""
        found: dict[str, list[tuple[int, Instance]]] = defaultdict(list)
        with self._database.read() as connection:
            for row in connection.execute(_instances().where(schema.heard.c.last_seen_ms >= since_ms)):
                found[row.service].append((row.id, _instance(row)))
        return tuple(self._summary(service, found[service]) for service in sorted(found))

    def _summary(self, service: str, members: Sequence[tuple[int, Instance]]) -> ServiceSummary:
        last = max(one.last_seen_ms for _, one in members)
        alive = [(number, one) for number, one in members if one.last_seen_ms >= last - ALIVE_MS]
        releases = dict.fromkeys(one.release for _, one in sorted(alive, key=lambda pair: pair[1].started_ms))
        return ServiceSummary(
            service,
            tuple(releases),
            len(alive),
            min(one.first_seen_ms for _, one in members),
            last,
            self._worst([number for number, _ in alive]),
        )

    def _worst(self, instances: Sequence[int]) -> dict[str, float]:
        by_layout: dict[int, list[bytes]] = defaultdict(list)
        for number in instances:
            if latest := self._intake.latest.get(number):
                by_layout[latest.layout].append(latest.body)
        worst: dict[str, float] = {}
        for number, bodies in by_layout.items():
            layout = self._layouts[number]
            rows = np.frombuffer(b"".join(bodies)).reshape(len(bodies), len(layout.names))
            for name, column in zip(layout.names, rows.T, strict=True):
                values = column[~np.isnan(column)]
                if not len(values):
                    continue
                pick = min if metric(name).worst_is_least else max
                value = float(pick(values.tolist()))
                worst[name] = pick(worst.get(name, value), value)
        return worst

    def instances(self, service: str, since_ms: float) -> tuple[Instance, ...]:
        """Return the instances of a service heard of since then, the earliest first."""
        found = _instances().where(
            schema.series.c.service == service, schema.heard.c.last_seen_ms >= since_ms
        )
        who = schema.instances.c
        with self._database.read() as connection:
            rows = connection.execute(found.order_by(who.started_ms, who.first_seen_ms, who.id))
            return tuple(_instance(row) for row in rows)

    def instance(self, name: str) -> Instance | None:
        """Return one instance."""
        with self._database.read() as connection:
            row = connection.execute(_instances().where(schema.instances.c.name == name)).one_or_none()
        return _instance(row) if row else None

    def rows(self, instance: str, since_ms: float, until_ms: float) -> list[Row]:
        """Return an instance's samples as they came, while they are kept raw."""
        with self._database.read() as connection:
            who = schema.instances.c
            number = connection.execute(select(who.id).where(who.name == instance)).scalar()
            if number is None:
                return []
            samples = read_samples(connection, self._layouts, [number], since_ms, until_ms)
        return [
            {name: value for name, value in zip(samples.names, row, strict=True) if value == value}  # noqa: PLR0124
            for row in samples.values.tolist()
        ]

    def rollups(self, instance: str, since_ms: float, until_ms: float) -> list[Row]:
        """
        Return an instance's history as rows of 10 minutes.

        Floors are the least, totals and limits the last, longest pauses the most, the rest means; `at_ms` is
        the last sample's. What is not complete yet is not among them.
        """
        table, who = schema.rollups.c, schema.instances.c
        found = (
            select(table.layout, table.body)
            .join_from(schema.instances, schema.rollups, table.instance == who.id)
            .where(who.name == instance, table.at_ms > since_ms - SLOT_MS, table.at_ms < until_ms)
            .order_by(table.at_ms)
        )
        rows = []
        with self._database.read() as connection:
            for row in connection.execute(found):
                layout = self._layouts[row.layout]
                values = layout.unpack([row.body])[0].tolist()
                kept = zip(layout.names, values, strict=True)
                rows.append({name: v for name, v in kept if ":" not in name and v == v})  # noqa: PLR0124
        return [row for row in rows if since_ms <= row["at_ms"] < until_ms]

    def chart(
        self, service: str, metric: str, since_ms: float, until_ms: float, *, by: str = "", points: int = 500
    ) -> Chart:
        """
        Return a metric over time for the service, or `by` "release" or "instance" (the 20 highest).

        Values are means over instances, or sums where that is what one counts (requests); totals are shown as
        rates per second. The band is from the smallest to the largest of an instance.
        """
        return self._charts.chart(service, metric, since_ms, until_ms, by=by, points=points)

    def http(
        self, service: str, since_ms: float, until_ms: float, *, route: str = "", by: str = ""
    ) -> list[HttpBucket]:
        """Return latencies by 10 minutes and release; `by` "instance" all routes of each instance."""
        return self._latencies.http(service, since_ms, until_ms, route=route, by_instance=by == "instance")

    def routes(self, service: str, since_ms: float) -> tuple[str, ...]:
        """Return the routes of a service, the busiest first."""
        return self._latencies.routes(service, since_ms)

    def maintain(self, now_ms: float) -> None:
        """Roll up what is complete, and drop what is older than it is kept."""
        self.maintained(self._upkeep.run(now_ms))

    def maintained(self, gone: set[int]) -> None:
        """Take note of a round of that, here or in another process, and of the instances it dropped."""
        self._charts.rolled()
        self._intake.forget(gone)

    def close(self) -> None:
        """Let go of the database."""
        self._upkeep.close()


def _instances() -> Select[Any]:
    who, series, heard = schema.instances.c, schema.series.c, schema.heard.c
    return (
        select(schema.instances, series.service, series.release, heard.last_seen_ms)
        .join_from(schema.instances, schema.series, series.id == who.series)
        .join(schema.heard, heard.instance == who.id)
    )


_FIELDS = tuple(one.name for one in fields(Instance))


def _instance(row: Any) -> Instance:
    return Instance(**{name: getattr(row, name) for name in _FIELDS})
