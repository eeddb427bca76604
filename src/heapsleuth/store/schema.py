"""
The tables of the database.

Numbers are kept packed: one row is one sample, or one process over 10 minutes, or one release over 10
minutes, its body the values in the order of a layout (`layouts`).  A row per number would cost 45 times
the rows and ten times the disk.

There are no foreign keys: samples arrive at thousands a second, are dropped by age and never looked up
from the other end.

What a change of this file needs is a step in `migrations/versions`; a test compares the two.
"""

from __future__ import annotations

from sqlalchemy import (
    BigInteger,
    Column,
    Double,
    Index,
    Integer,
    LargeBinary,
    MetaData,
    Table,
    Text,
    UniqueConstraint,
)

__all__ = [
    "audit",
    "blocks",
    "events",
    "heard",
    "http",
    "http_instances",
    "http_routes",
    "http_tail",
    "incidents",
    "instances",
    "layouts",
    "metadata",
    "peaks",
    "rollups",
    "samples",
    "series",
    "series_rollups",
    "settings",
    "snapshots",
    "stale",
    "tokens",
]

metadata = MetaData()

# SQLite numbers rows by itself only when the type is exactly INTEGER.
_NUMBER = BigInteger().with_variant(Integer, "sqlite")


def _key(name: str, kind: type[BigInteger | Text | Integer] = BigInteger) -> Column[object]:
    return Column(name, kind, primary_key=True, autoincrement=False)


layouts = Table(
    "layouts",
    metadata,
    Column("id", _NUMBER, primary_key=True),
    Column("form", Text, nullable=False),
    Column("names", Text, nullable=False),  # one a line
)

series = Table(
    "series",
    metadata,
    Column("id", _NUMBER, primary_key=True),
    Column("service", Text, nullable=False),
    Column("release", Text, nullable=False),
    UniqueConstraint("service", "release", name="series_service_release"),
)

instances = Table(
    "instances",
    metadata,
    Column("id", _NUMBER, primary_key=True),
    Column("name", Text, nullable=False),
    Column("series", BigInteger, nullable=False),
    Column("host", Text, nullable=False),
    Column("pid", BigInteger, nullable=False),
    Column("thread", BigInteger, nullable=False),
    Column("role", Text, nullable=False),
    Column("node", Text, nullable=False),
    Column("agent", Text, nullable=False),
    Column("source", Text, nullable=False),
    Column("started_ms", Double, nullable=False),
    Column("first_seen_ms", Double, nullable=False),
    UniqueConstraint("name", name="instances_name"),
    Index("instances_series", "series"),
)

# Apart from `instances` because each message changes it: 60 instances a page instead of 15.
heard = Table(
    "heard",
    metadata,
    _key("instance"),
    Column("sequence", BigInteger, nullable=False),
    Column("last_seen_ms", Double, nullable=False),
)

# Samples as they came, in the order they came, until their 10 minutes are complete.
samples = Table(
    "samples",
    metadata,
    Column("id", _NUMBER, primary_key=True),
    Column("instance", BigInteger, nullable=False),
    Column("at_ms", Double, nullable=False),
    Column("layout", BigInteger, nullable=False),
    Column("body", LargeBinary, nullable=False),
    Index("samples_instance_at", "instance", "at_ms"),
)

# The samples of complete 10 minutes of an instance, compressed.
blocks = Table(
    "blocks",
    metadata,
    _key("instance"),
    _key("at_ms"),
    Column("layout", BigInteger, nullable=False),
    Column("body", LargeBinary, nullable=False),
    sqlite_with_rowid=False,
)

rollups = Table(
    "rollups",
    metadata,
    _key("instance"),
    _key("at_ms"),
    Column("layout", BigInteger, nullable=False),
    Column("body", LargeBinary, nullable=False),
    sqlite_with_rowid=False,
)

