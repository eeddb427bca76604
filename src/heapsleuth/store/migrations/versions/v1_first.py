"""The first tables."""

from __future__ import annotations

from typing import Any

import sqlalchemy as sa
from alembic import op

revision = "1"
down_revision = None

_INT, _TEXT, _BYTES = sa.BigInteger(), sa.Text(), sa.LargeBinary()
_REAL: sa.Double[float] = sa.Double()


def _numbered() -> sa.Column[int]:
    # SQLite numbers rows by itself only when the type is exactly INTEGER.
    return sa.Column("id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), primary_key=True)


def _key(name: str, kind: sa.types.TypeEngine[Any]) -> sa.Column[Any]:
    return sa.Column(name, kind, primary_key=True, autoincrement=False)


def upgrade() -> None:
    """Make all tables."""
    op.create_table(
        "audit",
        _numbered(),
        sa.Column("at_ms", _REAL, nullable=False),
        sa.Column("actor", _TEXT, nullable=False),
        sa.Column("role", _TEXT, nullable=False),
        sa.Column("action", _TEXT, nullable=False),
        sa.Column("target", _TEXT, nullable=False),
        sa.Column("outcome", _TEXT, nullable=False),
        sa.Column("remote", _TEXT, nullable=False),
    )
    op.create_index("audit_at", "audit", ["at_ms"])
    op.create_table(
        "blocks",
        _key("instance", _INT),
        _key("at_ms", _INT),
        sa.Column("layout", _INT, nullable=False),
        sa.Column("body", _BYTES, nullable=False),
        sqlite_with_rowid=False,
    )
    op.create_table(
        "events",
        _numbered(),
        sa.Column("instance", _INT, nullable=False),
        sa.Column("series", _INT, nullable=False),
        sa.Column("at_ms", _REAL, nullable=False),
        sa.Column("type", _TEXT, nullable=False),
        sa.Column("body", _BYTES, nullable=False),
    )
    op.create_index("events_at", "events", ["at_ms"])
    op.create_index("events_instance_at", "events", ["instance", "at_ms"])
    op.create_index("events_series_at", "events", ["series", "at_ms"])
    op.create_table(
        "heard",
        _key("instance", _INT),
        sa.Column("sequence", _INT, nullable=False),
        sa.Column("last_seen_ms", _REAL, nullable=False),
    )
    op.create_table(
        "http",
        _key("series", _INT),
        _key("route", _TEXT),
        _key("at_ms", _INT),
        sa.Column("count", _INT, nullable=False),
        sa.Column("body", _BYTES, nullable=False),
        sqlite_with_rowid=False,
    )
    op.create_table(
        "http_instances",
        _key("instance", _INT),
        _key("at_ms", _INT),
        sa.Column("count", _INT, nullable=False),
        sa.Column("body", _BYTES, nullable=False),
        sqlite_with_rowid=False,
    )
    op.create_table(
        "http_routes",
        _key("series", _INT),
        _key("route", _TEXT),
        sa.Column("last_ms", _INT, nullable=False),
        sa.Column("count", _INT, nullable=False),
        sqlite_with_rowid=False,
    )
    op.create_table(
        "http_tail",
        _numbered(),
        sa.Column("series", _INT, nullable=False),
        sa.Column("body", _BYTES, nullable=False),
    )
    op.create_index("http_tail_series", "http_tail", ["series"])
    op.create_table(
        "incidents",
        _key("id", _TEXT),
        sa.Column("service", _TEXT, nullable=False),
        sa.Column("state", _TEXT, nullable=False),
        sa.Column("opened_ms", _REAL, nullable=False),
        sa.Column("updated_ms", _REAL, nullable=False),
        sa.Column("body", _BYTES, nullable=False),
    )
    op.create_index("incidents_opened", "incidents", ["opened_ms"])
    op.create_index("incidents_service_opened", "incidents", ["service", "opened_ms"])
    op.create_table(
        "instances",
        _numbered(),
        sa.Column("name", _TEXT, nullable=False),
        sa.Column("series", _INT, nullable=False),
        sa.Column("host", _TEXT, nullable=False),
        sa.Column("pid", _INT, nullable=False),
        sa.Column("thread", _INT, nullable=False),
        sa.Column("role", _TEXT, nullable=False),
        sa.Column("node", _TEXT, nullable=False),
        sa.Column("agent", _TEXT, nullable=False),
        sa.Column("source", _TEXT, nullable=False),
        sa.Column("started_ms", _REAL, nullable=False),
        sa.Column("first_seen_ms", _REAL, nullable=False),
        sa.UniqueConstraint("name", name="instances_name"),
    )
    op.create_index("instances_series", "instances", ["series"])
    op.create_table(
        "layouts",
        _numbered(),
        sa.Column("form", _TEXT, nullable=False),
        sa.Column("names", _TEXT, nullable=False),
    )
    op.create_table(
        "peaks",
        _key("instance", _INT),
        _key("at_ms", _INT),
        sa.Column("layout", _INT, nullable=False),
        sa.Column("body", _BYTES, nullable=False),
        sqlite_with_rowid=False,
    )
    op.create_table(
        "rollups",
        _key("instance", _INT),
        _key("at_ms", _INT),
        sa.Column("layout", _INT, nullable=False),
        sa.Column("body", _BYTES, nullable=False),
        sqlite_with_rowid=False,
    )
    op.create_table(
        "samples",
        _numbered(),
        sa.Column("instance", _INT, nullable=False),
        sa.Column("at_ms", _REAL, nullable=False),
        sa.Column("layout", _INT, nullable=False),
        sa.Column("body", _BYTES, nullable=False),
    )
    op.create_index("samples_instance_at", "samples", ["instance", "at_ms"])
    op.create_table(
        "series",
        _numbered(),
        sa.Column("service", _TEXT, nullable=False),
        sa.Column("release", _TEXT, nullable=False),
        sa.UniqueConstraint("service", "release", name="series_service_release"),
    )
    op.create_table(
        "series_rollups",
        _key("series", _INT),
        _key("step_ms", _INT),
        _key("at_ms", _INT),
        sa.Column("layout", _INT, nullable=False),
        sa.Column("body", _BYTES, nullable=False),
        sqlite_with_rowid=False,
    )
    op.create_table(
        "settings",
        _key("key", _TEXT),
        sa.Column("value", _TEXT, nullable=False),
    )
    op.create_table(
        "snapshots",
        _key("id", _TEXT),
        sa.Column("service", _TEXT, nullable=False),
        sa.Column("incident", _TEXT, nullable=False),
        sa.Column("taken_ms", _REAL, nullable=False),
        sa.Column("body", _BYTES, nullable=False),
    )
    op.create_index("snapshots_taken", "snapshots", ["taken_ms"])
    op.create_table(
        "stale",
        _key("series", _INT),
        _key("at_ms", _INT),
        sqlite_with_rowid=False,
    )
    op.create_table(
        "tokens",
        _key("id", _TEXT),
        sa.Column("sha256", _TEXT, nullable=False),
        sa.Column("role", _TEXT, nullable=False),
        sa.Column("name", _TEXT, nullable=False),
        sa.Column("created_ms", _REAL, nullable=False),
        sa.Column("expires_ms", _REAL),
        sa.Column("last_used_ms", _REAL),
        sa.Column("service", _TEXT, nullable=False),
    )
