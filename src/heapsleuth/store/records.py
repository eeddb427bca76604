"""Events, incidents, snapshots' records, tokens, the audit log and settings: few rows, each whole."""

from __future__ import annotations

from dataclasses import asdict
from typing import TYPE_CHECKING, Any

import orjson
from sqlalchemy import delete, select

from heapsleuth.store import schema
from heapsleuth.store.database import insert, upsert
from heapsleuth.store.model import AuditEntry, Event, Incident, SnapshotRecord, Token

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from heapsleuth.store.database import Database

__all__ = ["Records"]

_AUDIT = ("at_ms", "actor", "role", "action", "target", "outcome", "remote")
_TOKEN = ("id", "sha256", "role", "name", "created_ms", "expires_ms", "last_used_ms", "service")


class Records:
    """See `Store` for what each does."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def _put(self, table: Any, *values: Any) -> None:
        with self._database.write() as connection:
            self._database.many(connection, upsert(table), [values])

    def _delete(self, table: Any, key: str) -> bool:
        with self._database.write() as connection:
            gone = connection.execute(delete(table).where(next(iter(table.primary_key)) == key))
            return bool(gone.rowcount)

    def events(
        self,
        *,
        service: str = "",
        instance: str = "",
        types: Sequence[str] = (),
        since_ms: float = 0.0,
        limit: int = 200,
    ) -> tuple[Event, ...]:
        """Return events, the latest first."""
        table, who = schema.events.c, schema.instances.c
        found = select(who.name, table.at_ms, table.type, table.body).join_from(
            schema.events, schema.instances, who.id == table.instance
        )
        if service:
            of_service = select(schema.series.c.id).where(schema.series.c.service == service)
            found = found.where(table.series.in_(of_service))
        if instance:
            found = found.where(who.name == instance)
        if types:
            found = found.where(table.type.in_(types))
        found = found.where(table.at_ms >= since_ms).order_by(table.at_ms.desc(), table.id.desc())
        with self._database.read() as connection:
            rows = connection.execute(found.limit(limit)).all()
        return tuple(Event(row.name, row.at_ms, row.type, orjson.loads(row.body)) for row in rows)

    def put_incident(self, incident: Incident) -> None:
        """Keep an incident, in place of the one with its id."""
        key = (incident.id, incident.service, incident.state, incident.opened_ms, incident.updated_ms)
        self._put(schema.incidents, *key, _body(incident))

    def incident(self, incident_id: str) -> Incident | None:
        """Return one incident."""
        body = self._body_of(schema.incidents, incident_id)
        return _incident(body) if body else None

    def incidents(
        self, *, service: str = "", state: str = "", since_ms: float = 0.0, limit: int = 200
    ) -> tuple[Incident, ...]:
        """Return incidents, the latest first; those still open, or changed since then."""
        table = schema.incidents.c
        found = select(table.body).where((table.updated_ms >= since_ms) | (table.state == "open"))
        if service:
            found = found.where(table.service == service)
        if state:
            found = found.where(table.state == state)
        found = found.order_by(table.opened_ms.desc(), table.id.desc()).limit(limit)
        with self._database.read() as connection:
            return tuple(_incident(row.body) for row in connection.execute(found))

    def put_snapshot(self, record: SnapshotRecord) -> None:
        """Keep the record of a snapshot, in place of the one with its id."""
        key = (record.id, record.service, record.incident, record.taken_ms)
        self._put(schema.snapshots, *key, _body(record))

    def snapshots(self, *, service: str = "", incident: str = "") -> tuple[SnapshotRecord, ...]:
        """Return the records of snapshots, the latest first."""
        table = schema.snapshots.c
        found = select(table.body).order_by(table.taken_ms.desc(), table.id.desc())
        if service:
            found = found.where(table.service == service)
        if incident:
            found = found.where(table.incident == incident)
        with self._database.read() as connection:
            return tuple(SnapshotRecord(**orjson.loads(row.body)) for row in connection.execute(found))

    def snapshot(self, snapshot_id: str) -> SnapshotRecord | None:
        """Return one record."""
        body = self._body_of(schema.snapshots, snapshot_id)
        return SnapshotRecord(**orjson.loads(body)) if body else None

    def delete_snapshot(self, snapshot_id: str) -> bool:
        """Forget a snapshot's record; False if there was none."""
        return self._delete(schema.snapshots, snapshot_id)

    def put_token(self, token: Token) -> None:
        """Keep a token, in place of the one with its id."""
        self._put(schema.tokens, *(getattr(token, name) for name in _TOKEN))

    def tokens(self) -> tuple[Token, ...]:
        """Return all tokens, the oldest first."""
        table = schema.tokens
        with self._database.read() as connection:
            rows = connection.execute(select(table).order_by(table.c.created_ms, table.c.id)).all()
        return tuple(Token(**{name: getattr(row, name) for name in _TOKEN}) for row in rows)

    def delete_token(self, token_id: str) -> bool:
        """Withdraw a token; False if there was none."""
        return self._delete(schema.tokens, token_id)

    def record(self, entries: Iterable[AuditEntry]) -> None:
        """Add to the audit log."""
        rows = [tuple(getattr(entry, name) for name in _AUDIT) for entry in entries]
        with self._database.write() as connection:
            self._database.many(connection, insert(schema.audit, _AUDIT), rows)

    def audit(self, *, limit: int = 200, before_ms: float | None = None) -> tuple[AuditEntry, ...]:
        """Return the audit log, the latest first."""
        table = schema.audit
        found = select(table).order_by(table.c.at_ms.desc(), table.c.id.desc()).limit(limit)
        if before_ms is not None:
            found = found.where(table.c.at_ms < before_ms)
        with self._database.read() as connection:
            rows = connection.execute(found).all()
        return tuple(AuditEntry(**{name: getattr(row, name) for name in _AUDIT}) for row in rows)

    def setting(self, key: str) -> str | None:
        """Return a setting that operators change while the collector runs."""
        table = schema.settings.c
        with self._database.read() as connection:
            return connection.execute(select(table.value).where(table.key == key)).scalar()

    def set_setting(self, key: str, value: str) -> None:
        """Change a setting."""
        self._put(schema.settings, key, value)

    def _body_of(self, table: Any, key: str) -> bytes | None:
        with self._database.read() as connection:
            body = connection.execute(select(table.c.body).where(table.c.id == key)).scalar()
            return bytes(body) if body is not None else None


def _body(value: Incident | SnapshotRecord) -> bytes:
    return orjson.dumps(asdict(value))


def _incident(body: bytes) -> Incident:
    found = orjson.loads(body)
    found["snapshots"], found["notes"] = tuple(found["snapshots"]), tuple(found["notes"])
    return Incident(**found)
