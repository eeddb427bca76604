"""
Connections to SQLite or PostgreSQL, and what goes wrong with them said in words.

SQLite has one writer connection behind a lock and a pool of readers that see the last committed state
(write-ahead log).  `synchronous=NORMAL`: what is committed survives the end of the process, not
necessarily that of the machine.
"""

from __future__ import annotations

import threading
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

import orjson
from sqlalchemy import create_engine, event, text
from sqlalchemy.engine import make_url
from sqlalchemy.exc import ArgumentError, DBAPIError, NoSuchModuleError, SQLAlchemyError
from sqlalchemy.pool import QueuePool

from heapsleuth.errors import StoreError
from heapsleuth.store.checkpoints import Checkpoints
from heapsleuth.store.pacing import Pace

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from sqlalchemy import Connection, Engine, Table
    from sqlalchemy.engine import URL

__all__ = ["Database"]

BUSY_MS = 15_000

# Where a commit makes a checkpoint after all: 130 MB.
CHECKPOINT_PAGES = 32_000

READERS = 8

# PostgreSQL's locks by number: any that no other program on the same server has the idea of.
MIGRATION_LOCK = 7_390_001
MAINTENANCE_LOCK = 7_390_002

_PRAGMAS = (
    "PRAGMA journal_mode=WAL",
    "PRAGMA synchronous=NORMAL",
    f"PRAGMA busy_timeout={BUSY_MS}",
    f"PRAGMA wal_autocheckpoint={CHECKPOINT_PAGES}",
    "PRAGMA journal_size_limit=67108864",
    "PRAGMA cache_size=-32768",
    "PRAGMA temp_store=MEMORY",
)

# What the drivers say, what it means, and what to do.
_PROBLEMS = (
    ("file is not a database", "it is no SQLite database", "Name another file, or move this one away."),
    ("malformed", "the database is damaged", "Restore a copy, or move the file away to begin anew."),
    (
        "readonly database",
        "the database cannot be written",
        "Let this user write the file and its folder, in which SQLite keeps its log.",
    ),
    ("disk is full", "the disk is full", "Make room, or keep data for less long (`keep_days`)."),
    ("no space left", "the database's disk is full", "Make room, or keep data for less long (`keep_days`)."),
    (
        "unable to open database file",
        "the file cannot be opened",
        "Name a file in a folder that exists and can be written.",
    ),
    ("disk i/o error", "the disk failed", "Look at the machine's log of errors."),
    ("database is locked", "another program holds the database", "End that program, or wait for it."),
)


