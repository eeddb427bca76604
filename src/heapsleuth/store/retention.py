"""
Dropping what is older than it is kept, in small transactions between which ingest gets its turn.

Rows of instances are found through the instances, in the order of their keys: an index by time would
cost every insert and serve only here.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from sqlalchemy import select

from heapsleuth.store import schema
from heapsleuth.store.summaries import HOUR_MS

if TYPE_CHECKING:
    from heapsleuth.store.database import Database

__all__ = ["Keep", "Retention"]

# Instances, or rows, in one transaction.
CHUNK = 200

# Free pages (4 KB each) given back to the system in one go.
VACUUM_PAGES = 200

_OF_INSTANCE = ("heard", "samples", "blocks", "rollups", "peaks", "http_instances")
_OF_SERIES = ("series_rollups", "stale", "http_tail", "http", "http_routes")


@dataclass(frozen=True, slots=True)
class Keep:
    """How long things are kept: samples as they came, and everything else."""

    raw_hours: float = 48.0
    days: float = 35.0


class Retention:
    """Drops old rows, at most once an hour."""

    def __init__(self, database: Database, keep: Keep) -> None:
        self._database = database
        self._keep = keep
        self._done_hour = -1.0

    def drop_old(self, now_ms: float) -> set[int]:
        """Drop what is old; returns the instances that are gone altogether."""
        if now_ms // HOUR_MS == self._done_hour:
            return set()
        raw_ms = now_ms - self._keep.raw_hours * HOUR_MS
        old_ms = now_ms - self._keep.days * 24 * HOUR_MS
        gone = self._drop_instances(old_ms)
        self._drop_rows("blocks", "instance", "instances", raw_ms)
        self._drop_rows("http_instances", "instance", "instances", raw_ms)
        for table in ("rollups", "peaks"):
            self._drop_rows(table, "instance", "instances", old_ms)
        for table in ("http", "series_rollups"):
            self._drop_rows(table, "series", "series", old_ms)
        self._drop_listed(old_ms)
        self._drop_series()
        self._give_back()
        self._done_hour = now_ms // HOUR_MS
        return gone

    def _drop_instances(self, old_ms: float) -> set[int]:
        table = schema.heard.c
        with self._database.read() as connection:
            found = select(table.instance).where(table.last_seen_ms < old_ms)
            gone = [row.instance for row in connection.execute(found)]
        for at in range(0, len(gone), CHUNK):
            keys = [(number,) for number in gone[at : at + CHUNK]]
            with self._database.pace.step(), self._database.write() as connection:
                for name in _OF_INSTANCE:
                    # Names of tables are constants of this module.
                    statement = f"DELETE FROM {name} WHERE instance = ?"  # noqa: S608
                    self._database.many(connection, statement, keys)
                self._database.many(connection, "DELETE FROM instances WHERE id = ?", keys)
        return set(gone)

    def _drop_rows(self, name: str, key: str, owners: str, before_ms: float) -> None:
        """Drop rows whose key begins with an owner and ends with a time."""
        with self._database.read() as connection:
            numbers = [row.id for row in connection.execute(select(schema.metadata.tables[owners].c.id))]
        statement = f"DELETE FROM {name} WHERE {key} = ? AND at_ms < ?"  # noqa: S608
        for at in range(0, len(numbers), CHUNK):
            rows = [(number, before_ms) for number in numbers[at : at + CHUNK]]
            with self._database.pace.step(), self._database.write() as connection:
                self._database.many(connection, statement, rows)

    def _drop_listed(self, before_ms: float) -> None:
        """Drop events, entries of the audit log and ended incidents."""
        for name, condition in (
            ("events", "at_ms < ?"),
            ("audit", "at_ms < ?"),
            ("incidents", "updated_ms < ? AND state = 'resolved'"),
        ):
            part = f"SELECT id FROM {name} WHERE {condition} LIMIT {CHUNK * 10}"  # noqa: S608
            statement = f"DELETE FROM {name} WHERE id IN ({part})"  # noqa: S608
            marks = statement if self._database.is_sqlite else statement.replace("?", "%s")
            gone = 1
            while gone:
                with self._database.pace.step(), self._database.write() as connection:
                    gone = connection.exec_driver_sql(marks, (before_ms,)).rowcount

    def _drop_series(self) -> None:
        """Drop releases of which no instance is left, and routes of which no row is left."""
        with self._database.write() as connection:
            who, series = schema.instances.c, schema.series.c
            found = select(series.id).where(~select(who.id).where(who.series == series.id).exists())
            keys = [(row.id,) for row in connection.execute(found)]
            for name in _OF_SERIES:
                self._database.many(connection, f"DELETE FROM {name} WHERE series = ?", keys)  # noqa: S608
            self._database.many(connection, "DELETE FROM series WHERE id = ?", keys)
            connection.exec_driver_sql(
                "DELETE FROM http_routes WHERE NOT EXISTS (SELECT 1 FROM http "
                "WHERE http.series = http_routes.series AND http.route = http_routes.route)"
            )

    def _give_back(self) -> None:
        """Return free pages to the system; PostgreSQL does so by itself."""
        if not self._database.is_sqlite:
            return
        more = True
        while more:
            with self._database.pace.step():
                more = self._database.give_back(VACUUM_PAGES)