# The highest of each metric by instance and day: which instances a chart shows.
peaks = Table(
    "peaks",
    metadata,
    _key("instance"),
    _key("at_ms"),
    Column("layout", BigInteger, nullable=False),
    Column("body", LargeBinary, nullable=False),
    sqlite_with_rowid=False,
)

series_rollups = Table(
    "series_rollups",
    metadata,
    _key("series"),
    _key("step_ms"),
    _key("at_ms"),
    Column("layout", BigInteger, nullable=False),
    Column("body", LargeBinary, nullable=False),
    sqlite_with_rowid=False,
)

# Which of them are older than the roll-ups of the instances they are made of.
stale = Table("stale", metadata, _key("series"), _key("at_ms"), sqlite_with_rowid=False)

# Latencies as they came, by message; folded into the tables below within minutes.
http_tail = Table(
    "http_tail",
    metadata,
    Column("id", _NUMBER, primary_key=True),
    Column("series", BigInteger, nullable=False),
    Column("body", LargeBinary, nullable=False),
    Index("http_tail_series", "series"),
)

http = Table(
    "http",
    metadata,
    _key("series"),
    _key("route", Text),
    _key("at_ms"),
    Column("count", BigInteger, nullable=False),
    Column("body", LargeBinary, nullable=False),
    sqlite_with_rowid=False,
)

http_routes = Table(
    "http_routes",
    metadata,
    _key("series"),
    _key("route", Text),
    Column("last_ms", BigInteger, nullable=False),
    Column("count", BigInteger, nullable=False),
    sqlite_with_rowid=False,
)

# All routes together by instance, for comparing releases that run side by side.
http_instances = Table(
    "http_instances",
    metadata,
    _key("instance"),
    _key("at_ms"),
    Column("count", BigInteger, nullable=False),
    Column("body", LargeBinary, nullable=False),
    sqlite_with_rowid=False,
)

events = Table(
    "events",
    metadata,
    Column("id", _NUMBER, primary_key=True),
    Column("instance", BigInteger, nullable=False),
    Column("series", BigInteger, nullable=False),
    Column("at_ms", Double, nullable=False),
    Column("type", Text, nullable=False),
    Column("body", LargeBinary, nullable=False),
    Index("events_at", "at_ms"),
    Index("events_series_at", "series", "at_ms"),
    Index("events_instance_at", "instance", "at_ms"),
)

incidents = Table(
    "incidents",
    metadata,
    _key("id", Text),
    Column("service", Text, nullable=False),
    Column("state", Text, nullable=False),
    Column("opened_ms", Double, nullable=False),
    Column("updated_ms", Double, nullable=False),
    Column("body", LargeBinary, nullable=False),
    Index("incidents_opened", "opened_ms"),
    Index("incidents_service_opened", "service", "opened_ms"),
)

snapshots = Table(
    "snapshots",
    metadata,
    _key("id", Text),
    Column("service", Text, nullable=False),
    Column("incident", Text, nullable=False),
    Column("taken_ms", Double, nullable=False),
    Column("body", LargeBinary, nullable=False),
    Index("snapshots_taken", "taken_ms"),
)

tokens = Table(
    "tokens",
    metadata,
    _key("id", Text),
    Column("sha256", Text, nullable=False),
    Column("role", Text, nullable=False),
    Column("name", Text, nullable=False),
    Column("created_ms", Double, nullable=False),
    Column("expires_ms", Double),
    Column("last_used_ms", Double),
    Column("service", Text, nullable=False),
)

audit = Table(
    "audit",
    metadata,
    Column("id", _NUMBER, primary_key=True),
    Column("at_ms", Double, nullable=False),
    Column("actor", Text, nullable=False),
    Column("role", Text, nullable=False),
    Column("action", Text, nullable=False),
    Column("target", Text, nullable=False),
    Column("outcome", Text, nullable=False),
    Column("remote", Text, nullable=False),
    Index("audit_at", "at_ms"),
)

settings = Table("settings", metadata, _key("key", Text), Column("value", Text, nullable=False))