class Database:
    """
    An open database; safe to use from several threads.

    Args:
        url: Of SQLAlchemy; `sqlite:///FILE` or `postgresql://…`.
        checkpoints: Keep the log of a SQLite file short; one process does that for all.

    Attributes:
        pace: Of upkeep.

    Raises:
        StoreError: It cannot be reached or opened.
    """

    def __init__(self, url: str, *, checkpoints: bool = True) -> None:
        self.url = _url(url)
        self.is_sqlite = self.url.get_backend_name() == "sqlite"
        self.name = (
            str(self.url.database) if self.is_sqlite else self.url.render_as_string(hide_password=True)
        )
        self.pace = Pace()
        self._mutex = threading.RLock()
        self._checkpoints: Checkpoints | None = None
        with self.translated():
            self._writer = self._engine(writing=True)
            self._reader = self._engine(writing=False) if self.is_sqlite else self._writer
        if checkpoints and self.is_sqlite and self.url.database:
            self._checkpoints = Checkpoints(self.url.database)

    def _engine(self, *, writing: bool) -> Engine:
        if not self.is_sqlite:
            return create_engine(self.url, pool_size=READERS, pool_pre_ping=True, future=True)
        engine = create_engine(
            self.url,
            poolclass=QueuePool,
            pool_size=1 if writing else READERS,
            max_overflow=0 if writing else READERS,
            connect_args={"timeout": BUSY_MS / 1000, "check_same_thread": False},
        )

        def connected(connection: Any, _record: Any) -> None:
            # The driver's own way of beginning transactions would leave table changes outside of them.
            connection.isolation_level = None
            if writing:
                # Only heeded while the file is empty.
                connection.execute("PRAGMA auto_vacuum=INCREMENTAL")
            for pragma in _PRAGMAS:
                connection.execute(pragma)

        def begun(connection: Connection) -> None:
            connection.exec_driver_sql("BEGIN IMMEDIATE" if writing else "BEGIN")

        event.listen(engine, "connect", connected)
        event.listen(engine, "begin", begun)
        return engine

    @contextmanager
    def translated(self) -> Iterator[None]:
        """
        Say what went wrong with the database.

        Raises:
            StoreError: In place of the driver's errors.
        """
        try:
            yield
        except SQLAlchemyError as error:
            raise self.problem(error) from error

    def problem(self, error: SQLAlchemyError) -> StoreError:
        """Return an error that tells what the driver's means and what to do."""
        said = str(error.orig if isinstance(error, DBAPIError) else error).strip()
        for words, meaning, advice in _PROBLEMS:
            if words in said.lower():
                return StoreError(f"{self.name}: {meaning} ({said}). {advice}")
        return StoreError(f"{self.name}: the database did not do what it was asked: {said}")

    @contextmanager
    def write(self) -> Iterator[Connection]:
        """One transaction; it is durable when the block is left, or undone when an error leaves it."""
        with self._mutex, self.translated(), self._writer.begin() as connection:
            yield connection

    @contextmanager
    def read(self) -> Iterator[Connection]:
        """One consistent state of the database, undisturbed by writers."""
        with self.translated(), self._reader.connect() as connection:
            yield connection

    @contextmanager
    def alone(self) -> Iterator[bool]:
        """Whether no other collector is at it; there can be several only on PostgreSQL."""
        if self.is_sqlite:
            yield True
            return
        with self.read() as connection:
            key = {"key": MAINTENANCE_LOCK}
            got = bool(connection.execute(text("SELECT pg_try_advisory_lock(:key)"), key).scalar())
            try:
                yield got
            finally:
                if got:
                    connection.execute(text("SELECT pg_advisory_unlock(:key)"), key)

    def among(self, connection: Connection, statement: str, keys: Sequence[int]) -> Sequence[Any]:
        """
        Run a query that ends in `IN ?` for all of the keys.

        As one value, however many they are: SQLAlchemy takes 40 µs for each key of a list.
        """
        if self.is_sqlite:
            listed = statement.replace("IN ?", "IN (SELECT value FROM json_each(?))")
            return connection.exec_driver_sql(listed, (orjson.dumps(list(keys)).decode(),)).all()
        return connection.exec_driver_sql(statement.replace("IN ?", "= ANY(%s)"), (list(keys),)).all()

    def give_back(self, pages: int) -> bool:
        """
        Return free pages of a SQLite file to the system, so many at once; False when few are left.

        Half as many as are used may stay: roll-ups free what the next samples take again.
        """
        with self._mutex, self.translated():
            connection = self._writer.raw_connection()
            try:
                driver: Any = connection.driver_connection
                (free,) = driver.execute("PRAGMA freelist_count").fetchone()
                (total,) = driver.execute("PRAGMA page_count").fetchone()
                if free <= pages + (total - free) // 2:
                    return False
                # As a script, because the driver otherwise takes one step of it, which is one page.
                driver.executescript(f"PRAGMA incremental_vacuum({pages})")
            finally:
                connection.close()
        return True

    def many(self, connection: Connection, statement: str, rows: Sequence[tuple[Any, ...]]) -> None:
        """Run a statement with `?` for values once for each row."""
        if rows:
            marked = statement if self.is_sqlite else statement.replace("?", "%s")
            connection.exec_driver_sql(marked, list(rows))

    def close(self) -> None:
        """Close all connections."""
        if self._checkpoints is not None:
            self._checkpoints.close()
        with self._mutex:
            self._reader.dispose()
            self._writer.dispose()


def insert(table: Table, columns: Sequence[str] = ()) -> str:
    """Return the statement that adds a row, with `?` for each of the columns (all when none are named)."""
    names = list(columns) or [column.name for column in table.columns]
    # Names come from `schema`, values never do.
    return f"INSERT INTO {table.name} ({', '.join(names)}) VALUES ({', '.join('?' * len(names))})"  # noqa: S608


def upsert(table: Table) -> str:
    """Return the statement that adds a row, or changes the one with its key."""
    keys = [column.name for column in table.primary_key.columns]
    rest = [column.name for column in table.columns if column.name not in keys]
    changed = ", ".join(f"{name} = excluded.{name}" for name in rest)
    action = f"UPDATE SET {changed}" if rest else "NOTHING"
    return f"{insert(table)} ON CONFLICT ({', '.join(keys)}) DO {action}"


def _url(where: str) -> URL:
    try:
        url = make_url(where)
        backend = url.get_backend_name()
    except (ArgumentError, NoSuchModuleError) as error:
        raise StoreError(f"{where}: expected a file or a URL such as postgresql://user@host/name") from error
    if backend == "postgresql" and url.drivername == "postgresql":
        url = url.set(drivername="postgresql+psycopg")
    if backend not in {"sqlite", "postgresql"}:
        raise StoreError(
            f"{url.render_as_string(hide_password=True)}: expected SQLite or PostgreSQL, found {backend}"
        )
    return url
